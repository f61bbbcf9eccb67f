"""A runcard from several places: the card, those it extends, presets, and options.

Cards are merged by key, the extending one over the extended: mappings are merged, everything else
(lists, too) is replaced, and so is a component by one of another ``type``. Options come last.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from replicafit.components import Preset
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.reading import is_there
from replicafit.runcard.models import DEFAULT_OPTIMIZER
from replicafit.runcard.yaml_source import (
    Location,
    Mark,
    Marks,
    OptionMark,
    Problem,
    YamlSource,
    option_value,
    read_yaml,
    values,
)

EXTENDS = "extends"
PRESET = re.compile(r"[A-Za-z_][\w.]*:[\w.-]+")
"""How presets are named: PACKAGE:NAME."""


@dataclass(frozen=True)
class Override:
    """A value from the command line that takes the place of the runcard's.

    Attributes:
        option: as it was typed, for messages.
        key: where the value belongs.
        value: with its place, which is the option's for what was typed there.
    """

    option: str
    key: tuple[str, ...]
    value: YamlSource

    @classmethod
    def setting(cls, given: str) -> Override:
        """From ``KEY=VALUE``, as ``--set`` takes it; the value is YAML."""
        key, equals, text = given.partition("=")
        option, parts = f"--set {given}", tuple(key.strip().split("."))
        if not equals or not all(parts) or parts[0] == EXTENDS:
            raise RuncardError(
                f"Invalid value for '{option}': give KEY=VALUE with a dotted key of the runcard, "
                "such as training.max_steps=500."
            )
        return cls(option, parts, option_value(text, option))

    @classmethod
    def yaml(cls, option: str, key: str, text: str) -> Override:
        """From the value of an option of its own, which is YAML."""
        return cls(option, tuple(key.split(".")), option_value(text, option))

    @classmethod
    def text(cls, option: str, key: str, text: str) -> Override:
        """From the value of an option of its own, which is text."""
        mark = OptionMark(option)
        return cls(option, tuple(key.split(".")), YamlSource(text, {(): (mark, mark)}))


def read_cards(
    path: Path, registry: Registry, overrides: Sequence[Override] = (), text: str | None = None
) -> YamlSource:
    """The card at ``path``, over all that it extends or implies, with ``overrides``.

    Of several that it extends, the later one stands above the earlier; presets of ``registry``
    that are implied (``Preset.implied_by``) stand below all. A card that is in no file is given as
    ``text``. In the data, ``extends`` becomes a record of what is extended, the uppermost first.
    Each file is read once: the card may be a pipe.

    Raises:
        RuncardError: a file cannot be read, cards extend each other in a circle, or an override
            leads nowhere.
        PluginError: a preset cannot tell whether it is implied.
    """
    parts = _distinct(_with_extended(_Part.read(str(path), path, text), registry, ()))
    card = _laid_over(parts)
    for preset in registry.all(Preset):
        with preset.at_fault("when asked whether a card implies it"):
            implied = preset.implied_by is not None and preset.implied_by(card.data)
        if implied:
            parts = _distinct([*parts, *_with_extended(_preset(preset), registry, ())])
    card = _laid_over(parts)
    if len(parts) > 1:
        extended = [part.record(path) for part in parts[1:]]
        card = replace(card, data={**card.data, EXTENDS: extended})
    return reduce(overridden, overrides, card)


@dataclass(frozen=True)
class _Part:
    """A file of keys: the card, one that is extended, or a preset.

    Attributes:
        name: of a preset, or the path as it was found.
    """

    name: str
    path: Path
    source: YamlSource

    @classmethod
    def read(cls, name: str, path: Path, text: str | None = None) -> _Part:
        source = read_yaml(path, text)
        if not isinstance(source.data, dict):
            kind = type(source.data).__name__
            message = f"A runcard is a mapping of keys to values, not a {kind}."
            raise _wrong(source.mark(()), message)
        return cls(name, path, source)

    def record(self, card: Path) -> dict[str, str]:
        """Name, or path relative to ``card``, and SHA-256."""
        name = self.name
        if not PRESET.fullmatch(name):
            relative = os.path.relpath(self.path.resolve(), card.resolve().parent)
            name = Path(relative).as_posix()
        return {"path": name, "sha256": hashlib.sha256(self.source.text.encode()).hexdigest()}


def _with_extended(part: _Part, registry: Registry, above: tuple[_Part, ...]) -> Iterator[_Part]:
    """``part`` and what it extends, the uppermost first."""
    yield part
    given = part.source.data.get(EXTENDS, [])
    names = given if isinstance(given, list) else [given]
    for i, name in reversed(list(enumerate(names))):
        mark, over = part.source.mark((EXTENDS, i)), (*above, part)
        if not isinstance(name, str) or not name:
            wanted = "the path of a runcard, PACKAGE:NAME of a preset, or a list of these"
            raise _wrong(mark, f"'extends' takes {wanted}.")
        path = part.path.parent / name
        if PRESET.fullmatch(name):
            if name not in registry.names(Preset):
                found = values(part.source.data)
                types = [str(value) for at, value in found if at[-1:] == ("type",)]
                also = registry.remedies_of_others(types, (Preset, name))
                raise _wrong(mark, registry.absence(Preset, name) + also)
            extended = _preset(registry.get(Preset, name))
        elif not is_there(path):
            raise _wrong(mark, f"There is no runcard at '{path}' to extend. Check the path.")
        else:
            extended = _Part.read(str(path), path)
        if extended.path.resolve() in [each.path.resolve() for each in over]:
            circle = " -> ".join(each.name for each in (*over, extended))
            raise _wrong(mark, f"Cards extend each other in a circle: {circle}.")
        yield from _with_extended(extended, registry, over)


def _preset(preset: Preset) -> _Part:
    with preset.at_fault("when its card was read"):
        return _Part.read(preset.name, preset.path)


def _distinct(parts: Iterable[_Part]) -> list[_Part]:
    """Each file once, where it stands uppermost: further below it would add nothing."""
    found: dict[Path, _Part] = {}
    for part in parts:
        found.setdefault(part.path.resolve(), part)
    return list(found.values())


def _laid_over(parts: Sequence[_Part]) -> YamlSource:
    """All ``parts`` as one, the first uppermost, without what they extend."""
    sources = [part.source for part in parts]
    data = reduce(merged, [source.data for source in reversed(sources)])
    data = {key: value for key, value in data.items() if key != EXTENDS}
    marks: dict[Location, Marks] = {}
    for source in reversed(sources):
        marks |= source.marks
    problems = tuple(problem for source in sources for problem in source.problems)
    return YamlSource(data, {at: marks[at] for at, _ in values(data)}, problems)


def merged(base: Any, over: Any) -> Any:
    """``over`` laid over ``base``."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    if "type" in over and over["type"] != base.get("type"):
        return over
    return base | {k: merged(base[k], v) if k in base else v for k, v in over.items()}


