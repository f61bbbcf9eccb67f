"""The commands about runcards, in this process: nothing here is fitted."""

from __future__ import annotations

import io
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import commands
import pytest
import yaml

from replicafit.components import RuncardSection
from replicafit.data import write_dataset
from replicafit.runcard import Runcard, runcard_schema
from replicafit.runcard.explaining import explain
from replicafit.runcard.keys import Keys

CARDS = sorted((Path(__file__).parents[2] / "runcards").glob("*.yml"))
ANYTHING = next(card for card in CARDS if card.stem == "anything")


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Runs ``replicafit`` in a folder of the test, where tests themselves are too."""
    monkeypatch.chdir(tmp_path)
    return partial(commands.call, cwd=tmp_path)


def test_anything_is_fitted_with_shared_tables(call):
    code, out, _ = call("check", ANYTHING)
    assert code == 0
    assert "chi2 of 60 data: shared, uncorrelated" in out


def test_check_takes_options_in_place_of_keys(call):
    options = ("--set", "model.layers.1.units=5", "--seed", 7, "--replicas", "1-2")
    code, out, _ = call("check", ANYTHING, *options, "--set", "title=other", "--defaults")
    assert code == 0
    resolved = yaml.safe_load(out[out.index("\ntitle:") :])
    assert (resolved["seed"], resolved["replicas"], resolved["title"]) == (7, [1, 2], "other")
    assert resolved["model"]["layers"][1]["units"] == 5
    assert "2 replicas in 1 batch" in out


def test_check_for_programs(call):
    code, out, _ = call("check", ANYTHING, "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["n_data"], told["functions"], told["only_a_fit_can_tell"]) == (60, ["f"], [])
    assert told["inputs"][0]["name"] == "x"
    assert told["plans"][0]["parameters"] == 481
    assert call("check", ANYTHING, "-q") == (0, "", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"3": {"units": 2}}, "puts out 2 functions, but model.flavours names 1"),
        ({"1": {"activation": "tanhh"}}, "no activation 'tanhh'; did you mean 'tanh'"),
        ({"2": {"kernel_initializer": "he_norml"}}, "no initializer 'he_norml'; did you mean"),
        ({"2": {"kernel_regularizer": {"class_name": "L3"}}}, "no regularizer 'L3'"),
        ({"1": {"type": "keras", "layer": "LayerNorm"}}, "no layer 'LayerNorm'; did you mean"),
    ],
)
def test_check_finds_what_keras_would(call, tmp_path, changes, words):
    card = yaml.safe_load(ANYTHING.read_text())
    layers = card["model"]["layers"]
    for place, change in changes.items():
        old = {} if "type" in change else layers[int(place)]
        layers[int(place)] = old | change
    card["data"]["datasets"][0]["path"] = str(ANYTHING.with_suffix(".csv"))
    (tmp_path / "card.yml").write_text(yaml.safe_dump(card))
    code, _, err = call("check", "card.yml")
    assert code == 2
    assert words in " ".join(err.split())


def test_check_says_what_only_a_fit_can_tell(call, tmp_path):
    card = yaml.safe_load(ANYTHING.read_text())
    card["model"]["layers"].insert(2, {"type": "keras", "layer": "EinsumDense"})
    card["data"]["datasets"][0]["path"] = str(ANYTHING.with_suffix(".csv"))
    (tmp_path / "card.yml").write_text(yaml.safe_dump(card))
    code, out, _ = call("check", "card.yml")
    assert code == 0
    assert "only run can tell what leaves layer 2 (EinsumDense)" in out


@pytest.mark.parametrize("option", ["--seed", "--replicas"])
def test_a_wrong_option_is_named(call, option):
    code, _, err = call("check", ANYTHING, option, "many")
    assert code == 2
    assert f"Invalid value for '{option}'" in err


def test_diff(call, tmp_path):
    (tmp_path / "b.yml").write_text(f"extends: {ANYTHING}\ntraining: {{patience: 3}}\n")
    code, out, _ = call("diff", ANYTHING, ANYTHING)
    assert (code, out) == (0, "Both mean the same fit.\n")
    code, out, _ = call("diff", ANYTHING, "b.yml")
    assert code == 1
    assert "training.patience: 1000 -> 3\n" in out


# Explaining


def test_explain_tells_type_default_unit_meaning_and_example(call):
    code, out, _ = call("explain", "training.patience")
    assert code == 0
    for words in ("integer, at least 1", "2000", "steps", "validation chi2", "{patience: 2000}"):
        assert words in out


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("asked", [("explain", "multi_dense"), ("explain",), ("plugins",)])
def test_lists_wrap_at_words_and_fit_the_terminal(call, monkeypatch, columns, asked):
    monkeypatch.setenv("COLUMNS", "200")
    whole = "".join(call(*asked)[1].split())
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = call(*asked)
    assert code == 0
    assert "".join(out.split()) == whole
    assert max(map(len, out.splitlines())) <= columns


def test_explain_tells_types_and_defaults_of_all_settings_at_once(call):
    out = " ".join(call("explain", "multi_dense")[1].split())
    assert "units Outputs per replica. (integer, at least 1; must be given)" in out
    assert "(true or false; default true)" in out


def test_explain_takes_the_end_of_a_key(call):
    assert call("explain", "patience") == call("explain", "training.patience")
    code, out, _ = call("explain", "multi_dense.units")
    assert code == 0
    assert "layer 'multi_dense' of plugin 'builtin' (replicafit)" in out
    code, _, err = call("explain", "units")
    assert code == 2
    assert "model.layers.multi_dense.units" in err
    code, _, err = call("explain", "training.pacience")
    assert code == 2
    assert "Did you mean 'training.patience'" in err


def test_every_key_and_component_is_explained(registry):
    for key in Keys(registry).all[::8]:  # each builds the whole catalogue anew
        assert explain(registry, ".".join(key.path)).name == ".".join(key.path)
    sections = registry.names(RuncardSection)
    assert len(explain(registry, "").below) == len(Runcard.model_fields) + len(sections)


def test_examples_and_sections_of_the_card_have_a_meaning(registry):
    missing = [key.path for key in Keys(registry).all if not key.component]
    described = [key.path for key in Keys(registry).all if key.field.description]
    assert not [path for path in missing if path not in described and path[0] != "extends"]


# Beginning


def test_init_without_questions_writes_a_card_that_passes(call, tmp_path):
    code, _, err = call("init", "--yes")
    assert code == 0, err
    text = (tmp_path / "runcard.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=runcard.schema.json\n")
    schema = json.loads((tmp_path / "runcard.schema.json").read_text())
    assert not list(violations(schema, schema, yaml.safe_load(text), "card"))
    assert call("check", "runcard.yml")[0] == 0
    code, _, err = call("init", "--yes")
    assert code == 2
    assert "exists already" in err
    assert call("init", "second.yml", "--yes")[0] == 0  # the invented data are there already
    (tmp_path / "example.csv").write_text("my own")
    code, _, err = call("init", "third.yml", "--yes")
    assert code == 2
    assert "'example.csv' exists already" in err


def test_init_reads_the_data_it_is_given(call, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.csv").write_text("T,who,emf,Sigma\n0.1,a,2,0.1\n0.2,b,3,0.1\n")
    code, _, err = call("init", "cards/one.yml", "--yes", "--data", "deep/mine.csv")
    assert code == 0, err
    card = yaml.safe_load((tmp_path / "cards" / "one.yml").read_text())
    assert card["data"]["datasets"] == [
        {
            **{"type": "csv", "path": "../deep/mine.csv", "x": "T", "y": "emf"},
            **{"error": "Sigma", "flavour": "emf"},
        }
    ]
    assert card["model"]["flavours"] == ["emf"]
    assert call("check", "cards/one.yml")[0] == 0


def test_init_takes_the_functions_of_a_dataset(call, tmp_path, toy_datasets):
    write_dataset(tmp_path / "A.npz", toy_datasets[0])
    assert call("init", "--yes", "--data", "A.npz")[0] == 0
    assert call("check", "runcard.yml")[0] == 0
    card = yaml.safe_load((tmp_path / "runcard.yml").read_text())
    assert card["model"]["flavours"] == [*toy_datasets[0].flavours]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        ("x,y\n1,2\n", "has 2 columns of numbers"),
        ("x\ty\te\n1\t2\t3\n", "with commas"),
        ("x,y,e\n1,2\n", "2 values, but 3 columns"),
    ],
)
def test_init_says_at_once_what_is_wrong_with_the_data(call, tmp_path, content, words):
    if content is not None:
        (tmp_path / "mine.csv").write_text(content)
    code, _, err = call("init", "--yes", "--data", "mine.csv")
    assert code == 2
    assert words in err
    assert not (tmp_path / "runcard.yml").exists()


def test_init_writes_examples_of_plugins(call):
    code, _, err = call("init", "--yes", "--example", "dis")
    assert code == 0, err
    code, out, _ = call("check", "runcard.yml")
    assert code == 0
    assert "HERA_NC_318GEV_EP-SIGMARED" in out
    code, _, err = call("init", "b.yml", "--yes", "--example", "nothing")
    assert code == 2
    assert "those with: dis" in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no file at .*mine.csv"),
        ("a,b\n1,2\n", "has 2 columns of numbers"),
        ("x,y,error\n1,2,1\n3,,1\n", "has 2 columns of numbers.* line 3: 'y' is ''"),
        ("x,y,error\n1,2,0\n3,4,1\n", "line 2: the error 'error' is 0"),
    ],
)
def test_init_reads_the_data_before_it_writes(call, tmp_path, text, words):
    if text is not None:
        (tmp_path / "mine.csv").write_text(text)
    code, _, err = call("init", "cards/one.yml", "--yes", "--data", "mine.csv")
    assert code == 2
    assert re.search(words, " ".join(err.split()))
    assert not (tmp_path / "cards" / "one.yml").exists()


def test_init_takes_columns_and_functions_from_the_header(call, tmp_path, monkeypatch):
    rows = "".join(f"{3 + k},{k - 9},{k},0.1\n" for k in range(20))
    (tmp_path / "mine.csv").write_text("energy,angle,yield,sigma\n" + rows)
    answers = iter(["mine.csv", "energy, angle", "yield", "sigma", 3, "Surface"])
    monkeypatch.setattr("click.prompt", lambda *given, **more: next(answers))
    code, out, _ = call("init", "card.yml")
    assert code == 0
    assert "has the columns energy, angle, yield, sigma" in out
    assert "Left" not in out
    told = json.loads(call("check", "card.yml", "--json")[1])
    assert told["functions"] == ["yield"]
    assert [each["name"] for each in told["inputs"]] == ["energy", "angle"]


def test_init_says_so_when_nobody_answers(call, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = call("init", "card.yml")
    assert code == 2
    assert "Nobody answers" in err
    assert "--yes" in err


@pytest.mark.parametrize(
    ("given", "near"),
    [("chek", "'check'"), ("reprot", "'report'"), ("paint", "`replicafit --help`")],
)
def test_a_command_that_nobody_knows_is_refused(call, given, near):
    code, _, err = call(given, "card.yml")
    assert code == 2
    assert f"There is no command '{given}'" in err
    assert near in err


def test_init_says_which_columns_it_leaves(call, tmp_path):
    (tmp_path / "mine.csv").write_text("x,y,stat,sys\n1,2,0.1,0.2\n2,3,0.1,0.2\n")
    code, out, _ = call("init", "--yes", "--data", "mine.csv")
    assert code == 0
    assert "Taken: x, y, stat. Left: sys; if they are errors too" in out


def test_init_asks(call, tmp_path, monkeypatch):
    columns = ["x", "y", "sigma"]
    answers = iter([str(ANYTHING.with_suffix(".csv")), *columns, 3, "a: title"])
    monkeypatch.setattr("click.prompt", lambda *given, **more: next(answers))
    assert call("init", "card.yml")[0] == 0
    code, out, _ = call("check", "card.yml")
    assert code == 0
    assert "a: title\n" in out
    assert "plan: 3 replicas" in out


# What a plugin would bring


@pytest.mark.parametrize(
    ("arguments", "distribution"),
    [
        (("explain", "scan.trials"), "scan"),
        (("run", ANYTHING, "--observer", "tensorboard"), "report"),
        (("run", ANYTHING, "--executor", "dask:local"), "dask"),
        (("report", "fit"), "report"),
    ],
)
def test_what_comes_with_a_plugin_is_told(call, monkeypatch, arguments, distribution):
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "off")
    code, _, err = call(*arguments)
    assert code == 2
    assert f"pip install -e plugins/replicafit-{distribution}" in err


# The schema


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.stem)
def test_shipped_cards_satisfy_the_schema(card, registry):
    schema = json.loads(json.dumps(runcard_schema(registry)))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    data = yaml.safe_load(card.read_text())
    assert not list(violations(schema, schema, data, "card"))
    assert list(violations(schema, schema, {**data, "sed": 1}, "card"))
    assert list(violations(schema, schema, {**data, "replicas": True}, "card"))
    layers = [{"type": "multi_dense", "unit": 1}]
    assert list(violations(schema, schema, {**data, "model": {"layers": layers}}, "card"))


TYPES: dict[str, Any] = {
    **{"string": str, "array": list, "object": dict, "boolean": bool, "null": type(None)},
    **{"integer": int, "number": (int, float)},
}


def violations(root: Any, schema: Any, value: Any, where: str):
    """What in ``value`` breaks ``schema``, for the words of JSON Schema that ours has."""
    if "$ref" in schema:
        yield from violations(root, root["$defs"][schema["$ref"].rpartition("/")[2]], value, where)
    for word in ("anyOf", "oneOf"):
        if word in schema and all(any(violations(root, s, value, where)) for s in schema[word]):
            yield f"{where}: none of the forms"
    named = schema.get("type")
    if named and (
        not isinstance(value, TYPES[named]) or (isinstance(value, bool) and named != "boolean")
    ):
        yield f"{where}: no {named}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: not in {schema['enum']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{where}: too small"
    if isinstance(value, list):
        for item in value:
            yield from violations(root, schema.get("items", {}), item, where)
    if isinstance(value, dict) and "properties" in schema:
        yield from _of_object(root, schema, value, where)


def _of_object(root: Any, schema: Any, value: dict[str, Any], where: str):
    yield from (f"{where}: no {key}" for key in schema.get("required", ()) if key not in value)
    for key, item in value.items():
        if key in schema["properties"]:
            yield from violations(root, schema["properties"][key], item, f"{where}.{key}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}: {key} is not allowed"
