"""Runcards from several places: extended cards, options, and whose mistake is whose."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replicafit.components import Preset
from replicafit.errors import RuncardError
from replicafit.plugins import Choice, Plugin, Registry, load_registry
from replicafit.runcard import Override, canonical, canonical_hash, compared, load_runcard
from replicafit.runcard.joining import read_cards
from replicafit.runcard.yaml_source import values as yaml_values

MODEL = "model: {flavours: [f], layers: [{type: x}, {type: multi_dense, units: 1}]}\n"
BASE = (
    MODEL
    + """\
seed: 3
data:
  datasets:
    - {type: file, path: a.npz}
  t0: first
  cuts: [x < 0.5]
training: {max_steps: 7, optimizer: {type: adam, beta_1: 0.3}}
"""
)


@pytest.fixture
def load(tmp_path: Path, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def loader(text: str, *settings: str, base: str = BASE):
        (tmp_path / "bases").mkdir(exist_ok=True)
        (tmp_path / "bases" / "base.yml").write_text(base)
        (tmp_path / "card.yml").write_text(text)
        return load_runcard(
            tmp_path / "card.yml", registry, [Override.setting(given) for given in settings]
        )

    return loader


def refused(load, *arguments, **named) -> str:
    with pytest.raises(RuncardError) as error:
        load(*arguments, **named)
    return str(error.value)


# Extended cards


def test_an_extended_card_fills_the_rest(load):
    card = load("extends: bases/base.yml\nseed: 4\ntraining: {patience: 2}\ndata: {cuts: []}\n")
    assert (card.seed, card.training.max_steps, card.training.patience) == (4, 7, 2)
    assert card.data.cuts == ()
    assert card.training.optimizer.beta_1 == 0.3


def test_a_component_of_another_type_replaces(load):
    card = load("extends: bases/base.yml\ntraining: {optimizer: {type: sgd}}\n")
    assert card.training.optimizer.type == "sgd"
    card = load("extends: bases/base.yml\ntraining: {optimizer: {beta_2: 0.9}}\n")
    assert (card.training.optimizer.beta_1, card.training.optimizer.beta_2) == (0.3, 0.9)


def test_paths_mean_what_they_mean_where_they_are_written(load, tmp_path):
    card = load("extends: bases/base.yml\n")
    assert card.data.datasets[0].path == Path("bases/a.npz")
    assert card.data.t0 == "bases/first"
    card = load("extends: bases/base.yml\ndata: {t0: second}\n", "data.datasets.0.path=c.npz")
    assert card.data.datasets[0].path == tmp_path / "c.npz"
    assert card.data.t0 == "second"
    assert load("extends: bases/base.yml\ndata: {t0: toy_les_houches}\n").data.t0 == (
        "toy_les_houches"
    )


def test_a_name_that_is_no_path_stays(load):
    card = load("extends: bases/base.yml", base=BASE.replace("first", "toy_les_houches"))
    assert card.data.t0 == "toy_les_houches"


def test_the_chain_is_known_and_means_nothing(load, tmp_path):
    (tmp_path / "top.yml").write_text("title: top\n")
    card = load("extends: bases/base.yml\n", base="extends: ../top.yml\n" + BASE)
    assert [each.path for each in card.extends] == ["bases/base.yml", "top.yml"]
    sha256 = hashlib.sha256((tmp_path / "top.yml").read_bytes()).hexdigest()
    assert card.extends[1].sha256 == sha256
    assert "extends" not in canonical(card)
    whole = "title: top\n" + BASE.replace("a.npz", "bases/a.npz").replace("first", "bases/first")
    assert canonical_hash(load(whole)) == canonical_hash(card)


@pytest.mark.parametrize(
    ("text", "base", "words"),
    [
        ("extends: bases/none.yml", BASE, ("card.yml:1:10:", "no runcard at", "none.yml")),
        ("extends: {a: b}", BASE, ("card.yml:1:10:", "path of a runcard")),
        ("extends: [bases/base.yml, b]", BASE, ("card.yml:1:27:", "no runcard at")),
        ("extends: bases/base.yml", "extends: ../card.yml", ("base.yml:1:10:", "in a circle")),
        ("extends: bases/base.yml", "sed: 1\n" + BASE, ("base.yml:1:1:", "mean 'seed'", "sed: 1")),
        ("extends: bases/base.yml", "- a", ("base.yml:1:1:", "not a list")),
        ("extends: bases/base.yml", "", ("base.yml", "is empty")),
    ],
)
def test_mistakes_are_shown_where_they_are(load, text, base, words):
    message = refused(load, text, base=base)
    assert all(word in message for word in words), message


def test_mistakes_of_all_files_come_at_once(load):
    message = refused(load, "extends: bases/base.yml\nsed: 1\n", "seed=x", base=BASE + "titel: a\n")
    assert message.count("not a key here") == 2
    assert "base.yml:9:1:" in message
    assert "card.yml:2:1:" in message
    assert "'--set seed=x'" in message


values = st.recursive(
    st.integers() | st.text("abc", max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner) | st.lists(inner, max_size=2),
)


def plainly_merged(base, over):
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {k: plainly_merged(base[k], v) if k in base else v for k, v in over.items()}


@given(values, values)
def test_merging_is_that_of_plain_mappings(tmp_path_factory, base, over):
    folder = tmp_path_factory.mktemp("cards")
    (folder / "base.yml").write_text(yaml.safe_dump({"a": base}))
    (folder / "card.yml").write_text(yaml.safe_dump({"extends": "base.yml", "a": over}))
    source = read_cards(folder / "card.yml", Registry())
    assert source.data["a"] == plainly_merged(base, over)
    for at, value in yaml_values(source.data["a"]):
        written_above = any(place == at for place, _ in yaml_values(over))
        name = "card.yml" if written_above else "base.yml"
        assert source.mark(("a", *at)).name == str(folder / name), (at, value)


# Presets

PRESET = """\
model:
  flavours: [f]
  layers:
    - {type: x}
    - {type: multi_dense, units: 2}
    - {type: multi_dense, units: 1}
