"""The documentation is complete, and what it shows works.

A how-to page is followed from top to bottom in a fresh process: ``python`` blocks run; a ``text``
block is what the one before it printed; ``console`` blocks run their ``$ replicafit`` lines and
show what they print, while ``$ dask`` lines run beside them until the page ends; a ``yaml`` block
that is a whole runcard becomes ``card.yml``. In what is shown ``...`` stands for anything, and
numbers may differ. A block with ``file=NAME`` is that file of plugins/replicafit-example.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from replicafit import cli
from replicafit.components import (
    KINDS,
    Component,
    DatasetReader,
    Exporter,
    ForwardMap,
    OptimizerType,
    hookspecs,
)
from replicafit.plugins import HOOKS, load_registry
from replicafit.plugins.loading import Choice
from replicafit.runcard import load_runcard, models
from replicafit.runcard.explaining import meaning
from replicafit.runcard.keys import Keys

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "plugins" / "replicafit-example"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
FOLLOWED = [DOCS / "tour.md", *HOW_TO]
READ = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
READ += sorted((ROOT / "plugins").glob("*/README.md"))
INSTALLED = {"tour.md": "off", "own-layer.md": "example", "own-plugin.md": "off"}
"""Pages for a reader who has installed no plugin, or only the one of the page."""
NOT_EXECUTED = {
    r"(python3? -m venv|git clone|pip install)": "needs a network; .ci/run installs as README says",
    r"(nox|pre-commit|python docs/generate)": "what .ci/run runs",
    r"python - <<": "counts lines",
    r"(python tests/benchmarks|python docs/plot_)": "for developers; minutes",
    r"python runcards/": "draws; test_recipes fits the same cards",
    r"(python tests/faults|REPLICAFIT_FUZZ=)": "for developers; minutes to an hour",
    r"(python docs/(near_global|cross)_|replicafit run near_global.yml)": "data not shipped",
    r"replicafit (run|check) (runcards|plugins|tests/benchmarks)/\S+": "real data; test_cli checks",
    r"replicafit (report|compare|closure|export|verify) ": "needs a large fit; tested elsewhere",
    r"replicafit (laplace|sample) ": "needs a fit; replicafit-posterior tests them",
    r"(CUDA_VISIBLE_DEVICES=|KERAS_BACKEND=jax) ?replicafit run": "another device",
    r"CUDA_VISIBLE_DEVICES=\d dask worker|replicafit run card.yml --executor 'dask:.*GPU": "GPUs",
    r"replicafit run card.yml -o fit$": "the card of the reader",
    r"python -m replicafit_dis": "needs hours or data that are not shipped",
    r"replicafit nnpdf-file": "needs NNPDF's files; the plugin's own tests run it",
    r"replicafit schema > ": "redirects; schema has tests of its own",
    r"replicafit run (CARD|DIR)": "not a command but its shape",
    r"replicafit new-plugin": "plugins/replicafit-scaffold tests what it writes",
    r"replicafit migrate NNPDF40.yml": "needs NNPDF's files; tests of the plugin follow the page",
}
"""Commands shown outside of the pages that are followed, and why nothing runs them here."""
NNPDF_COMMANDS = ("migrate", "nnpdf-file")
"""Commands of the plugin that needs wheels of other projects: it may not be installed."""
PYTHON_ELSEWHERE = {
    ROOT / "plugins" / "replicafit-lhapdf" / "README.md": "needs a fit with a set; test_set does it"
}
"""Pages whose Python is tried by other tests, and why not here."""
PYTHON_ALONE = [DOCS / "reference" / "dataset-format.md"]
"""Pages whose Python needs nothing else."""
BUILT_IN = next(plugin for plugin in load_registry().plugins if plugin.name == "builtin").components


def page(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    language: str
    file: str | None
    text: str


def blocks(file: Path) -> list[Block]:
    pattern = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.M | re.S)
    text = file.read_text(encoding="utf-8")
    return [Block(m[1], m[2], m[3]) for m in pattern.finditer(text)]


# Completeness


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented(hook):
    assert f"`{hook}`" in page("hooks")


def test_hooks_are_all_there():
    assert set(HOOKS) == {n for n in vars(hookspecs) if n.startswith("replicafit_")}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_description_of_a_kind_is_documented(kind):
    missing = [f for f in kind.__dataclass_fields__ if f"`{f}`" not in page("hooks")]
    assert not missing, kind.__name__


@pytest.mark.parametrize("component", BUILT_IN, ids=lambda c: f"{type(c).__name__}-{c.name}")
def test_component_and_its_settings_are_documented(component):
    where = part_about(component)
    settings = getattr(component, "settings", None)
    keys = setting_names(settings.model_json_schema()) if settings else []
    names = [component.name, *keys]
    assert not [name for name in names if f"`{name}`" not in where and f"{{{name}: " not in where]


def setting_names(schema: dict[str, Any]) -> list[str]:
    """The names of all settings, those of settings within settings too."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return [name for part in parts for name in part.get("properties", {})]


