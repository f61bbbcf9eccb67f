"""Runcards: what is accepted, and how errors point at the mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.components import Exporter, Penalty
from replicafit.errors import RuncardError
from replicafit.plugins import Choice, Plugin, Registry, load_registry
from replicafit.runcard import Override, canonical, canonical_hash, load_runcard, runcard_type
from replicafit.runcard.replica_range import ReplicaRange
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
model:
  layers: [{type: x}, {type: multi_dense, units: 1}]
"""


@pytest.fixture(scope="module")
def registry():
    """Without other plugins, as messages name what all of them know."""
    return load_registry(choice=Choice(names=frozenset()))


@pytest.fixture
def load(tmp_path: Path, registry):
    def loader(text: str, **overrides):
        path = tmp_path / "card.yml"
        path.write_text(text)
        options = [Override.yaml(f"--{key}", key, str(v)) for key, v in overrides.items()]
        return load_runcard(path, registry, options)

    return loader


def test_defaults_fill_the_rest(load):
    card = load(CARD)
    assert card.replicas.numbers == (1, 2, 3)
    assert card.training.optimizer.learning_rate == 1e-3
    assert card.model.flavours is None
    assert card.export == ("network", "function", "history", "data", "predictions")


def test_it_is_frozen_and_hashes_by_meaning(load):
    card = load(CARD)
    with pytest.raises(ValueError, match="frozen"):
        card.seed = 3
    reordered = "# a comment\n" + CARD.replace("1-3", "[1, 3]").replace("1e-3", "0.001")
    assert canonical_hash(load(reordered)) == canonical_hash(card)
    assert canonical_hash(load(CARD, replicas=4)) == canonical_hash(card)
    assert canonical_hash(load(CARD, seed=4)) != canonical_hash(card)
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
        ("replicas: 1-3", "replicas: 0", ":3:11:", "'replicas' is 0: give a count such as 100"),
        ("title: a title", "title: a\ntitle: b", ":2:1:", "given twice, first on line 1"),
        ("seed: 5", "seed: [5", ":3:9:", "not valid YAML"),
        ("seed: 5", "max_steps: 5", ":2:1:", "'max_steps' belongs under 'training'."),
        (
            "seed: 5",
            "max_step: 5",
            ":2:1:",
            "Did you mean 'max_steps'? It belongs under 'training'",
        ),
        (
            "seed: 5",
            "units: 5",
            ":2:1:",
            "under 'model.layers' (type multi_dense",
        ),
        ("training_fraction: 0.5", "seed: 5", ":7:3:", "'seed' belongs at the top level"),
        ("seed: 5", "it's: 5", ":2:1:", "'it's' is not a key here"),
        ("seed: 5", "x[y(: 5", ":2:1:", "'x[y(' is not a key here"),
        ("seed: 5", "theory: {}", ":2:1:", "pip install -e plugins/replicafit-pdf"),
        ("seed: 5", "scan: {}", ":2:1:", "pip install -e plugins/replicafit-scan"),
        ("learning_rate: 1e-3", "rate: 3", ":9:28:", "optimizer 'nadam' of plugin 'builtin'"),
        ("1e-3", "fast", ":9:43:", "optimizer 'nadam' of plugin 'builtin' (replicafit)"),
        ("0.5", "2", ":7:22:", "training_fraction: Fraction of the data of each dataset"),
        ("seed: 5", "seed: 0123", ":2:7:", "'0123' is no plain decimal number"),
        ("seed: 5", "seed: 0x1F", ":2:7:", "'0x1F' is no plain decimal number"),
        ("seed: 5", "seed: 1_000", ":2:7:", "'1_000' is no plain decimal number"),
        ("seed: 5", "seed: 1:30", ":2:7:", "'seed' is '1:30': Input should be a valid integer"),
        ("a title", "yes", ":1:8:", "'yes' may be a word or mean true: write true"),
        ("seed: 5", "export: [network, network]", ":2:9:", "'network' is given twice"),
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
        ("seed: 5", "penalties: 3", "'penalties' is 3: give a list"),
    ],
)
def test_errors_speak_yaml(load, old, new, words):
    with pytest.raises(RuncardError, match=words) as error:
        load(CARD.replace(old, new))
    assert str(error.value).count("^") == 1


def test_one_file_twice_is_told(load):
    one = "- {type: file, path: a.npz}"
    with pytest.raises(RuncardError, match="entries 1 and 2 are the same data"):
        load(CARD.replace(one, f"{one}\n    {one[:-1]}, weight: 2.0}}"))
    with pytest.raises(RuncardError, match="entries 1 and 2 are the same data"):
        load(
            CARD.replace("  training_", "  extra_covariances: [{path: c}, {path: c}]\n  training_")
        )
    apart = f"{one[:-1]}, cuts: [x < 0.1]}}\n    {one[:-1]}, cuts: [x > 0.1]}}"
    assert len(load(CARD.replace(one, apart)).data.datasets) == 2


def test_an_invalid_item_is_not_also_a_missing_one(load):
    with pytest.raises(RuncardError) as error:
        load(CARD.replace("file", "fil"))
    assert str(error.value).count("^") == 1


