"""A runcard from several places: the card, those it extends, and options of the command line.

Cards are merged by key, the extending one over the extended: mappings are merged, everything else
(lists, too) is replaced, and so is a component by one of another ``type``. Options come last.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from replicafit.errors import RuncardError
from replicafit.runcard.models import DEFAULT_LAYERS, DEFAULT_OPTIMIZER
from replicafit.runcard.yaml_source import (
    OptionMark,
    Problem,
    YamlSource,
    child_of,
    children,
    construct,
    mark_of,
    option_value,
    parse,
    read_yaml,
    scalar,
)

EXTENDS = "extends"

DEFAULT_COMPONENTS: Mapping[tuple[str, ...], str] = {
    ("training", "optimizer"): json.dumps(DEFAULT_OPTIMIZER),
    ("model", "layers"): json.dumps(DEFAULT_LAYERS),
}
"""What an option that sets something within it changes, where the card has none."""


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


def joined(path: Path, overrides: Sequence[Override] = ()) -> YamlSource:
    """The card at ``path`` with what it extends and with ``overrides``, as one source.

    In the data, ``extends`` becomes the chain of extended cards, the nearest first, each with its
    path relative to the card and its SHA-256.

    Raises:
        RuncardError: a file cannot be read, cards extend each other in a circle, or an override
            leads nowhere.
    """
    cards = _chain(path)
    root = reduce(merged, (_without_extends(source.root) for _, source in reversed(cards)))
    root = reduce(_overridden, overrides, root)
    data = construct(root)
    if len(cards) > 1 and isinstance(data, dict):
        data[EXTENDS] = [_record(base, path) for base, _ in cards[1:]]
    sources = [*(source for _, source in cards), *(override.value for override in overrides)]
    return YamlSource(root, data, tuple(p for source in sources for p in source.problems))


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
    return yaml.MappingNode(over.tag, list(found.values()), over.start_mark, over.end_mark)


def _type(node: yaml.Node) -> str | None:
    value = child_of(node, "type")
    return value.value if isinstance(value, yaml.ScalarNode) else None


def _chain(path: Path) -> list[tuple[Path, YamlSource]]:
    """The card and those it extends, one after the other."""
    found = [(path, _mapping(path))]
    while (base := child_of(found[-1][1].root, EXTENDS)) is not None:
        extended = _extended(base, found[-1][0])
        seen = [card.resolve() for card, _ in found]
        if extended.resolve() in seen:
            circle = " -> ".join(str(card) for card, _ in [*found, (extended, None)])
            raise RuncardError(_at(base, f"Cards extend each other in a circle: {circle}."))
        found.append((extended, _mapping(extended)))
    return found


def _extended(base: yaml.Node, card: Path) -> Path:
    if not isinstance(base, yaml.ScalarNode) or not base.value:
        raise RuncardError(_at(base, "'extends' takes the path of one runcard."))
    path = card.parent / str(base.value)
    if not path.is_file():
        raise RuncardError(_at(base, f"There is no runcard at '{path}' to extend. Check the path."))
    return path


def _mapping(path: Path) -> YamlSource:
    source = read_yaml(path)
    if not isinstance(source.root, yaml.MappingNode):
        kind = type(source.data).__name__
        message = f"A runcard is a mapping of keys to values, not a {kind}."
        raise RuncardError(_at(source.root, message))
    return source


def _at(node: yaml.Node, message: str) -> str:
    return str(Problem(mark_of(node), message))


def _without_extends(root: yaml.Node) -> yaml.Node:
    kept = [(key, value) for key, value in root.value if key.value != EXTENDS]
    return yaml.MappingNode(root.tag, kept, root.start_mark, root.end_mark)


def _record(base: Path, card: Path) -> dict[str, str]:
    relative = os.path.relpath(base.resolve(), card.resolve().parent)
    return {
        "path": Path(relative).as_posix(),
        "sha256": hashlib.sha256(base.read_bytes()).hexdigest(),
    }


def _overridden(root: yaml.Node, override: Override) -> yaml.Node:
    return _set(root, override, ())


def _set(node: yaml.Node | None, override: Override, above: tuple[str, ...]) -> yaml.Node:
    """``node``, which stands at ``above``, with the override's value in its place."""
    rest = override.key[len(above) :]
    if not rest:
        return override.value.root
    inside = (*above, rest[0])
    if isinstance(node, yaml.SequenceNode):
        position = _position(node, override, above)
        items = list(node.value)
        items[position] = _set(items[position], override, inside)
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark)
    pairs, mark = _pairs(node, override, above)
    old = next((value for key, value in pairs if key.value == rest[0]), _default(inside, rest))
    kept = [(key, value) for key, value in pairs if key.value != rest[0]]
    key = scalar(rest[0], override.option)
    new = (key, _set(old, override, inside))
    return yaml.MappingNode("tag:yaml.org,2002:map", [*kept, new], mark, None)


def _pairs(
    node: yaml.Node | None, override: Override, above: tuple[str, ...]
) -> tuple[list[tuple[yaml.Node, yaml.Node]], Any]:
    """Keys and values of a mapping, or of one that is not there yet."""
    if node is None:
        return [], OptionMark(override.option)
    if not isinstance(node, yaml.MappingNode):
        raise _leads_nowhere(override, f"'{'.'.join(above)}' is {node.value!r} and has no keys")
    return [(key, value) for key, value in children(node) if not isinstance(key, int)], mark_of(
        node
    )


def _default(inside: tuple[str, ...], rest: Sequence[str]) -> yaml.Node | None:
    text = DEFAULT_COMPONENTS.get(inside) if len(rest) > 1 else None
    source: Any = parse(text, "defaults") if text else None
    return source.root if source else None


def _position(node: yaml.SequenceNode, override: Override, above: tuple[str, ...]) -> int:
    given, count = override.key[len(above)], len(node.value)
    if not given.isdecimal() or int(given) >= count:
        reason = f"'{'.'.join(above)}' is a list of {count}; they count from 0"
        raise _leads_nowhere(override, reason)
    return int(given)


def _leads_nowhere(override: Override, reason: str) -> RuncardError:
    return RuncardError(str(Problem(OptionMark(override.option), f"{reason}.")))