def part_about(component: Component) -> str:
    """Where the reference tells of ``component`` and of what all its kin share."""
    if isinstance(component, ForwardMap):
        return page("dataset-format")
    if isinstance(component, Exporter):
        return page("runcard")
    parts = re.split(r"^(?=#+ )", page("runcard"), flags=re.M)
    own = [part for part in parts if f"`{component.name}`" in part.partition("\n")[0]]
    assert own, f"no heading for `{component.name}`"
    shared = [p for p in parts if p.startswith("### Settings of all optimizers")]
    return own[0] + (shared[0] if isinstance(component, OptimizerType) else "")


SECTIONS = (
    *(models.Runcard, models.DataSettings, models.ModelSettings, models.TrainingSettings),
    *(models.DatasetEntry, models.ExtraCovarianceSettings, models.SplitSettings),
    models.ClosureSettings,
)


@pytest.mark.parametrize("keys", SECTIONS, ids=lambda s: s.__name__)
def test_runcard_key_is_documented(keys):
    assert not [name for name in keys.model_fields if f"`{name}`" not in page("runcard")]


@pytest.mark.parametrize("command", cli.commands.commands.values(), ids=lambda c: c.name)
def test_command_is_documented(command):
    text = page("cli")
    options = [o for p in command.params if p.param_type_name == "option" for o in p.opts]
    assert f"`replicafit {command.name}" in text
    assert not [option for option in options if f"`{option}" not in text]


@pytest.mark.parametrize("command", cli.commands.commands.values(), ids=lambda c: c.name)
def test_command_and_its_options_have_help(command):
    assert command.help
    assert not [p.name for p in command.params if p.param_type_name == "option" and not p.help]


def test_every_setting_has_a_description():
    keys = Keys(load_registry()).all
    assert not [".".join(key.path) for key in keys if not meaning(key)]


def test_generated_parts_of_the_reference_are_current():
    for plugin in ("replicafit_nnpdf", "replicafit_lhapdf"):
        pytest.importorskip(plugin, reason=f"the reference covers {plugin}")
    generate = importlib.import_module("generate")  # followed pages have no such module
    stale = [path.name for path, old, new in generate.pages() if old != new]
    assert not stale, "run: python docs/generate.py"


def test_every_setting_is_in_a_generated_table():
    """Sections, datasets, layers and penalties have a table each; optimizers come by themselves."""
    tables = set(re.findall(r"<!-- generated: keys ?(\S*) -->", page("runcard")))
    keys = Keys(load_registry(choice=Choice(names=frozenset()))).all
    own = [key for key in keys if key.name != "type" and len(key.path) == len(key.container) + 2]
    wanted = {".".join(key.path[:-1]) for key in own if key.component and key.path[0] != "training"}
    wanted |= {"", "data", "model", "training", "data.split", "data.closure"}
    assert not wanted - tables


def test_links_lead_somewhere():
    for file in DOCS.rglob("*.md"):
        targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        missing = [target for target in targets if not (file.parent / target).exists()]
        assert not missing, file


# What the pages show


