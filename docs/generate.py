"""Writes the parts of the reference that the code knows: settings, commands, hooks and files.

In a page of docs, what stands between ``<!-- generated: WHAT ... -->`` and ``<!-- end -->`` is
replaced; ``WHAT`` is one of the functions below. Everything else is written by hand. A page with
``<!-- plugins: NAME ... -->`` speaks of the keys that these plugins bring, others of the core's.

    python docs/generate.py            brings all pages up to date
    python docs/generate.py --check    tells which are not, with exit code 1
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click
from layout import FILES

from replicafit import components
from replicafit.cli import commands
from replicafit.components import Exporter, ForwardMap, OptimizerType, hookspecs
from replicafit.components.builtin.optimizers import OptimizerSettings
from replicafit.plugins import HOOKS, load_registry
from replicafit.plugins.loading import Choice
from replicafit.runcard.explaining import REQUIRED, SECTIONS, Facts, facts, meaning
from replicafit.runcard.keys import KIND_AT, Key, Keys
from replicafit.runcard.models import DatasetEntry

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
NO_VALUE = ("none", "empty", "see below")
DOCS = Path(__file__).parent
NAME = re.compile(r"(?<![\w`:./-])([a-z]+(?:[._][a-z0-9*]+)+(?:=\w+(?:\.\w+)*)?)(?![\w`])")
"""Names of keys and files in running text: they are shown as code."""
BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.S)


PLUGINS = re.compile(r"<!-- plugins: (.+?) -->")


def generated(page: str) -> str:
    """``page`` with its generated parts made anew."""
    named = PLUGINS.search(page)
    known = known_keys(frozenset(named[1].split()) if named else frozenset())
    return BLOCK.sub(lambda m: "\n".join([m[1], *_lines(m[2], known), "", m[3]]), page)


def _lines(what: str, known: Keys) -> Iterable[str]:
    maker, *arguments = what.split()
    return MAKERS[maker](known, *arguments)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for first, *others in rows:
        *middle, last = (cell.replace("|", "\\|") for cell in others)
        cells = [first, *middle, NAME.sub(r"`\1`", last)]
        yield f"| {' | '.join(cells)} |"


# The runcard


@cache
def known_keys(plugins: frozenset[str]) -> Keys:
    """Of replicafit and ``plugins``, whatever else is installed."""
    return Keys(load_registry(choice=Choice(names=plugins)))


def keys(known: Keys, path: str = "") -> Iterator[str]:
    """A table of the keys right below a dotted path, as ``replicafit explain`` takes it."""
    where = tuple(path.split(".")) if path else ()
    found = (key for key in known.all if key.path[:-1] == where)
    return _settings(known, (key for key in found if key.owner is not DatasetEntry))


def dataset(known: Keys) -> Iterator[str]:
    """A table of what every dataset may have."""
    return _settings(
        known, (k for k in known.all if k.owner is DatasetEntry and k.path[2] == "file")
    )


def _settings(known: Keys, found: Iterable[Key]) -> Iterator[str]:
    rows = (_row(key, facts(known, key)) for key in sorted(found, key=_after_type))
    return _table(("key", "type", "default", "meaning"), rows)


def _after_type(key: Key) -> bool:
    return key.name != "type"


def _row(key: Key, known: Facts) -> Sequence[str]:
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


def optimizers(known: Keys) -> Iterator[str]:
    """A section for each optimizer, without what all of them share."""
    for component in known.registry.all(OptimizerType):
        yield f"### Optimizer `{component.name}`\n"
        yield f"{_text(component.settings)}\n"
        path = ("training", "optimizer", component.name)
        yield from _settings(
            known, (k for k in known.all if k.path[:-1] == path and not _shared(k))
        )
        yield ""


def _shared(key: Key) -> bool:
    """Whether all optimizers have this key, and mean the same."""
    shared = OptimizerSettings.model_fields.get(key.name)
    own = key.field
    return shared is not None and (own.default, own.description) == (
        shared.default,
        shared.description,
    )


def optimizer(known: Keys) -> Iterator[str]:
    """A table of what all optimizers share."""
    found = (k for k in known.all if k.path[:3] == ("training", "optimizer", "adam"))
    return _settings(known, (k for k in found if len(k.path) == 4 and _shared(k)))


def exporters(known: Keys) -> Iterator[str]:
    """A table of what can be written."""
    found = known.registry.all(Exporter)
    return _table(("name", "writes"), ((f"`{e.name}`", e.summary) for e in found))


def operations(known: Keys) -> Iterator[str]:
    """A table of the forward maps."""
    found = known.registry.all(ForwardMap)
    rows = ((f"`{f.name}`", str(f.n_tables), f.summary) for f in found)
    return _table(("`operation`", "tables", "prediction"), rows)


# Commands


def options(known: Keys, name: str) -> Iterator[str]:
    """A table of what a command takes."""
    command = commands.get_command(click.Context(commands), name)
    assert command is not None, f"no command {name}: install the plugin that has it"
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


def hooks(known: Keys) -> Iterator[str]:
    """A table of the hooks."""
    rows = ((f"`{name}`", f"`{_returned(name)}`", _doc(getattr(hookspecs, name))) for name in HOOKS)
    return _table(("hook", "returns a list of", "for"), rows)


def _returned(hook: str) -> str:
    """``LayerType`` for a hook that returns ``Sequence[kinds.LayerType]``."""
    return str(getattr(hookspecs, hook).__annotations__["return"])[len("Sequence[kinds.") : -1]


def fields(known: Keys, name: str) -> Iterator[str]:
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


def file(known: Keys, name: str) -> Iterator[str]:
    """A table of what is in a file that a fit leaves."""
    entries = next(layout for layout in FILES if layout.name == name).entries
    if any(entry.shape for entry in entries):
        rows = [(f"`{e.key}`", e.shape or "", e.meaning) for e in entries]
        return _table(("key", "shape", "meaning"), rows)
    return _table(("key", "meaning"), [(f"`{e.key}`", e.meaning) for e in entries])


# The public API


def api(known: Keys, module: str) -> Iterator[str]:
    """What ``module`` offers, from its ``__all__`` and the docstrings."""
    offered = importlib.import_module(module)
    for name in offered.__all__:
        described = getattr(offered, name)
        if name.startswith("__"):
            continue
        of_ours = str(getattr(described, "__module__", "")).startswith(("replicafit", "pluggy"))
        yield f"### `{name}{_signature(described)}`\n" if of_ours else f"### `{name}`\n"
        yield f"{_sections(described)}\n" if of_ours else _written_beside(described)
        yield from _members(described)


def _written_beside(described: object) -> str:
    """A constant: its value where that is short."""
    return f"`{described}`\n" if isinstance(described, int | str) else ""


def _signature(described: Any) -> str:
    """Arguments without annotations; nothing for exceptions and what has no signature."""
    exception = isinstance(described, type) and issubclass(described, BaseException)
    if exception or getattr(described, "_is_protocol", False):
        return ""
    try:
        parameters = inspect.signature(described).parameters.values()
    except (TypeError, ValueError):
        return ""
    shown = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    text = str(inspect.Signature(shown)).replace(" = ", "=")
    return re.sub(r"<.*? at 0x\w+>", "...", text)


def _sections(described: object) -> str:
    """A docstring as Markdown: ``Args:`` and its like become lists."""
    lines = []
    for line in _markdown(_text(described)).splitlines():
        entry = re.match(r" {4}(\w[\w, ]*): (.*)", line)
        if re.fullmatch(r"(Args|Attributes|Raises|Returns|Yields):", line):
            lines += [f"**{line[:-1]}**", ""]
        elif entry:
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(line.strip() if line.startswith("        ") else line.removeprefix("    "))
    return "\n".join(lines)


def _members(described: object) -> Iterator[str]:
    """The public methods and properties that a class of ours has itself, a line each."""
    if not isinstance(described, type) or not described.__module__.startswith("replicafit"):
        return
    for name, member in vars(described).items():
        function = (
            member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        )
        documented = inspect.isfunction(function) or hasattr(member, "func")
        if (
            not name.startswith("_")
            and documented
            and (text := _text(getattr(member, "func", function)))
        ):
            call = (
                ""
                if isinstance(member, property) or hasattr(member, "func")
                else _signature(function)
            )
            yield f"- `.{name}{call}`: {_markdown(text).splitlines()[0]}"
    yield ""


MAKERS: Mapping[str, Callable[..., Iterable[str]]] = {
    maker.__name__: maker
    for maker in (
        *(keys, dataset, optimizer, optimizers, exporters, operations),
        *(options, hooks, fields, file, api),
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
