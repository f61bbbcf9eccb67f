"""A runcard from several places: the card, those it extends, presets, and options.

Cards are merged by key, the extending one over the extended: mappings are merged, everything else
(lists, too) is replaced, and so is a component by one of another ``type``. Options come last.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from replicafit.components import Preset
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.reading import is_there
from replicafit.runcard.models import DEFAULT_OPTIMIZER
from replicafit.runcard.yaml_source import (
    OptionMark,
    Problem,
    YamlSource,
    child_of,
    construct,
    mark_of,
    option_value,
    read_yaml,
    scalar,
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
        value: as a YAML node.
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
        return cls(option, tuple(key.split(".")), YamlSource(scalar(text, option), text))


@dataclass(frozen=True)
class Cards:
    """A card and all that stands below it, each file read once: the card may be a pipe.

    Attributes:
        parts: the card, what it extends and the presets that it implies, the uppermost first.
    """

    parts: tuple[_Part, ...]

    @property
    def text(self) -> str:
        """Of the card itself."""
        return self.parts[0].source.text

    @property
    def path(self) -> Path:
        """Of the card itself."""
        return self.parts[0].path

    def joined(self, overrides: Sequence[Override] = ()) -> YamlSource:
        """All of it and ``overrides`` as one source.

        In the data, ``extends`` becomes a record of what is extended, the uppermost first.

        Raises:
            RuncardError: an override leads nowhere.
        """
        root = reduce(_overridden, overrides, _laid_over(self.parts))
        data = construct(root)
        if len(self.parts) > 1:
            data[EXTENDS] = [part.record(self.path) for part in self.parts[1:]]
        sources = [*(part.source for part in self.parts), *(each.value for each in overrides)]
        return YamlSource(root, data, tuple(p for source in sources for p in source.problems))


def read_cards(path: Path, registry: Registry, text: str | None = None) -> Cards:
    """The card at ``path`` with what it extends, and presets of ``registry`` that it implies.

    Of several that it extends, the later one stands above the earlier; presets that are implied
    (``Preset.implied_by``) stand below all. A card that is in no file is given as ``text``.

    Raises:
        RuncardError: a file cannot be read, or cards extend each other in a circle.
        PluginError: a preset cannot tell whether it is implied.
    """
    parts = _distinct(_with_extended(_Part(str(path), path, text), registry, ()))
    card = construct(_laid_over(parts))
    for preset in registry.all(Preset):
        with preset.at_fault("when asked whether a card implies it"):
            implied = preset.implied_by is not None and preset.implied_by(card)
        if implied:
            parts = _distinct([*parts, *_with_extended(_preset(preset), registry, ())])
    return Cards(tuple(parts))


@dataclass(frozen=True)
class _Part:
    """A file of keys: the card, one that is extended, or a preset.

    Attributes:
        name: as a record has it; of a file it is made when it is recorded.
        path: of the file.
        text: in its place.
    """

    name: str
    path: Path
    text: str | None = None

    @cached_property
    def source(self) -> YamlSource:
        source = read_yaml(self.path, self.text)
        if not isinstance(source.root, yaml.MappingNode):
            kind = type(source.data).__name__
            message = f"A runcard is a mapping of keys to values, not a {kind}."
            raise RuncardError(_at(source.root, message))
        return source

    def record(self, card: Path) -> dict[str, str]:
        """Name, or path relative to ``card``, and SHA-256."""
        name = self.name
        if not PRESET.fullmatch(name):
            relative = os.path.relpath(self.path.resolve(), card.resolve().parent)
            name = Path(relative).as_posix()
        return {"path": name, "sha256": hashlib.sha256(self.source.text.encode()).hexdigest()}


def _with_extended(part: _Part, registry: Registry, above: tuple[_Part, ...]) -> Iterator[_Part]:
    """``part`` and what it extends, the uppermost first."""
    given = child_of(part.source.root, EXTENDS)
    yield part
    nodes = given.value if isinstance(given, yaml.SequenceNode) else [given] if given else []
    for node in reversed(nodes):
        extended, over = _extended(node, part, registry), (*above, part)
        if extended.path.resolve() in [each.path.resolve() for each in over]:
            circle = " -> ".join(each.name for each in (*over, extended))
            raise RuncardError(_at(node, f"Cards extend each other in a circle: {circle}."))
        yield from _with_extended(extended, registry, over)


def _extended(node: yaml.Node, part: _Part, registry: Registry) -> _Part:
    """What ``extends`` names at ``node`` of ``part``."""
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        wanted = "the path of a runcard, PACKAGE:NAME of a preset, or a list of these"
        raise RuncardError(_at(node, f"'extends' takes {wanted}."))
    given = str(node.value)
    if PRESET.fullmatch(given):
        if given not in registry.names(Preset):
            also = registry.remedies_of_others(set(_types(part.source.data)), (Preset, given))
            raise RuncardError(_at(node, registry.absence(Preset, given) + also))
        return _preset(registry.get(Preset, given))
    path = part.path.parent / given
    if not is_there(path):
        raise RuncardError(_at(node, f"There is no runcard at '{path}' to extend. Check the path."))
    return _Part(str(path), path)


def _types(data: Any) -> Iterator[str]:
    """Whatever stands under a key ``type`` in a card."""
    if isinstance(data, dict):
        if isinstance(data.get("type"), str):
            yield data["type"]
        data = list(data.values())
    if isinstance(data, list):
        for each in data:
            yield from _types(each)


def _preset(preset: Preset) -> _Part:
    package, _, file = preset.card.partition(":")
    return _Part(preset.name, Path(str(files(package) / file)))


def _distinct(parts: Iterable[_Part]) -> list[_Part]:
    """Each file once, where it stands uppermost: further below it would add nothing."""
    found: dict[Path, _Part] = {}
    for part in parts:
        found.setdefault(part.path.resolve(), part)
    return list(found.values())


def _laid_over(parts: Sequence[_Part]) -> yaml.Node:
    """All ``parts`` as one, the first uppermost."""
    roots = [part.source.root for part in reversed(parts)]
    return reduce(
        merged, (_mapping(r, [p for p in r.value if p[0].value != EXTENDS]) for r in roots)
    )


def merged(base: yaml.Node, over: yaml.Node) -> yaml.Node:
    """``over`` laid over ``base``."""
    if not (isinstance(base, yaml.MappingNode) and isinstance(over, yaml.MappingNode)):
        return over
    if _type(over) not in (None, _type(base)):
        return over
    found = {key.value: (key, value) for key, value in base.value}
    for key, value in over.value:
        known = found.get(key.value)
        found[key.value] = (key, merged(known[1], value) if known else value)
    return _mapping(over, list(found.values()))


def _mapping(like: yaml.Node, pairs: list[tuple[yaml.Node, yaml.Node]]) -> yaml.Node:
    """A mapping that stands where ``like`` does."""
    return yaml.MappingNode(like.tag, pairs, like.start_mark, like.end_mark)


def _type(node: yaml.Node) -> str | None:
    value = child_of(node, "type")
    return value.value if isinstance(value, yaml.ScalarNode) else None


def _at(node: yaml.Node, message: str) -> str:
    return str(Problem(mark_of(node), message))


def _overridden(
    node: yaml.Node | None, override: Override, above: tuple[str, ...] = ()
) -> yaml.Node:
    """``node``, which stands at ``above``, with the override's value in its place."""
    rest, place = override.key[len(above) :], ".".join(above)
    if not rest:
        return override.value.root
    name, inside = rest[0], (*above, rest[0])
    if isinstance(node, yaml.SequenceNode):
        items = list(node.value)
        if name == str(len(items)) and len(rest) == 1:
            longer = [*items, override.value.root]
            return yaml.SequenceNode(node.tag, longer, node.start_mark, node.end_mark)
        if not name.isdecimal() or int(name) >= len(items):
            reason = f"'{place}' is a list of {len(items)}; they count from 0"
            raise _leads_nowhere(override, reason)
        items[int(name)] = _overridden(items[int(name)], override, inside)
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise _leads_nowhere(override, f"'{place}' is {node.value!r} and has no keys")
    old = child_of(node, name) if node else None
    if old is None and len(rest) > 1 and inside == ("training", "optimizer"):
        old = option_value(json.dumps(DEFAULT_OPTIMIZER), override.option).root
    pairs = {key.value: (key, value) for key, value in node.value} if node else {}
    pairs.pop(name, None)
    new = (scalar(name, override.option), _overridden(old, override, inside))
    mark: Any = mark_of(node) if node else OptionMark(override.option)
    return yaml.MappingNode("tag:yaml.org,2002:map", [*pairs.values(), new], mark, None)


def _leads_nowhere(override: Override, reason: str) -> RuncardError:
    return RuncardError(str(Problem(OptionMark(override.option), f"{reason}.")))


def items_as_written(
    card: Path, registry: Registry, overrides: Sequence[Override], where: Sequence[str]
) -> list[YamlSource]:
    """The items of a list of the runcard at ``card``, each with its place for messages.

    Args:
        where: the keys that lead to the list.
    """
    node: yaml.Node | None = read_cards(card, registry).joined(overrides).root
    for name in where:
        node = None if node is None else child_of(node, name)
    return [] if node is None else [YamlSource(item, construct(item)) for item in node.value]