def test_an_exporter_needs_the_files_it_reads(tmp_path):
    built_in = load_registry()
    whole = Exporter(name="whole", finish="nowhere:nothing", needs=("function",))
    plugin = Plugin("whole", "whole", "1", "whole", (whole,))
    registry = Registry(plugins=(*built_in.plugins, plugin))
    path = tmp_path / "card.yml"
    path.write_text(f"{CARD}export: [whole]\n")
    with pytest.raises(RuncardError, match="'whole' needs 'function' too; add it"):
        load_runcard(path, registry)
    path.write_text(f"{CARD}export: [whole, function]\n")
    assert load_runcard(path, registry).export == ("whole", "function")


def test_words_and_numbers_in_quotes_are_text(load):
    assert load(CARD.replace("a title", '"no"')).title == "no"
    assert load(CARD.replace("a title", "2024-01-01")).title == "2024-01-01"
    assert load(CARD.replace("a title", "12:30")).title == "12:30"


@pytest.mark.parametrize("type_", ["''", "anything", "{}"])
def test_nothing_goes_where_nothing_is_installed(tmp_path, type_):
    built_in = load_registry().plugins
    some = [
        replace(p, components=tuple(c for c in p.components if not isinstance(c, Penalty)))
        for p in built_in
    ]
    path = tmp_path / "card.yml"
    path.write_text(f"{CARD}penalties: [{{type: {type_}}}]\n")
    with pytest.raises(RuncardError, match="No installed plugin provides the penalty"):
        load_runcard(path, Registry(plugins=tuple(some)))


def test_what_is_missing_is_told_once_for_each_distribution(load):
    many = "".join(f"    - {{type: dis, name: D{i}}}\n" for i in range(40))
    text = CARD.replace("    - {type: file, path: a.npz}\n", many)
    text = text.replace("{type: x}, ", "{type: x}, {type: preprocessing}, {type: sum_rules}, ")
    with pytest.raises(RuncardError) as caught:
        load(f"{text}theory: {{}}\npenalties: [{{type: rigde}}, {{type: rigde}}]\n")
    told = str(caught.value)
    for distribution in ("replicafit-dis", "replicafit-pdf"):
        assert told.count(f"pip install -e plugins/{distribution}.") == 1
    assert "card.yml:6:14: No installed plugin provides the dataset reader 'dis'." in told
    assert "Likewise on line 7, 8, 9 and 36 more." in told
    assert "'preprocessing'" in told
    assert told.count("'rigde'") == 1


def test_a_missing_preset_does_not_hide_what_else_is_missing(load):
    text = (
        "extends: replicafit_pdf:nnpdf40\ndata: {datasets: [{type: dis, name: A}, {type: csv}]}\n"
    )
    with pytest.raises(RuncardError) as caught:
        load(text)
    told = str(caught.value)
    for distribution in ("replicafit-pdf", "replicafit-dis"):
        assert told.count(f"pip install -e plugins/{distribution}.") == 1


@pytest.mark.parametrize("model", ["", "model: {}\n", "model: {flavours: [f]}\n"])
def test_a_card_without_layers_is_told_where_there_are_some(load, model):
    with pytest.raises(RuncardError, match=r"'model.layers' is missing.*replicafit_pdf:nnpdf40"):
        load(CARD.partition("model:")[0] + model)


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


def test_good_replicas(load):
    replicas = load(CARD.replace("1-3", "{good: 5}")).replicas
    assert (replicas.numbers, replicas.wanted) == (tuple(range(1, 11)), 5)
    assert canonical(load(CARD.replace("1-3", "{good: 5}")))["replicas"] == {
        **{"first": 1, "good": 5, "at_most": 10}
    }
    replicas = load(CARD.replace("1-3", "{good: 5, at_most: 7, first: 11}")).replicas
    assert replicas.numbers == tuple(range(11, 18))
    assert ReplicaRange.model_validate(replicas.model_dump()) == replicas


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{good: 0}", "greater than or equal to 1"),
        ("{good: many}", "integer"),
        ("{good: true}", "integer"),
        ("{good: 5, at_most: 4}", "at_most .4. must be good .5. or more"),
        ("{good: 5, last: 9}", "not both"),
        ("{goood: 5}", "Did you mean 'good'"),
        ("{first: 3, at_most: 4, last: 9}", "good .not given. or more"),
    ],
)
def test_good_replicas_that_make_no_sense(load, given, words):
    with pytest.raises(RuncardError, match=words) as error:
        load(CARD.replace("1-3", given))
    assert ":3:" in str(error.value)


def test_the_schema_tells_every_form_of_replicas(registry):
    schema = runcard_type(registry).model_json_schema()
    entry = schema["properties"]["replicas"]
    name = entry.get("$ref", "").rpartition("/")[2]
    forms = (schema["$defs"][name] if name else entry)["anyOf"]
    assert [form["type"] for form in forms] == ["integer", "string", "array", "object", "object"]


@given(st.integers(1, 10**6), st.integers(0, 100))
def test_replica_ranges(first, more):
    as_pair = ReplicaRange.model_validate([first, first + more])
    assert ReplicaRange.model_validate(f"{first}-{first + more}") == as_pair
    assert ReplicaRange.model_validate(as_pair.model_dump()) == as_pair
    assert len(as_pair.numbers) == more + 1