def overridden(card: YamlSource, override: Override) -> YamlSource:
    """``card`` with the override's value in its place; what it needs around comes from it, too."""
    data = _replaced(card.data, override, ())
    mark = OptionMark(override.option)
    marks = {**card.marks, **{(*override.key, *at): m for at, m in override.value.marks.items()}}
    return YamlSource(
        data,
        {at: marks.get(at, (mark, mark)) for at, _ in values(data)},
        card.problems + override.value.problems,
    )


def _replaced(data: Any, override: Override, above: tuple[str, ...]) -> Any:
    """``data``, which stands at ``above``, with the override's value in its place."""
    place, rest = ".".join(above), override.key[len(above) :]
    if not rest:
        return override.value.data
    name, inside = rest[0], (*above, rest[0])
    if isinstance(data, list):
        if name == str(len(data)) and len(rest) == 1:
            return [*data, override.value.data]
        if not name.isdecimal() or int(name) >= len(data):
            reason = f"'{place}' is a list of {len(data)}; they count from 0"
            raise _wrong(OptionMark(override.option), f"{reason}.")
        i = int(name)
        return [*data[:i], _replaced(data[i], override, inside), *data[i + 1 :]]
    if not isinstance(data, dict):
        reason = f"'{place}' is {str(data)!r} and has no keys"
        raise _wrong(OptionMark(override.option), f"{reason}.")
    absent = DEFAULT_OPTIMIZER if inside == ("training", "optimizer") else {}
    return {**data, name: _replaced(data.get(name, absent), override, inside)}


def _wrong(mark: Mark, message: str) -> RuncardError:
    return RuncardError(str(Problem(mark, message)))
