"""Plugins load one by one; a broken one stops nobody else."""

from __future__ import annotations

import hashlib
import sys
import types
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from local_plugin import LOCAL
from toy import TOY_CARD

from replicafit.api import check
from replicafit.cli import commands
from replicafit.components import (
    Command,
    ComponentSettings,
    DatasetReader,
    Exporter,
    FunctionSource,
    LayerType,
    OptimizerType,
    Preset,
    RuncardSection,
)
from replicafit.components.hookspecs import hookimpl
from replicafit.errors import DataError, ModelError, PluginError, ReplicafitError, RuncardError
from replicafit.forward.assembly import load_data
from replicafit.forward.penalties import build_penalties
from replicafit.plugins import (
    TAKEN,
    Choice,
    Plugin,
    Registry,
    faults,
    load_registry,
    with_files,
)
from replicafit.plugins.registry import FOUND_IN
from replicafit.runcard import Runcard, load_runcard, load_setup


def exporter(name: str) -> Exporter:
    return Exporter(name=name, write="nowhere:nothing")


@pytest.fixture
def plugin_module(monkeypatch):
    """Makes a module with an exporter hook importable, and gives its entry point."""

    def make(name, returned):
        module = types.ModuleType(name)

        @hookimpl
        def replicafit_exporters():
            return returned

        module.replicafit_exporters = replicafit_exporters
        monkeypatch.setitem(sys.modules, name, module)
        return EntryPoint(name=name, value=name, group="replicafit")

    return make


def test_built_ins_come_through_the_door(registry):
    assert set(registry.names(LayerType)) >= {"multi_dense", "x_logx", "preprocessing", "sum_rules"}
    assert registry.provider(DatasetReader, "file").distribution == "replicafit"


class OwnError(DataError):
    """As plugins may have one: with another constructor."""

    def __init__(self, file: str, message: str) -> None:
        super().__init__(message)
        self.file = file


def test_an_error_of_a_plugin_keeps_its_class_and_says_whose_it_is():
    kind = OptimizerType(name="sgd", build="nowhere:build", origin="plugin 'own' (own 1.0)")
    with (
        pytest.raises(OwnError, match=r"^It is lost. \(From the optimizer 'sgd' of") as caught,
        kind.at_fault("when it read"),
    ):
        raise OwnError("a.csv", "It is lost.")
    assert caught.value.file == "a.csv"


def test_a_broken_plugin_is_noted_and_others_load(plugin_module):
    good = plugin_module("good_plugin", [exporter("good")])
    missing = EntryPoint(name="bad", value="no_such_module_anywhere", group="replicafit")
    registry = load_registry([good, missing])
    assert registry.names(Exporter) == ("good",)
    assert [b.name for b in registry.broken] == ["bad"]
    assert "no_such_module_anywhere" in registry.broken[0].reason
    with pytest.raises(PluginError, match=r"bad.*did not load"):
        registry.get(Exporter, "other")


@pytest.mark.parametrize("returned", [exporter("x"), ["x"], None.__class__])
def test_a_hook_must_return_descriptions(plugin_module, returned):
    registry = load_registry([plugin_module("odd_plugin", returned)])
    assert [b.name for b in registry.broken] == ["odd_plugin"]


def test_two_providers_of_one_name_are_an_error_that_names_both():
    twice = [Plugin(n, n, "1.0", n, (exporter("same"),)) for n in ("one-dist", "two-dist")]
    registry = Registry(plugins=tuple(twice))
    assert registry.names(Exporter) == ()
    with pytest.raises(PluginError, match=r"'one-dist' 1.0 and 'two-dist' 1.0"):
        registry.get(Exporter, "same")


def test_the_nearest_name_is_suggested(registry):
    with pytest.raises(PluginError, match="Did you mean 'multi_dense'"):
        registry.get(LayerType, "multi_dens")


def test_what_is_not_installed_is_named_with_its_command():
    for kind, name in ((Exporter, "lhapdf"), (DatasetReader, "dis")):
        wanted = rf"'{name}'.* in a clone.*: pip install -e plugins/replicafit-{name}\."
        with pytest.raises(PluginError, match=wanted):
            Registry().get(kind, name)


def test_a_distribution_that_is_there_but_broken_is_not_to_be_installed():
    cause = ImportError("no such thing")
    broken = Plugin("lhapdf", "replicafit-lhapdf", "0.1.0", "lhapdf", cause=cause)
    with pytest.raises(PluginError, match="did not load") as error:
        Registry(broken=(broken,)).get(Exporter, "lhapdf")
    assert "pip install" not in str(error.value)


