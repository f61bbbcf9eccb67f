"""Commands about plugins: broken ones, and files beside a runcard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import call, call_anew
from local_plugin import LOCAL
from toy import TOY_CARD


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
    print("reading")
    raise KeyError("flux")
def quits():
    class Stop(BaseException): ...
    raise Stop("now")
@hookimpl
def replicafit_datasets():
    return [DatasetReader(name="loud", read=read)]
@hookimpl
def replicafit_commands():
    import click
    return [
        Command(name="shout", command="replicafit_nowhere:shout", summary="shouts"),
        Command(name="quit", command=click.command(quits), summary="quits"),
        Command(name="plain", command=quits, summary="is no command"),
    ]
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
        code, out, err = call_anew(*command, cwd=folder)
        assert (code, err) == (0, WARNINGS), command
        if command[0] != "check":
            json.loads(out)
    records = {r["name"]: r for r in json.loads(out)}
    keys = {"name", "distribution", "version", "file", "hooks", "components", "api_version"}
    assert all(set(record) >= keys | {"status"} for record in records.values())
    assert (records["builtin"]["status"], records["bad"]["status"]) == ("loaded", "broken")
    assert "replicafit_layers" in records["builtin"]["hooks"]
    code, _, err = call_anew("plugins", "--check", cwd=folder)
    assert code == 1
    for text in (
        "Traceback",
        "no licence",
        "'Sequence'",
        "replicafit_nowhere:shout",
    ):
        assert text in err
    code, out, err = call_anew("--help", cwd=folder)
    assert (code, err) == (0, WARNINGS)
    assert "Of plugin loud (replicafit-loud):\n  plain  is no command\n" in out
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "strict")
    code, _, err = call_anew("check", toy_card, cwd=folder)
    assert (code, "REPLICAFIT_PLUGINS is strict" in err) == (2, True)
    assert call_anew("plugins", cwd=folder)[0] == 0
    monkeypatch.setenv("REPLICAFIT_PLUGINS", "off")
    code, out, err = call_anew("plugins", "--check", cwd=folder)
    assert (code, err) == (0, "")
    assert "bad" not in out


@pytest.mark.usefixtures("bad_plugins")
def test_what_a_plugin_does_wrong_is_told_with_its_name(tmp_path):
    of_loud = "'{}' of plugin 'loud' (replicafit-loud 1.0) failed"
    card = tmp_path / "loud.yml"
    card.write_text("data: {datasets: [{type: loud}]}\nmodel: {layers: [{type: x}]}\n")
    commands = ((["check", card, "--json"], "loud"), (["quit"], "quit"), (["plain"], "plain"))
    for command, name in (*commands, (["shout"], "shout")):
        code, out, err = call_anew(*command, cwd=tmp_path)
        assert (code, out) == (2, "")
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
    code, _, err = call_anew("run", "local.yml", cwd=tmp_path)
    assert code == 0, err
    run = json.loads((tmp_path / "local" / "run.json").read_text())
    assert run["runcard"]["plugins"] == ["my_layers.py"]
    assert len(run["plugins"]["my_layers"]["sha256"]) == 64
    (tmp_path / "my_layers.py").write_text(LOCAL + "print('it ran')\n")
    code, _, err = call_anew("run", "local.yml", "--resume", cwd=tmp_path)
    assert code == 2
    assert "'my_layers.py' is not the one that the fit was made with, and its code is not" in err
    assert "it ran" not in err
