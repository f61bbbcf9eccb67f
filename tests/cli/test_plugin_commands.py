"""Commands about plugins: broken ones, files beside a runcard, and a new one that just works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commands import call
from local_plugin import LOCAL
from toy import TOY_CARD

from replicafit import plugin
from replicafit.errors import OutputError, PluginError
from replicafit.testing.scaffold import SCAFFOLDS, NewPlugin


def install(distribution: Path, folder: Path) -> None:
    """What pip does, where the machine has no network."""
    project = tomllib.loads((distribution / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["replicafit"].items()
    lines = [f"{point} = {module}" for point, module in points]
    (about / "entry_points.txt").write_text("\n".join(["[replicafit]", *lines, ""]))
    for _, module in points:
        (folder / module).symlink_to(distribution / module)


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A folder on the path of the commands that a test runs."""
    folder = tmp_path / "installed"
    folder.mkdir()
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), before]))
    return folder


def written(folder: Path, name: str, text: str) -> None:
    """Installs a plugin of one module."""
    about = folder / f"replicafit_{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: replicafit-{name}\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(f"[replicafit]\n{name} = replicafit_{name}\n")
    (folder / f"replicafit_{name}.py").write_text(text)


LINTED = """
from __future__ import annotations
from typing import TYPE_CHECKING
from replicafit.plugin import ComponentSettings, LayerType, hookimpl
if TYPE_CHECKING:
    from collections.abc import Sequence
class WidthsSettings(ComponentSettings):
    widths: Sequence[int] = (1,)
@hookimpl
def replicafit_layers():
    return [LayerType(name="widths", settings=WidthsSettings, build="nowhere:build")]
"""
LOUD = """
print("hello\\nyou")
from replicafit.plugin import Command, DatasetReader, hookimpl
def read(settings, folder):
    raise KeyError("flux")
@hookimpl
def replicafit_datasets():
    return [DatasetReader(name="loud", read=read)]
@hookimpl
def replicafit_commands():
    return [Command(name="shout", command="replicafit_nowhere:shout", summary="shouts")]
"""


@pytest.fixture
def bad_plugins(on_path):
    """Installed plugins: one exits, one has a type that is not there, one prints."""
    written(on_path, "bad", "raise SystemExit('no licence')\n")
    written(on_path, "linted", LINTED)
    written(on_path, "loud", LOUD)


WARNINGS = (
    "plugin 'loud' of 'replicafit-loud': hello\n"
    "plugin 'loud' of 'replicafit-loud': you\n"
    "Warning: plugin 'bad' of 'replicafit-bad' did not load: SystemExit: no licence\n"
    "Warning: plugin 'linted' of 'replicafit-linted' did not load: PluginError: WidthsSettings of "
    "'widths' has the type 'Sequence', which is not there when Python runs; import it outside of "
    "TYPE_CHECKING\n"
)


@pytest.mark.slow
@pytest.mark.usefixtures("bad_plugins")
def test_a_broken_plugin_costs_one_line_and_is_shown_in_full_by_check(toy_card, monkeypatch):
    folder = toy_card.parent
    for command in (["check", toy_card], ["schema"], ["plugins", "--json"]):
        code, out, err = call(*command, cwd=folder)
        assert (code, err) == (0, WARNINGS), command
        if command[0] != "check":
            json.loads(out)
    records = {r["name"]: r for r in json.loads(out)}
    keys = {"name", "distribution", "version", "file", "hooks", "components", "api_version"}
    assert all(set(record) >= keys | {"status"} for record in records.values())
    assert (records["builtin"]["status"], records["bad"]["status"]) == ("loaded", "broken")
    assert "replicafit_layers" in records["builtin"]["hooks"]
    code, _, err = call("plugins", "--check", cwd=folder)
    assert code == 1
    for text in (
        "Traceback",
        "no licence",
        "'Sequence'",
        "replicafit_nowhere:shout",
    ):
        assert text in err
    code, out, err = call("--help", cwd=folder)
    assert (code, err) == (0, WARNINGS)
    assert "Of plugin loud (replicafit-loud):\n  shout  shouts\n" in out
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "strict")
    code, _, err = call("check", toy_card, cwd=folder)
    assert (code, "REPLICAFIT_PLUGINS is strict" in err) == (2, True)
    assert call("plugins", cwd=folder)[0] == 0
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "off")
    code, out, err = call("plugins", "--check", cwd=folder)
    assert (code, err) == (0, "")
    assert "bad" not in out


@pytest.mark.usefixtures("bad_plugins")
def test_what_a_plugin_does_wrong_is_told_with_its_name(tmp_path):
    of_loud = "'{}' of plugin 'loud' (replicafit-loud 1.0) failed"
    card = tmp_path / "loud.yml"
    card.write_text("data: {datasets: [{type: loud}]}\nmodel: {layers: [{type: x}]}\n")
    for command, name in ((["check", card], "loud"), (["shout"], "shout")):
        code, _, err = call(*command, cwd=tmp_path)
        assert code == 2
        assert of_loud.format(name) in err
        assert "Traceback" not in err
    assert "ModuleNotFoundError: No module named 'replicafit_nowhere'" in err