# What can be wrong with one


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a module that can be imported, and gives its entry point."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        made.append(name)
        return EntryPoint(name=name, value=name, group="replicafit")

    yield make
    for name in made:
        sys.modules.pop(name, None)


HEAD = "from replicafit.plugin import Exporter, hookimpl\n"
GOOD = """
@hookimpl
def replicafit_exporters():
    return [Exporter(name="good", write="nowhere_at_all:write")]
"""
SECTION = """
from pydantic import BaseModel
from replicafit.plugin import RuncardSection, Settings
class Loose(BaseModel):
    a: int = 1
@hookimpl
def replicafit_runcard_sections():
    return [RuncardSection(name="later", model={})]
"""
BROKEN = {
    "raises": ("raise OSError('no disk')", "OSError: no disk"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "own": ("class Stop(BaseException): ...\nraise Stop('now')", "Stop: now"),
    "mute": ("class Mute(Exception):\n def __str__(self): return 1 / 0\nraise Mute", "Mute: no"),
    "taken": (
        GOOD.replace("exporters", "commands")
        .replace("Exporter(", "Command(")
        .replace('"good", write', '"run", command')
        .replace("@", "from replicafit.plugin import Command\n@"),
        "replicafit itself has the command 'run'",
    ),
    "misspelt": (
        GOOD.replace("exporters", "exporter"),
        "'replicafit_exporter' is no hook. Did you",
    ),
    "unmarked": (GOOD.replace("@hookimpl\n", ""), "replicafit_exporters() is not marked as a hook"),
    "another_name": (GOOD.replace("replicafit_exporters", "writers"), "'writers' is no hook"),
    "later": ("REPLICAFIT_API_VERSION = 99\n", "written for version 99 of the hooks"),
    "twice": (GOOD.replace("]", "] * 2"), "provides the exporter 'good' twice"),
    "nothing": (GOOD.replace("return [", "["), "must return a list of descriptions, not None"),
    "asks": (
        GOOD.replace("exporters()", "exporters(registry)"),
        "declared in the hookimpl but",
    ),
    "digit": (GOOD.replace('"good"', '"9"'), "'9' cannot be a name"),
    "target": (
        GOOD.replace("_at_all:", "."),
        "'good' has write='nowhere.write'; give a callable or",
    ),
    "mute_summary": (GOOD.replace("write=", "summary=None, write="), "summary=None; give text"),
    "word": (GOOD.replace("write=", "needs='function', write="), "needs='function'; give a tuple"),
    "loose": (SECTION.format("Loose"), "'later' is no frozen model that refuses unknown keys"),
    "made": (SECTION.format("Loose()"), "'later' is no frozen model that refuses unknown keys"),
    "shadow": (
        SECTION.format("Settings").replace("later", "copy"),
        "itself has the runcard section",
    ),
    "fails": (GOOD.replace("return [", "return 1 / 0, ["), "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_plugin_is_told_in_one_line(written, name):
    text, reason = BROKEN[name]
    registry = load_registry(
        [written("fine_plugin", HEAD + GOOD), written(f"p_{name}", HEAD + text)]
    )
    assert registry.names(Exporter) == ("good",)
    assert [b.name for b in registry.broken] == [f"p_{name}"]
    (problem,) = registry.problems
    assert reason in problem
    assert "\n" not in problem


def test_a_plugin_says_where_it_is_from(written, tmp_path):
    (plugin,) = load_registry(
        [written("p_known", "REPLICAFIT_API_VERSION = 1\n" + HEAD + GOOD)]
    ).plugins
    assert plugin.hooks == ("replicafit_exporters",)
    assert plugin.file == str(tmp_path / "p_known.py")
    assert plugin.api_version == 1
    assert list(faults(plugin)) == ["'nowhere_at_all:write', which cannot be imported"]


def test_what_only_looks_like_code_is_not_imported_and_cards_of_presets_are_read():
    source = FunctionSource(name="s", recognizes=bool, read=bool, form="word:KELVIN", summary="a:b")
    preset = Preset(name="p:q", card="replicafit:nowhere.yml")
    assert list(faults(Plugin("p", "p", "0", "p", (source, preset)))) == [
        "card 'replicafit:nowhere.yml', which cannot be read"
    ]


def test_a_name_provided_twice_is_a_problem(written):
    twice = [written("p_one", HEAD + GOOD), written("p_two", HEAD + GOOD)]
    registry = load_registry(twice)
    assert not registry.broken
    assert "'good' is provided by" in registry.problems[0]
    with pytest.raises(PluginError, match=r"REPLICAFIT_PLUGINS is strict.*provided by"):
        load_registry(twice, Choice(strict=True))


def test_the_environment_chooses_plugins(written, monkeypatch):
    points = [written("builtin", ""), written("p_one", HEAD + GOOD), written("p_bad", "1 / 0")]

    def names(value):
        monkeypatch.setenv("REPLICAFIT_PLUGINS", value)
        registry = load_registry(points)
        return [p.name for p in (*registry.plugins, *registry.broken)]

    assert names("") == ["builtin", "p_one", "p_bad"]
    assert names("off") == ["builtin"]
    assert names("p_one") == ["builtin", "p_one"]
    assert names("p_one, p_bad") == ["builtin", "p_one", "p_bad"]
    with pytest.raises(PluginError, match=r"names 'p_on', which is not installed.*p_bad, p_one"):
        names("p_on")
    with pytest.raises(PluginError, match=r"strict, and plugin 'p_bad'.*ZeroDivisionError"):
        names("strict")


def test_what_comes_with_this_repository_is_known(registry):
    """The table of who provides what, against the distributions that are installed here."""
    found = {
        (type(component), component.name): plugin.distribution
        for plugin in registry.plugins
        if plugin.distribution != "replicafit"
        for component in plugin.components
    }
    installed = set(found.values())
    assert {
        key: name for key, name in FOUND_IN.items() if name in installed
    }.items() <= found.items()


def test_names_of_replicafit_itself_cannot_be_taken():
    assert set(TAKEN[Command]) == set(commands.commands)
    assert set(TAKEN[RuncardSection]) == set(Runcard.model_fields)


def test_a_name_is_written_once(registry):
    class Own(ComponentSettings):
        depth: int = 1

    kind = LayerType(name="own", settings=Own, build="nowhere:build")
    assert kind.settings.model_validate({"type": "own"}).depth == 1
    assert list(kind.settings.model_fields) == ["type", "depth"]
    assert LayerType(name="bare", build="nowhere:build").settings().type == "bare"
    with pytest.raises(PluginError, match="leave their field 'type' out"):
        LayerType(name="other", settings=kind.settings, build="nowhere:build")


# Files beside a runcard


@pytest.fixture
def local_card(tmp_path, toy_folder):
    (tmp_path / "my_layers.py").write_text(LOCAL)
    text = TOY_CARD.replace("seed: 7", "seed: 7\nplugins: [./my_layers.py]")
    text = text.replace(
        "    - {type: multi_dense, units: 8}",
        "    - {type: multi_dense, units: 8}\n    - {type: triple}",
    )
    for name in ("A", "BB", "RATIO"):
        text = text.replace(f"path: {name}.npz", f"path: {toy_folder / name}.npz")
    card = tmp_path / "local.yml"
    card.write_text(text)
    yield card
    sys.modules.pop("my_layers", None)


def test_a_runcard_brings_its_own_components(registry, local_card, tmp_path):
    richer = load_setup(local_card, (), registry).registry
    runcard = load_runcard(local_card, richer)
    assert runcard.model.layers[3].type == "triple"
    plugin = richer.provider(LayerType, "triple")
    assert plugin.sha256 == hashlib.sha256(LOCAL.encode()).hexdigest()
    assert plugin.file == str(tmp_path / "my_layers.py")
    assert "triple" not in registry.names(LayerType)
    with pytest.raises(RuncardError, match="No installed plugin provides the layer 'triple'"):
        load_runcard(local_card, registry)


def test_a_file_that_changed_is_read_again(registry, local_card, tmp_path):
    first = load_setup(local_card, (), registry).registry
    (tmp_path / "my_layers.py").write_text(LOCAL + "# changed\n")
    second = load_setup(local_card, (), registry).registry
    digests = {r.provider(LayerType, "triple").sha256 for r in (first, second)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("nowhere.py", None, "cannot be read"),
        ("wrong.py", "1 / 0", "ZeroDivisionError"),
        ("quits.py", "raise SystemExit", "SystemExit"),
        ("json.py", "", "has the name of the module 'json'"),
        ("wrong.txt", "", "must end in .py"),
    ],
)
def test_a_wrong_file_is_shown_in_the_runcard(registry, local_card, name, text, reason):
    if text is not None:
        (local_card.parent / name).write_text(text)
    card = local_card.with_name("wrong.yml")
    card.write_text(local_card.read_text().replace("./my_layers.py", f"./my_layers.py, {name}"))
    with pytest.raises(RuncardError, match=rf"wrong.yml:3:\d+: .*{name}.*{reason}"):
        load_setup(card, (), registry)
    assert "wrong" not in sys.modules


def test_a_local_component_does_not_hide_an_installed_one(registry, tmp_path):
    (tmp_path / "p_hides.py").write_text(LOCAL.replace("triple", "dropout"))
    richer = with_files(registry, ["p_hides.py"], tmp_path)
    with pytest.raises(PluginError, match=r"'dropout' is provided by 'replicafit' .*p_hides.py"):
        richer.get(LayerType, "dropout")


OWN = """
import numpy as np
from replicafit.plugin import LayerType, Penalty, Verdict, hookimpl
def fails(*_): raise SystemExit("now")
def one(*_): return np.ones(3)
def wide(functions, steps): return np.ones(7)
@hookimpl
def replicafit_layers():
    return [LayerType(name="own", build=fails{0})]
@hookimpl
def replicafit_penalties():
    return [Penalty(name="own", build={1}{2})]
"""


@pytest.fixture
def setup_of(tmp_path):
    """The setup of a card with a layer and a penalty from a file beside it."""
    (tmp_path / "curve.csv").write_text("x,y,e\n0.1,1,0.1\n0.2,2,0.1\n0.4,2,0.1\n")

    def make(layer="", build="lambda *_: wide", penalty=""):
        (tmp_path / "own_parts.py").write_text(OWN.format(layer, build, penalty))
        card = tmp_path / "own.yml"
        card.write_text(
            "plugins: [own_parts.py]\npenalties: [{type: own}]\ndata: {datasets: [{type: csv, path:"
            " curve.csv, error: e}]}\n"
            "model: {layers: [{type: multi_dense, units: 1}, {type: own}]}\n"
        )
        return load_setup(card)

    yield make
    sys.modules.pop("own_parts", None)


@pytest.mark.parametrize(
    ("layer", "penalty", "told"),
    [
        (", size=fails", "", "layer 'own'.*own_parts.py.* asked for its size: SystemExit: now"),
        (", size=one", "", "layer 'own'.* asked for its size: ValueError"),
        (", extra_grid=lambda _: ['a']", "", "layer 'own'.* asked for its size: ValueError"),
        (", inputs=lambda *_: None", "", "layer 'own'.* asked for its inputs: TypeError"),
        (", flavours=fails", "", "layer 'own'.* names of its functions: SystemExit"),
        (", check=fails", "", "layer 'own'.* when it was checked: SystemExit"),
        ("", ", x_grid=lambda *_: 0.5", "penalty 'own'.* asked for grid points: TypeError"),
        ("", ", x_grid=lambda *_: [9]", "grid points outside of.*From the penalty 'own'"),
    ],
)
def test_what_a_description_does_wrong_is_told_with_its_name(setup_of, layer, penalty, told):
    with pytest.raises(ReplicafitError, match=told):
        check(setup_of(layer, penalty=penalty))


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (
            "lambda *_: wide",
            r"one value for each replica, of shape \(2,\), not \(7,\).*penalty 'own'",
        ),
        ("lambda *_: lambda f, s: f[0, 0, 0] * 0", "of shape .*penalty 'own'"),
        ("lambda *_: lambda f, s: np.ones(2, int)", "is float64, not int64.*penalty 'own'"),
        ("lambda *_: fails", "penalty 'own'.* when its term was computed: SystemExit"),
        ("lambda *_: None", "penalty 'own'.* when its term was computed: TypeError"),
    ],
)
def test_a_term_has_one_value_for_each_replica(setup_of, build, told):
    setup = setup_of(build=build)
    (term,) = build_penalties(setup, load_data(setup)).terms
    with pytest.raises(ReplicafitError, match=told):
        term(np.ones((2, 3, 1)), np.zeros(2))


def test_a_verdict_is_one(setup_of):
    setup = setup_of(penalty=", verdict=lambda *_: None")
    with pytest.raises(PluginError, match=r"penalty 'own'.* when its verdict was built"):
        build_penalties(setup, load_data(setup))
    setup = setup_of(penalty=", verdict=lambda *_: Verdict(one, 1)")
    (verdict,) = build_penalties(setup, load_data(setup)).verdicts.values()
    with pytest.raises(ModelError, match=r"A measure has one value .*penalty 'own'"):
        verdict.measure(np.ones((2, 3, 1)))