@pytest.mark.parametrize("file", HOW_TO, ids=lambda f: f.stem)
def test_files_shown_are_those_of_the_example(file):
    for block in blocks(file):
        if block.file:
            assert block.text == (EXAMPLE / block.file).read_text(encoding="utf-8"), block.file


def shown_commands(file: Path) -> list[str]:
    """The lines of code that are commands: in fences, or indented by four."""
    text = file.read_text(encoding="utf-8")
    fenced = [b.text for b in blocks(file) if b.language in ("console", "bash", "sh")]
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += [line[4:] for line in plain.splitlines() if line.startswith("    ")]
    found = (line.removeprefix("$ ").partition("  #")[0].strip() for line in lines)
    programs = r"([A-Z_]+=\S* )*(pip|python3?|replicafit|git|ruff|mypy|nox|pre-commit|for) \S"
    return [line for line in found if re.match(programs, line)]


@pytest.mark.parametrize("file", READ, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_command_is_executed_or_has_a_reason(file):
    executed = [
        line for b in blocks(file) if b.language == "console" for line in b.text.split("\n")
    ]
    for command in shown_commands(file):
        followed = file in FOLLOWED and f"$ {command}" in executed
        assert followed or any(re.match(known, command) for known in NOT_EXECUTED), command


@pytest.mark.parametrize("file", READ, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_command_is_understood(file):
    """Also those that take too long to run: their options exist."""
    for line in shown_commands(file):
        _, found, rest = line.partition("replicafit ")
        if found and not re.match(r".*\b(pip|python3?|git) ", line):
            name, *arguments = shlex.split(rest, comments=True)
            if name in NNPDF_COMMANDS:
                pytest.importorskip("replicafit_nnpdf", reason=f"{name} comes with it")
            command = cli.commands.get_command(click.Context(cli.commands), name)
            assert command is not None, line
            command.make_parser(click.Context(command)).parse_args(arguments)


@pytest.mark.parametrize("file", READ, ids=lambda f: str(f.relative_to(ROOT)))
def test_code_is_executed_or_a_file_of_the_example(file):
    """Code of other languages than these would rot unseen."""
    languages = {block.language for block in blocks(file)}
    known = {"python", "text", "console", "yaml", "toml"}
    assert languages <= known | ({"bash"} if file.stem == "array-jobs" else set())  # has a test
    if file not in (*FOLLOWED, ROOT / "README.md", *PYTHON_ALONE, *PYTHON_ELSEWHERE):
        assert "python" not in languages


@pytest.mark.parametrize("file", PYTHON_ALONE, ids=lambda f: f.stem)
def test_python_that_stands_alone_works(file):
    names: dict[str, object] = {}
    for block in blocks(file):
        if block.language == "python":
            exec(block.text, names)


@pytest.mark.parametrize("file", READ, ids=lambda f: str(f.relative_to(ROOT)))
def test_whole_runcards_are_valid(file, tmp_path, registry):
    for block in blocks(file):
        if block.language == "yaml" and re.search(r"^data:", block.text, re.M):
            if "type: dis" in block.text and "dis" not in registry.names(DatasetReader):
                pytest.skip("replicafit-dis is not installed")
            (tmp_path / "card.yml").write_text(block.text, encoding="utf-8")
            load_runcard(tmp_path / "card.yml", registry)


@pytest.mark.slow
def test_readme_reads_a_replica(tmp_path, registry, monkeypatch):
    """With a short fit in the place of the one that README makes."""
    if "dis" not in registry.names(DatasetReader):
        pytest.skip("replicafit-dis is not installed")
    card = ROOT / "runcards" / "dis.yml"
    short = ["--replicas", "1-1", "--set", "training.max_steps=20", "--set", "penalties=[]"]
    follow_in(tmp_path, ["run", str(card), "-o", "fits/dis", *short])
    monkeypatch.chdir(tmp_path)
    code, _ = [b.text for b in blocks(ROOT / "README.md") if b.language == "python"]
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    assert names["replica"]([0.01, 0.1, 0.5]).shape == (3, len(names["replica"].flavours))


@pytest.mark.slow
def test_readme_fits_a_dictionary_and_two_arrays():
    _, code = [b.text for b in blocks(ROOT / "README.md") if b.language == "python"]
    lines = [line for line in code.splitlines() if line]
    assert len(lines) <= 8
    assert sum("import" in line for line in lines) == 1
    x = np.linspace(-3, 4, 40)
    names: dict[str, Any] = {"x": x, "y": np.sin(x)}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    assert names["fit"].chi2_per_datum.mean() < 2
    np.testing.assert_allclose(names["mean"][:, 0], np.sin([0.5, 1.5]), atol=0.1)


def test_the_public_names_are_all_in_the_reference():
    for module in ("replicafit", "replicafit.layers", "replicafit.plugin", "replicafit.testing"):
        _, _, part = page("api").partition(f"<!-- generated: api {module} -->")
        headings = re.findall(r"^### `(\w+)", part.partition("<!-- end -->")[0], flags=re.M)
        names = [n for n in importlib.import_module(module).__all__ if not n.startswith("_")]
        assert sorted(headings) == sorted(names), module


@pytest.mark.slow
@pytest.mark.parametrize("file", FOLLOWED, ids=lambda f: f.stem)
def test_page_works(file, tmp_path):
    installed, folder = tmp_path / "installed", tmp_path / "work"
    folder.mkdir()
    install_example(installed)
    path = os.pathsep.join([str(installed), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", f"import test_docs; test_docs.follow({str(file)!r})"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100", **plugins_of(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def plugins_of(file: Path) -> dict[str, str]:
    """The variable that leaves the other installed plugins out, where the page does."""
    chosen = INSTALLED.get(file.name)
    return {} if chosen is None else {"REPLICAFIT_PLUGINS": chosen}


def install_example(folder: Path) -> None:
    """What pip does with the example, where the machine has no network."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(EXAMPLE / "replicafit_example", folder / "replicafit_example")
    about = folder / f"replicafit_example-{project['version']}.dist-info"
    about.mkdir()
    name, version = project["name"], project["version"]
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["replicafit"]
    lines = [f"{point} = {module}" for point, module in points.items()]
    (about / "entry_points.txt").write_text("\n".join(["[replicafit]", *lines, ""]))


def follow(file: str) -> None:
    """Does what the page says, in the current folder."""
    with contextlib.ExitStack() as beside:
        follow_blocks(file, beside)


def follow_blocks(file: str, beside: contextlib.ExitStack) -> None:
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    for block in blocks(Path(file)):
        if block.file:
            continue
        if block.language == "yaml" and "\ntraining:" in block.text:
            Path("card.yml").write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(block.text, file, "exec", dont_inherit=True), names)
            printed = output.getvalue()
        elif block.language == "text":
            assert_shown(block.text, printed)
        elif block.language == "console":
            follow_console(block.text, beside)


def follow_console(text: str, beside: contextlib.ExitStack) -> None:
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M):
        program, *arguments = shlex.split(command)
        if program == "pip":
            continue
        if program == "dask":
            running = beside.enter_context(
                subprocess.Popen([sys.executable, "-m", "dask", *arguments])
            )
            beside.callback(running.terminate)  # a worker ends its own processes then
            continue
        assert program == "replicafit", command
        done = subprocess.run(
            [sys.executable, "-c", "from replicafit.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        refused = expected.startswith("Error: ")
        assert (done.returncode != 0) == refused, done.stdout + done.stderr
        assert_shown(expected, done.stderr if refused else done.stdout)


def follow_in(folder: Path, arguments: list[str]) -> None:
    code = "from replicafit.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, check=False)
    assert done.returncode == 0


def assert_shown(expected: str, output: str) -> None:
    """``output`` is as ``expected``: ``...`` stands for anything, numbers may differ."""
    wanted, found = (
        re.sub(r"\d+\.\d+(e-\d+)?", "NUMBER", text.strip()) for text in (expected, output)
    )
    pattern = re.escape(wanted).replace(re.escape("..."), ".*")
    assert re.fullmatch(pattern, found, re.S), f"shown:\n{expected}\nfound:\n{output}"
