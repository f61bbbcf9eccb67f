"""YAML text as plain data that remembers where each value stood.

PyYAML implements YAML 1.1, in which ``1e-6`` is a string and a repeated key silently wins; here
the first is a float and the second an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from replicafit.errors import RuncardError


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 floats and without duplicate keys."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:float"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"""^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?
        |[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$""",
        re.X,
    ),
    list("-+0123456789."),
)


@dataclass(frozen=True)
class YamlSource:
    """A YAML document: its data and, for messages, its text and positions."""

    path: Path
    text: str
    data: Any
    root: yaml.Node

    def locate(self, location: Sequence[str | int], of_key: bool = False) -> tuple[int, int]:
        """Line and column (from 1) of the value at ``location``, or of its nearest parent.

        Args:
            location: keys and indices that lead to the value; parts that the text does not have
                (pydantic puts the ``type`` of a component into its locations) are passed over.
            of_key: give the position of the last key instead of its value's.
        """
        node, mark = self.root, self.root.start_mark
        for part in location:
            for key, child in _children(node):
                if key == part:
                    last = part == location[-1]
                    key_node = _key_node(node, part)
                    mark = (
                        key_node.start_mark if (of_key and last and key_node) else child.start_mark
                    )
                    node = child
                    break
        return mark.line + 1, mark.column + 1

    def describe(self, location: Sequence[str | int], message: str, of_key: bool = False) -> str:
        """``file:line:column: message`` with the line shown and a caret under the place."""
        line, column = self.locate(location, of_key)
        return excerpt(self.path, self.text, line, column, message)


def excerpt(path: Path, text: str, line: int, column: int, message: str) -> str:
    """A message with file:line:column, the line, and a caret."""
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    return f"{path}:{line}:{column}: {message}\n    {shown}\n    {' ' * (column - 1)}^"


def _children(node: yaml.Node) -> list[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        return [(key.value, value) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return list(enumerate(node.value))
    return []


def _key_node(node: yaml.Node, name: str | int) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((key for key, _ in node.value if key.value == name), None)


def read_yaml(path: Path) -> YamlSource:
    """Reads one YAML file.

    Raises:
        RuncardError: the file is missing, is no YAML, is empty, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RuncardError(f"There is no runcard at '{path}'. Check the path.") from None
    except (OSError, UnicodeDecodeError) as cause:
        raise RuncardError(f"The runcard '{path}' cannot be read: {cause}.") from None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            raise RuncardError(f"The runcard '{path}' is empty. See runcards/ for examples.")
        _refuse_duplicate_keys(path, text, root)
        return YamlSource(path, text, loader.construct_document(root), root)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = f"This is not valid YAML: {cause.problem or cause}."
        raise RuncardError(excerpt(path, text, line, column, problem)) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as cause:
        raise RuncardError(f"The runcard '{path}' is not valid YAML: {cause}.") from None


def _refuse_duplicate_keys(path: Path, text: str, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.value in seen:
                mark = key.start_mark
                message = f"'{key.value}' is given twice, first on line {seen[key.value]}."
                raise RuncardError(excerpt(path, text, mark.line + 1, mark.column + 1, message))
            seen[key.value] = key.start_mark.line + 1
    for _, child in _children(node):
        _refuse_duplicate_keys(path, text, child)
