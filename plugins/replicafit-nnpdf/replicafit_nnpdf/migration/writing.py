"""A runcard as YAML with comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Noted:
    """A value with what is to stand behind it as a comment."""

    value: Any
    words: str


def plain(value: Any) -> Any:
    """``value`` without its comments."""
    if isinstance(value, Noted):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def yaml_lines(card: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """The lines of ``card``: sections one under the other, entries of lists in one line each."""
    margin = "  " * depth
    for key, given in card.items():
        value, comment = _parted(given)
        if isinstance(value, Mapping) and value:
            yield f"{margin}{key}:{comment}"
            yield from yaml_lines(value, depth + 1)
        elif _is_long(value):
            yield f"{margin}{key}:{comment}"
            yield from (f"{margin}  - {_flow(each)}{words}" for each, words in map(_parted, value))
        else:
            yield f"{margin}{key}: {_flow(value)}{comment}"


def _parted(given: Any) -> tuple[Any, str]:
    if isinstance(given, Noted):
        return given.value, f"  # {given.words}"
    return given, ""


def _is_long(value: Any) -> bool:
    """Whether ``value`` is a list of mappings."""
    return isinstance(value, Sequence) and any(isinstance(plain(each), Mapping) for each in value)


def _flow(value: Any) -> str:
    text = yaml.safe_dump(plain(value), default_flow_style=True, sort_keys=False, width=100_000)
    return text.removesuffix("\n").removesuffix("\n...")