def test_a_command_that_is_not_installed_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "off")
    code, _, err = call("report", "fit", cwd=tmp_path)
    assert code == 2
    assert "in a clone of replicafit: pip install -e plugins/replicafit-report" in err
    code, _, err = call("chek", cwd=tmp_path)
    assert (code, "Did you mean 'check'?" in err) == (2, True)


@pytest.mark.slow
def test_a_fit_with_components_of_its_own_project(toy_folder, tmp_path):
    text = TOY_CARD.replace("seed: 7", "seed: 7\nplugins: [my_layers.py]")
    text = text.replace("units: 8}", "units: 8}\n    - {type: triple}")
    for name in ("A", "BB", "RATIO"):
        text = text.replace(f"path: {name}.npz", f"path: {toy_folder / name}.npz")
    (tmp_path / "my_layers.py").write_text(LOCAL)
    card = tmp_path / "local.yml"
    card.write_text(text)
    code, _, err = call("run", "local.yml", cwd=tmp_path)
    assert code == 0, err
    run = json.loads((tmp_path / "local" / "run.json").read_text())
    assert run["runcard"]["plugins"] == ["my_layers.py"]
    assert len(run["plugins"]["my_layers"]["sha256"]) == 64
    (tmp_path / "my_layers.py").write_text(LOCAL + "print('it ran')\n")
    code, _, err = call("run", "local.yml", "--resume", cwd=tmp_path)
    assert code == 2
    assert "'my_layers.py' is not the one that the fit was made with, and its code is not" in err
    assert "it ran" not in err


def python(*arguments: object, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def new_plugin(tmp_path, on_path) -> Path:
    code, out, err = call("new-plugin", "soft-gate", cwd=tmp_path)
    assert code == 0, err
    folder = tmp_path / "replicafit-soft-gate"
    assert out.count("Written: ") == len([f for f in folder.rglob("*") if f.is_file()])
    install(folder, on_path)
    return folder


def test_a_new_plugin_is_found_and_its_card_checked(new_plugin):
    code, out, err = call("plugins", cwd=new_plugin)
    assert (code, err) == (0, "")
    assert "soft_gate (replicafit-soft-gate 0.1.0)" in out
    code, out, err = call("check", "soft_gate.yml", cwd=new_plugin)
    assert (code, err) == (0, "")
    assert "101 parameters per replica" in out
    code, _, err = call("new-plugin", "soft-gate", "-o", "again", cwd=new_plugin)
    assert code == 2
    assert "'soft_gate' is provided by 'replicafit-soft-gate'" in err


@pytest.mark.slow
def test_a_new_plugin_passes_its_tests_and_its_card_runs(new_plugin):
    python("-m", "pytest", "-q", "tests", cwd=new_plugin)
    code, out, err = call("run", "soft_gate.yml", cwd=new_plugin)
    assert code == 0, err
    assert "5 of 5 selected" in out
    code, _, err = call("plugins", "--check", cwd=new_plugin)
    assert code == 0, err


@pytest.fixture
def one_of_each(tmp_path, on_path, registry) -> Path:
    """A plugin of every kind, installed."""
    for kind in SCAFFOLDS:
        folder = tmp_path / kind
        list(NewPlugin.of(f"own-{kind}", kind, registry).write(folder))
        install(folder, on_path)
    return tmp_path


def test_a_new_plugin_of_each_kind_loads_and_checks(one_of_each):
    code, out, err = call("plugins", cwd=one_of_each)
    assert (code, err) == (0, "")
    assert all(f"own_{kind}" in out for kind in SCAFFOLDS)
    for kind in ("dataset", "exporter", "penalty", "optimizer"):
        code, _, err = call("check", f"{kind}/own_{kind}.yml", cwd=one_of_each)
        assert (code, err) == (0, ""), kind


@pytest.mark.slow
def test_a_new_plugin_of_each_kind_passes_its_tests(one_of_each):
    there = [kind for kind in SCAFFOLDS if kind != "observer" or hasattr(plugin, "Observer")]
    tests = [f"{kind}/tests" for kind in there]
    python("-m", "pytest", "-q", "--import-mode", "importlib", *tests, cwd=one_of_each)


def test_a_new_plugin_is_tidy(new_plugin):
    pytest.importorskip("ruff", reason="ruff is installed with replicafit[dev]")
    rules = ("--isolated", "--select", "E,F,W", "--line-length", 100)
    python("-m", "ruff", "check", *rules, ".", cwd=new_plugin)


@pytest.mark.parametrize("name", ["My-Gate", "2gate", "gate-", "a b", "class", "../x", ""])
def test_a_name_that_cannot_be_one_is_refused(registry, name):
    with pytest.raises(PluginError, match="cannot name a plugin"):
        NewPlugin.of(name, "layer", registry)


def test_nothing_is_overwritten(registry, tmp_path):
    with pytest.raises(PluginError, match="'dropout' is provided by 'replicafit'"):
        NewPlugin.of("dropout", "layer", registry)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        list(NewPlugin.of("own-gate", "layer", registry).write(tmp_path))
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]
