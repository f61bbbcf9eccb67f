"""A new plugin just works: it installs, passes its tests and is used by its runcard."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commands import call, call_anew
from replicafit_scaffold.writing import SCAFFOLDS, NewPlugin

from replicafit import plugin
from replicafit.plugin import OutputError, PluginError


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
    code, out, err = call_anew("plugins", cwd=new_plugin)
    assert (code, err) == (0, "")
    assert "soft_gate (replicafit-soft-gate 0.1.0)" in out
    code, out, err = call_anew("check", "soft_gate.yml", cwd=new_plugin)
    assert (code, err) == (0, "")
    assert "101 parameters per replica" in out
    code, _, err = call_anew("new-plugin", "soft-gate", "-o", "again", cwd=new_plugin)
    assert code == 2
    assert "'soft_gate' is provided by 'replicafit-soft-gate'" in err


@pytest.mark.slow
def test_a_new_plugin_passes_its_tests_and_its_card_runs(new_plugin):
    python("-m", "pytest", "-q", "tests", cwd=new_plugin)
    code, out, err = call_anew("run", "soft_gate.yml", cwd=new_plugin)
    assert code == 0, err
    assert "5 of 5 selected" in out
    code, _, err = call_anew("plugins", "--check", cwd=new_plugin)
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
    code, out, err = call_anew("plugins", cwd=one_of_each)
    assert (code, err) == (0, "")
    assert all(f"own_{kind}" in out for kind in SCAFFOLDS)
    for kind in ("dataset", "exporter", "penalty", "optimizer"):
        code, _, err = call_anew("check", f"{kind}/own_{kind}.yml", cwd=one_of_each)
        assert (code, err) == (0, ""), kind


@pytest.mark.slow
def test_a_new_plugin_of_each_kind_passes_its_tests(one_of_each):
    there = [kind for kind in SCAFFOLDS if kind != "observer" or hasattr(plugin, "Observer")]
    tests = [f"{kind}/tests" for kind in there]
    python("-m", "pytest", "-q", "--import-mode", "importlib", *tests, cwd=one_of_each)


def test_a_new_plugin_of_each_kind_is_tidy(one_of_each):
    pytest.importorskip("ruff", reason="ruff is installed with replicafit[dev]")
    for kind in SCAFFOLDS:
        rules = ("--no-cache", "--select", "E,F,I,W")
        python("-m", "ruff", "check", *rules, ".", cwd=one_of_each / kind)
        python("-m", "ruff", "format", "--no-cache", "--check", ".", cwd=one_of_each / kind)


@pytest.mark.parametrize("name", ["My-Gate", "2gate", "gate-", "a b", "class", "../x", ""])
def test_a_name_that_cannot_be_one_is_refused(registry, name):
    with pytest.raises(PluginError, match="cannot name a plugin"):
        NewPlugin.of(name, "layer", registry)


def test_nothing_is_overwritten(registry, tmp_path):
    with pytest.raises(PluginError, match="'replicafit-scaffold' is installed already"):
        NewPlugin.of("scaffold", "observer", registry)
    with pytest.raises(PluginError, match="'dropout' is provided by 'replicafit'"):
        NewPlugin.of("dropout", "layer", registry)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        list(NewPlugin.of("own-gate", "layer", registry).write(tmp_path))
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]
