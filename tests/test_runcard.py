"""Runcards: what is accepted, and how errors point at the mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.errors import RuncardError
from replicafit.runcard import canonical, canonical_hash, load_runcard
from replicafit.runcard.models import ReplicaRange
from replicafit.runcard.yaml_source import read_yaml

CARD = """\
title: a title
seed: 5
replicas: 1-3
data:
  datasets:
    - {type: file, path: a.npz}
  training_fraction: 0.5
training:
  optimizer: {type: nadam, learning_rate: 1e-3}
"""


@pytest.fixture
def load(tmp_path: Path, registry):
    def loader(text: str, **overrides):
        path = tmp_path / "card.yml"
        path.write_text(text)
        return load_runcard(path, registry, overrides)

    return loader


def test_defaults_fill_the_rest(load):
    card = load(CARD)
    assert card.replicas.numbers == (1, 2, 3)
    assert card.training.optimizer.learning_rate == 1e-3
    assert [layer.type for layer in card.model.layers][-1] == "sum_rules"
    assert card.export == ("network", "function", "history")


def test_it_is_frozen_and_hashes_by_meaning(load):
    card = load(CARD)
    with pytest.raises(ValueError, match="frozen"):
        card.seed = 3
    reordered = "# a comment\n" + CARD.replace("1-3", "[1, 3]").replace("1e-3", "0.001")
    assert canonical_hash(load(reordered)) == canonical_hash(card)
    assert canonical_hash(load(CARD, replicas=4)) != canonical_hash(card)
    assert canonical(card)["replicas"] == [1, 3]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("seed: 5", "sed: 5", ":2:1:", "'sed' is not a key here. Did you mean 'seed'"),
        ("training_fraction: 0.5", "training_fraction: 1.5", ":7:22:", "less than or equal to 1"),
        ("learning_rate:", "learning_rat:", ":9:28:", "Did you mean 'learning_rate'"),
        ("type: nadam", "type: nadm", ":9:21:", "Did you mean 'nadam'"),
        ("type: file", "type: fil", ":6:14:", "Did you mean 'file'"),
        (", path: a.npz", "", ":6:7:", "'data.datasets.0.file.path' is missing"),
        ("replicas: 1-3", "replicas: 3-1", ":3:11:", "below the first"),
        ("replicas: 1-3", "replicas: few", ":3:11:", "a count such as 100"),
        ("title: a title", "title: a\ntitle: b", ":2:1:", "given twice, first on line 1"),
        ("seed: 5", "seed: [5", ":3:9:", "not valid YAML"),
    ],
)
def test_errors_point_at_the_mistake(load, old, new, place, words):
    with pytest.raises(RuncardError) as error:
        load(CARD.replace(old, new))
    message = str(error.value)
    assert place in message
    assert words in message
    assert "^" in message


def test_all_errors_come_at_once(load):
    with pytest.raises(RuncardError) as error:
        load(CARD.replace("seed", "sed").replace("0.5", "1.5"))
    assert str(error.value).count("^") == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("- {type: file, path: a.npz}", "{type: file}", "'data.datasets' .* give a list"),
        ("- {type: file, path: a.npz}", "[]", "'data.datasets' is .* give at least one"),
        (
            "{type: nadam, learning_rate: 1e-3}",
            "nadam",
            "'training.optimizer' .* needs a type|keys",
        ),
        ("seed: 5", "model: 3", "'model' is 3: give keys and values"),
    ],
)
def test_errors_speak_yaml(load, old, new, words):
    with pytest.raises(RuncardError, match=words) as error:
        load(CARD.replace(old, new))
    assert str(error.value).count("^") == 1


def test_an_invalid_item_is_not_also_a_missing_one(load):
    with pytest.raises(RuncardError) as error:
        load(CARD.replace("file", "fil"))
    assert str(error.value).count("^") == 1


@pytest.mark.parametrize("text", ["", "- a\n- b\n"])
def test_a_card_that_is_no_mapping_is_refused(load, text):
    with pytest.raises(RuncardError):
        load(text)


def test_a_missing_card_is_named(tmp_path, registry):
    with pytest.raises(RuncardError, match=r"nowhere\.yml"):
        load_runcard(tmp_path / "nowhere.yml", registry)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_way_python_writes_a_float_is_read_as_one(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("floats") / "f.yml"
    path.write_text(f"value: {value!r}\n")
    assert read_yaml(path).data["value"] == value


@given(st.integers(1, 10**6), st.integers(0, 100))
def test_replica_ranges(first, more):
    as_pair = ReplicaRange.model_validate([first, first + more])
    assert ReplicaRange.model_validate(f"{first}-{first + more}") == as_pair
    assert ReplicaRange.model_validate(as_pair.model_dump()) == as_pair
    assert len(as_pair.numbers) == more + 1
