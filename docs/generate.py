"""Writes the parts of the reference that the code knows: settings, commands, hooks and files.

In a page of docs, what stands between ``<!-- generated: WHAT ... -->`` and ``<!-- end -->`` is
replaced; ``WHAT`` is one of the functions below. Everything else is written by hand.

    python docs/generate.py            brings all pages up to date
    python docs/generate.py --check    tells which are not, with exit code 1
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import click

from replicafit import components
from replicafit.cli import commands
from replicafit.components import Exporter, ForwardMap, OptimizerType, hookspecs
from replicafit.components.builtin.optimizers import OptimizerSettings
from replicafit.plugins import HOOKS, load_registry
from replicafit.plugins.loading import Choice
from replicafit.results.layout import FILES
from replicafit.runcard.explaining import SECTIONS
from replicafit.runcard.facts import REQUIRED, Facts, facts, meaning
from replicafit.runcard.keys import KIND_AT, Key, Keys
from replicafit.runcard.models import DatasetEntry

NO_VALUE = ("none", "empty", "see below")
DOCS = Path(__file__).parent
NAME = re.compile(r"(?<![\w`:./-])([a-z]+(?:[._][a-z0-9*]+)+)(?![\w`])")
"""Names of keys and files in running text: they are shown as code."""
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.S)


def generated(page: str) -> str:
    """``page`` with its generated parts made anew."""
    return BLOCK.sub(lambda m: "\n".join([m[1], *_lines(m[2]), "", m[3]]), page)


def _lines(what: str) -> Iterable[str]:
    maker, *arguments = what.split()
    return MAKERS[maker](*arguments)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for first, *others in rows:
        *middle, last = (cell.replace("|", "\\|") for cell in others)
        cells = [first, *middle, NAME.sub(r"`\1`", last)]
        yield f"| {' | '.join(cells)} |"


# The runcard


@cache
def _keys() -> Keys:
    """Of replicafit alone, whatever else is installed."""
    return Keys(load_registry(choice=Choice(names=frozenset())))


def keys(path: str = "") -> Iterator[str]:
    """A table of the keys right below a dotted path, as ``replicafit explain`` takes it."""
    where = tuple(path.split(".")) if path else ()
    found = (key for key in _keys().all if key.path[:-1] == where)
    return _settings(key for key in found if key.owner is not DatasetEntry)


def dataset() -> Iterator[str]:
    """A table of what every dataset may have."""
    return _settings(k for k in _keys().all if k.owner is DatasetEntry and k.path[2] == "file")


def _settings(found: Iterable[Key]) -> Iterator[str]:
    return _table(("key", "type", "default", "meaning"), map(_row, sorted(found, key=_after_type)))


def _after_type(key: Key) -> bool:
    return key.name != "type"


def _row(key: Key) -> Sequence[str]:
    known = facts(_keys(), key)
    if key.path in SECTIONS:
        return f"`{key.name}`", "section", _default(key, known), _markdown(meaning(key))
    unit = f", in {known.unit}" if known.unit else ""
    return (
        f"`{key.name}`",
        f"{_type(key, known)}{unit}",
        _default(key, known),
        _markdown(meaning(key)),
    )


def _type(key: Key, known: Facts) -> str:
    """Without the names of components, which have sections of their own."""
    kind = KIND_AT.get(key.path)
    if kind is None:
        return known.type
    return {OptimizerType: "component", Exporter: "list of names"}.get(kind, "list of components")


def _default(key: Key, known: Facts) -> str:
    if known.default == REQUIRED or key.name == "type":
        return "required"
    if key.path in SECTIONS:
        return "see below"
    return known.default if known.default in NO_VALUE else f"`{known.default}`"


def optimizers() -> Iterator[str]:
    """A section for each optimizer, without what all of them share."""
    for component in _keys().registry.all(OptimizerType):
        yield f"### Optimizer `{component.name}`\n"
        yield f"{_text(component.settings)}\n"
        path = ("training", "optimizer", component.name)
        yield from _settings(k for k in _keys().all if k.path[:-1] == path and not _shared(k))
        yield ""


def _shared(key: Key) -> bool:
    """Whether all optimizers have this key, and mean the same."""
    shared = OptimizerSettings.model_fields.get(key.name)
    own = key.field
    return shared is not None and (own.default, own.description) == (
        shared.default,
        shared.description,
    )


def optimizer() -> Iterator[str]:
    """A table of what all optimizers share."""
    found = (k for k in _keys().all if k.path[:3] == ("training", "optimizer", "adam"))
    return _settings(k for k in found if len(k.path) == 4 and _shared(k))


def exporters() -> Iterator[str]:
    """A table of what can be written."""
    found = _keys().registry.all(Exporter)
    return _table(("name", "writes"), ((f"`{e.name}`", e.summary) for e in found))


def operations() -> Iterator[str]:
    """A table of the forward maps."""
    found = _keys().registry.all(ForwardMap)
    rows = ((f"`{f.name}`", str(f.n_tables), f.summary) for f in found)
    return _table(("`operation`", "tables", "prediction"), rows)


# Commands


def options(name: str) -> Iterator[str]:
    """A table of what a command takes."""
    command = commands.commands[name]
    found = (p for p in command.params if isinstance(p, click.Option))
    return _table(("option", "meaning"), ((_spelled(o), _help(o)) for o in found))


def _spelled(option: click.Option) -> str:
    """``-o FILE``, ``--output FILE``."""
    takes = "" if option.is_flag else f" {option.make_metavar(click.Context(commands))}"
    return ", ".join(f"`{spelling}{takes}`" for spelling in option.opts)


def _help(option: click.Option) -> str:
    default = f" Default: {option.default}." if option.show_default else ""
    return f"{option.help or ''}{default}"


# Hooks


def hooks() -> Iterator[str]:
    """A table of the hooks."""
    rows = ((f"`{name}`", f"`{_returned(name)}`", _doc(getattr(hookspecs, name))) for name in HOOKS)
    return _table(("hook", "returns a list of", "for"), rows)


def _returned(hook: str) -> str:
    """``LayerType`` for a hook that returns ``Sequence[LayerType]``."""
    return str(getattr(hookspecs, hook).__annotations__["return"])[len("Sequence[") : -1]


def fields(name: str) -> Iterator[str]:
    """A table of what a description, or what is handed to plugins, holds."""
    described = getattr(components, name)
    return _table(("field", "meaning"), ((f"`{k}`", v) for k, v in _attributes(described).items()))


def _doc(described: object) -> str:
    return _markdown(_text(described))


def _text(described: object) -> str:
    """A docstring without its indentation, which Python 3.13 takes away and earlier ones keep."""
    return inspect.cleandoc(described.__doc__ or "")


def _attributes(described: type) -> Mapping[str, str]:
    """The part ``Attributes:`` of a docstring: name to meaning."""
    _, _, text = _text(described).partition("Attributes:\n")
    entries = re.findall(r"^ {4}(\w[\w, ]*): (.*(?:\n(?: {8}.*)?)*)", text, re.M)
    return {name: _markdown(" ".join(words.split())) for name, words in entries}


def _markdown(text: str) -> str:
    return text.replace("``", "`")


# Files


def file(name: str) -> Iterator[str]:
    """A table of what is in a file that a fit leaves."""
    entries = next(layout for layout in FILES if layout.name == name).entries
    if any(entry.shape for entry in entries):
        rows = [(f"`{e.key}`", e.shape or "", e.meaning) for e in entries]
        return _table(("key", "shape", "meaning"), rows)
    return _table(("key", "meaning"), [(f"`{e.key}`", e.meaning) for e in entries])


MAKERS: Mapping[str, Callable[..., Iterable[str]]] = {
    maker.__name__: maker
    for maker in (
        *(keys, dataset, optimizer, optimizers, exporters, operations),
        *(options, hooks, fields, file),
    )
}


def pages() -> Iterator[tuple[Path, str, str]]:
    """Every page with generated parts: where, as it is, as it should be."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if BLOCK.search(text):
            yield path, text, generated(text)


def main() -> None:
    """Brings pages up to date, or tells which are not."""
    stale = [(path, new) for path, old, new in pages() if old != new]
    for path, new in stale:
        print(path.relative_to(DOCS.parent))
        if "--check" not in sys.argv:
            path.write_text(new, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit("out of date; run: python docs/generate.py")


if __name__ == "__main__":
    main()