"""
DATA = "data: {datasets: [{type: csv, path: a.csv, error: sigma}]}\n"


@pytest.fixture
def preset(tmp_path, monkeypatch):
    """A registry with a preset in a package; ``text`` is its card."""
    package = tmp_path / "rf_preset"
    (package / "cards").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rf_preset", raising=False)
    built_in = load_registry(choice=Choice(names=frozenset())).plugins

    def with_preset(text: str = PRESET, implied_by=None) -> Registry:
        (package / "cards" / "network.yml").write_text(text)
        known = Preset(
            name="rf_preset:network", card="rf_preset:cards/network.yml", implied_by=implied_by
        )
        return Registry((*built_in, Plugin("p", "p", "1", "p", (known,))))

    return with_preset


def loaded(tmp_path, registry, text: str, *settings: str):
    (tmp_path / "card.yml").write_text(text)
    options = [Override.setting(given) for given in settings]
    return load_runcard(tmp_path / "card.yml", registry, options)


def test_a_preset_is_extended_as_a_card_is(tmp_path, preset):
    registry, given = preset(), "extends: rf_preset:network\nmodel: {flavours: [g]}\n" + DATA
    card = loaded(tmp_path, registry, given, "model.layers.1.units=7")
    assert card.model.flavours == ("g",)
    assert [layer.units for layer in card.model.layers[1:]] == [7, 1]
    sha256 = hashlib.sha256(PRESET.encode()).hexdigest()
    assert [each.model_dump() for each in card.extends] == [
        {"path": "rf_preset:network", "sha256": sha256}
    ]
    assert "extends" not in canonical(card)


def test_a_preset_completes_the_cards_that_imply_it(tmp_path, preset):
    registry = preset(implied_by=lambda card: "model" not in card)
    assert loaded(tmp_path, registry, DATA).extends[0].path == "rf_preset:network"
    card = loaded(tmp_path, registry, DATA + MODEL, "model.layers.1.units=3")
    assert card.extends == ()
    named = loaded(tmp_path, registry, "extends: rf_preset:network\n" + DATA)
    assert len(named.extends) == 1


def test_of_several_the_later_stands_above(tmp_path, preset):
    (tmp_path / "low.yml").write_text("extends: rf_preset:network\nseed: 1\ntitle: low\n")
    (tmp_path / "high.yml").write_text("seed: 2\nmodel: {flavours: [h]}\n")
    card = loaded(tmp_path, preset(), "extends: [low.yml, high.yml]\n" + DATA)
    assert (card.seed, card.title, card.model.flavours) == (2, "low", ("h",))
    assert [each.path for each in card.extends] == ["high.yml", "low.yml", "rf_preset:network"]


def test_one_card_may_be_reached_by_two_ways(tmp_path, preset):
    (tmp_path / "low.yml").write_text("extends: rf_preset:network\n")
    card = loaded(tmp_path, preset(), "extends: [rf_preset:network, low.yml]\n" + DATA)
    assert [each.path for each in card.extends] == ["low.yml", "rf_preset:network"]


@pytest.mark.parametrize(
    ("text", "card", "words"),
    [
        (PRESET + "sed: 1\n", "rf_preset:network", ("network.yml:7:1:", "'seed'")),
        (PRESET.replace("2}", "two}"), "rf_preset:network", ("network.yml:5:34:", "integer")),
        ("model: [", "rf_preset:network", ("network.yml:", "not valid YAML")),
        (PRESET, "rf_preset:netwrk", ("card.yml:1:10:", "Did you mean 'rf_preset:network'")),
        (PRESET, "replicafit_pdf:nnpdf40", ("card.yml:1:10:", "comes with replicafit-pdf")),
        (PRESET, "replicafit_pdf:nnpdf40\ntype: []", ("card.yml:1:10:", "with replicafit-pdf")),
        ("extends: rf_preset:network", "rf_preset:network", ("network.yml:1:10:", "in a circle")),
    ],
)
def test_mistakes_about_presets_are_shown_where_they_are(tmp_path, preset, text, card, words):
    with pytest.raises(RuncardError) as error:
        loaded(tmp_path, preset(text), f"extends: {card}\n{DATA}")
    assert all(word in str(error.value) for word in words), str(error.value)


# Options


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ("training.max_steps=500", ("training", "max_steps"), 500),
        ("title=a=b", ("title",), "a=b"),
        ("data.cuts=[x > 0.1]", ("data", "cuts"), ["x > 0.1"]),
        ("data.datasets.0.weight=2", ("data", "datasets", 0, "weight"), 2),
        ("model.layers.1.units=50", ("model", "layers", 1, "units"), 50),
        ("model.flavours=[g]", ("model", "flavours"), ["g"]),
        ("training.optimizer.learning_rate=1e-2", ("training", "optimizer", "learning_rate"), 0.01),
    ],
)
def test_an_option_takes_the_place_of_the_cards_key(load, setting, key, value):
    found = canonical(load(MODEL + "data: {datasets: [{type: file, path: a.npz}]}", setting))
    for part in key:
        found = found[part]
    assert found == value


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.max_step=5", ("Did you mean 'max_steps'",)),
        ("training.max_steps=0", ("greater than or equal to 1", "Optimizer steps at most")),
        ("data.datasets.3.path=a", ("'data.datasets' is a list of 1",)),
        ("data.datasets.first.path=a", ("'data.datasets' is a list of 1",)),
        ("data.datasets.0.path.x=a", ("has no keys",)),
        ("data.datasets=[{type: fil, path: a}]", ("Did you mean 'file'",)),
        ("seed=[1", ("not valid YAML",)),
        ("seed=0x1F", ("no plain decimal number",)),
        ("seed", ("give KEY=VALUE",)),
        ("a..b=1", ("give KEY=VALUE",)),
        ("extends=a.yml", ("give KEY=VALUE",)),
    ],
)
def test_a_wrong_option_is_not_blamed_on_the_card(load, setting, words):
    message = refused(load, "data: {datasets: [{type: file, path: a.npz}]}", setting)
    assert f"'--set {setting}'" in message
    assert all(word in message for word in words), message
    assert "card.yml" not in message


def test_what_an_option_does_not_touch_keeps_its_place(load):
    message = refused(load, "sed: 1\n" + BASE, "training.patience=3")
    assert "card.yml:1:1:" in message


# Comparing


def test_two_cards_are_compared_by_meaning(load):
    ours = canonical(load(BASE))
    assert not compared(ours, canonical(load("# reordered\n" + BASE.replace("0.3", "3e-1"))))
    theirs = canonical(load(BASE, "training.max_steps=8", "data.cuts=[]"))
    found = {each.key: (each.ours, each.theirs) for each in compared(ours, theirs)}
    assert found == {"training.max_steps": (7, 8), "data.cuts": (["x < 0.5"], [])}
