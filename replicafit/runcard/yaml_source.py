"""YAML text as plain data that remembers where each value stood.

PyYAML implements YAML 1.1, in which ``1e-6`` is a string, ``0123`` is 83, ``1:30`` is 90, ``no`` is
false, and a repeated key silently wins. Here the first is a float, the third text, and the others
are errors, as are tags, aliases that repeat too much, keys that are no words, and what is no text.
Every value has a mark: the file (or the option) it comes from, line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from replicafit.errors import RuncardError
from replicafit.reading import UnreadableError, no_text, read_text

MOST_BYTES = 2**18
"""Of one card: more than a thousand datasets."""
MOST_VALUES = 100_000
"""Of one card, aliases written out."""
MOST_DEPTH = 50
"""Of lists and mappings within each other."""
MOST_DIGITS = 100
"""Of an integer; more than any key takes."""
MOST_SHOWN = 100
"""Characters of a line that a message shows, before and after the place."""

_LEFT_OUT = {f"tag:yaml.org,2002:{name}" for name in ("float", "int", "bool", "timestamp")}


class _Loader(yaml.SafeLoader):
    """SafeLoader with the numbers and booleans of YAML 1.2, and limits."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name
        self.depth = 0
        self.sizes: dict[yaml.Node, int] = {}
        self.problems: list[Problem] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """A node within the limits; an alias counts as all that it stands for."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _refused(event, f"runcards have no tags such as {tag}; leave it out")
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise _refused(event, f"there are more than {MOST_DEPTH} lists and mappings in another")
        node: yaml.Node = super().compose_node(parent, index)  # type: ignore[assignment]
        self.depth -= 1
        if isinstance(event, yaml.AliasEvent) and node not in self.sizes:
            raise _refused(event, f"'{event.anchor}' contains itself")
        is_key = isinstance(parent, yaml.MappingNode) and index is None
        if isinstance(node, yaml.ScalarNode):
            if not node.value.isprintable() and (wrong := no_text(node.value)):
                raise _refused(node, f"there is the character {wrong}, which is no text")
            if node.tag.endswith(":int") and (digits := len(node.value)) > MOST_DIGITS:
                raise _refused(node, f"a whole number has {digits} digits; write it as 1.0e+30")
            if node.style is None and not is_key:
                self.problems += _ambiguous(node)
        elif is_key:
            raise _refused(node, "a key is a word, not a list or a mapping")
        elif isinstance(node, yaml.MappingNode):
            self.problems += _repeated_keys(node)
        parts = () if isinstance(node, yaml.ScalarNode) else node.value
        pairs = (part if isinstance(part, tuple) else (part,) for part in parts)
        self.sizes[node] = 1 + sum(self.sizes[inner] for pair in pairs for inner in pair)
        if self.sizes[node] > MOST_VALUES:
            raise _refused(event, f"with all aliases there are more than {MOST_VALUES} values")
        return node

    def places(
        self, node: yaml.Node, of_key: Mark, at: Location = ()
    ) -> Iterator[tuple[Location, Marks]]:
        """The places of ``node`` and of all in it, when it is constructed (``<<`` written out)."""
        yield at, (node.start_mark, of_key)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                inside = (*at, str(self.construct_object(name)))
                yield from self.places(value, name.start_mark, inside)
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                yield from self.places(item, item.start_mark, (*at, str(i)))


def _refused(place: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LEFT_OUT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"""^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?
        |[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$""",
        re.X,
    ),
    list("-+0123456789."),
)

_AMBIGUOUS_WORD = re.compile(r"^(?:yes|no|on|off)$", re.I)
_AMBIGUOUS_NUMBER = re.compile(
    r"^[-+]?(?:0[0-9_]+|0[xXoObB][0-9a-fA-F_]+|[0-9]+(?:_[0-9]+)+(?:\.[0-9_]*)?)$"
)


@dataclass(frozen=True)
class OptionMark:
    """Where a value of the command line comes from: the option, as it was typed."""

    name: str


Mark = yaml.Mark | OptionMark
Marks = tuple[Mark, Mark]
"""Of a value: its own, and that of its key."""
Location = tuple[str, ...]
"""What leads to a value: keys, and positions in lists."""


@dataclass(frozen=True)
class Problem:
    """One mistake and its place; as text, with file:line:column, the line, and a caret.

    Attributes:
        missing: what is not installed, if that is the mistake: it is told at its first place.
    """

    mark: Mark
    message: str
    missing: str = ""

    def __str__(self) -> str:
        if isinstance(self.mark, OptionMark):
            return f"Invalid value for '{self.mark.name}': {self.message}"
        mark = self.mark
        lines = re.split(r"\r\n|[\r\n\x85\u2028\u2029]", (mark.buffer or "").rstrip("\0"))
        begin = max(0, mark.column - MOST_SHOWN)
        shown = lines[mark.line][begin : mark.column + MOST_SHOWN] if mark.line < len(lines) else ""
        where = f"{mark.name}:{mark.line + 1}:{mark.column + 1}"
        return f"{where}: {self.message}\n    {shown}\n    {' ' * (mark.column - begin)}^"


@dataclass(frozen=True)
class YamlSource:
    """A YAML document, or several of them and options, joined.

    Attributes:
        data: plain.
        marks: of every value in ``data``.
        problems: what is wrong already.
        text: of one file.
    """

    data: Any
    marks: Mapping[Location, Marks]
    problems: tuple[Problem, ...] = ()
    text: str = ""

    def mark(self, location: Sequence[str | int], of_key: bool = False) -> Mark:
        """The place of the value at ``location``, or of its nearest parent.

        Args:
            location: keys and indices that lead to the value; parts that the text does not have
                (pydantic puts the ``type`` of a component into its locations) are passed over.
            of_key: give the place of the last key instead of its value's.
        """
        at: Location = ()
        for part in location:
            inside = (*at, str(part))
            at = inside if inside in self.marks else at
        return self.marks[at][of_key]

    def items(self, where: Location) -> list[YamlSource]:
        """The items of the list at ``where``."""
        found, n = [], len(where) + 1
        for at, value in values(self.data):
            if at[:-1] == where:
                marks = {k[n:]: mark for k, mark in self.marks.items() if k[:n] == at}
                found.append(YamlSource(value, marks))
        return found


def values(data: Any, at: Location = ()) -> Iterator[tuple[Location, Any]]:
    """``data`` and all in it, each with what leads to it."""
    yield at, data
    inside = dict(enumerate(data)) if isinstance(data, list) else data
    for key, value in inside.items() if isinstance(inside, dict) else ():
        yield from values(value, (*at, str(key)))


def read_yaml(path: Path, text: str | None = None) -> YamlSource:
    """Reads one YAML file, or ``text`` in its place.

    Raises:
        RuncardError: the file is missing, is no YAML, or is empty.
    """
    try:
        text = read_text(path, MOST_BYTES) if text is None else text
    except FileNotFoundError:
        raise RuncardError(f"There is no runcard at '{path}'. Check the path.") from None
    except UnreadableError as cause:
        raise RuncardError(f"The runcard '{path}' cannot be read: {cause}.") from None
    try:
        source = parse(text, str(path))
    except yaml.YAMLError as cause:
        place = _place(cause, text, str(path))
        raise RuncardError(str(Problem(place, _not_valid(cause)))) from None
    if source is None:
        raise RuncardError(f"The runcard '{path}' is empty. `replicafit init` writes one.")
    return source


def _place(cause: yaml.YAMLError, text: str, name: str) -> yaml.Mark:
    if isinstance(cause, yaml.MarkedYAMLError):
        return cause.problem_mark or cause.context_mark or yaml.Mark(name, 0, 0, 0, text, 0)
    at = getattr(cause, "position", 0)
    line, column = text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1
    return yaml.Mark(name, at, line, column, text, at)


def _not_valid(cause: yaml.YAMLError) -> str:
    if isinstance(cause, yaml.reader.ReaderError):
        return f"This is not valid YAML: the character U+{cause.character:04X} is no text."
    problem = getattr(cause, "problem", None) or cause
    quotes = " Put text with ': ' in it in quotes." if "mapping values" in str(problem) else ""
    return f"This is not valid YAML: {problem}.{quotes}"


def parse(text: str, name: str) -> YamlSource | None:
    """The document in ``text``, which comes from the file ``name``; None if it is empty."""
    loader = _Loader(text, name)  # it refuses what is no text
    root = loader.get_single_node()
    if root is None:
        return None
    data, marks = loader.construct_document(root), dict(loader.places(root, root.start_mark))
    return YamlSource(data, {at: marks[at] for at, _ in values(data)}, tuple(loader.problems), text)


def option_value(text: str, option: str) -> YamlSource:
    """A YAML value from the command line; an empty one is null.

    Raises:
        RuncardError: it is no YAML.
    """
    mark = OptionMark(option)
    try:
        source = parse(text, option)
    except yaml.YAMLError as cause:
        raise RuncardError(str(Problem(mark, _not_valid(cause)))) from None
    data, found = (source.data, source.problems) if source else (None, ())
    marks = {at: (mark, mark) for at, _ in values(data)}
    return YamlSource(data, marks, tuple(Problem(mark, problem.message) for problem in found))


def _repeated_keys(node: yaml.MappingNode) -> Iterator[Problem]:
    seen: dict[Any, int] = {}
    for key, _ in node.value:
        if key.value in seen:
            message = f"'{key.value}' is given twice, first on line {seen[key.value]}."
            yield Problem(key.start_mark, message)
        seen.setdefault(key.value, key.start_mark.line + 1)


def _ambiguous(node: yaml.ScalarNode) -> Iterator[Problem]:
    """Words and numbers that YAML 1.1 and 1.2 read in different ways."""
    if _AMBIGUOUS_WORD.match(node.value):
        meant = "true" if node.value.lower() in ("yes", "on") else "false"
        yield Problem(
            node.start_mark,
            f"'{node.value}' may be a word or mean {meant}: write {meant}, or "
            f'"{node.value}" in quotes for the word.',
        )
    elif _AMBIGUOUS_NUMBER.match(node.value):
        yield Problem(
            node.start_mark,
            f"'{node.value}' is no plain decimal number: write digits without leading zeros, "
            f'prefixes and underscores, or "{node.value}" in quotes for text.',
        )
