"""A runcard as YAML with comments."""

from __future__ import annotations

import reprlib
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


def one_line(text: str) -> str:
    """``text`` without line breaks and what else a comment cannot hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shown(value: Any) -> str:
    """``value`` for a message: short, whatever it is."""
    short = reprlib.Repr()
    short.maxlevel = short.maxlist = short.maxdict = 3
    short.maxstring = 60
    try:
        return short.repr(value)
    except ValueError:  # whole numbers with more digits than Python writes
        return "a very long number"


def _parted(given: Any) -> tuple[Any, str]:
    if isinstance(given, Noted):
        return given.value, f"  # {one_line(given.words)}"
    return given, ""


def _is_long(value: Any) -> bool:
    """Whether ``value`` is a list of mappings."""
    return isinstance(value, Sequence) and any(isinstance(plain(each), Mapping) for each in value)


def _flow(value: Any) -> str:
    text = yaml.dump(
        plain(value), Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=100_000
    )
    return text.removesuffix("\n").removesuffix("\n...")


class _Dumper(yaml.SafeDumper):
    """SafeDumper that keeps every value in one line, and writes one that stands twice in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _one_line_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _one_line_text)
