"""A runcard of n3fit that remembers which of its keys were looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import yaml
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from replicafit.plugin import RuncardError
from replicafit_nnpdf.migration.writing import one_line, shown

UNKNOWN = "not known to migrate"


@dataclass(frozen=True)
class Kind:
    """What a value may be.

    Attributes:
        words: for messages.
        allowed: for pydantic, which converts nothing.
    """

    words: str
    allowed: TypeAdapter[Any]

    def matches(self, value: Any) -> bool:
        """Whether ``value`` is of this kind."""
        try:
            self.allowed.validate_python(value, strict=True)
        except (ValidationError, RecursionError):
            return False
        return True


ANYTHING = Kind("anything", TypeAdapter(Any))
TEXT = Kind("a text", TypeAdapter(str))
TEXTS = Kind("a list of texts", TypeAdapter(list[str]))
TEXT_OR_TEXTS = Kind("a text or a list of texts", TypeAdapter(str | list[str]))
TEXT_BY_NAME = Kind("texts by name", TypeAdapter(dict[str, str]))
FLAG = Kind("true or false", TypeAdapter(bool))
FLAG_OR_TEXT = Kind("true, false or a text", TypeAdapter(bool | str))
SEED = Kind("a whole number", TypeAdapter(Annotated[int, Field(ge=-(2**63), lt=2**63)]))
NUMBER_OF_THEORY = Kind(
    "a whole number or a text", TypeAdapter(Annotated[int, Field(ge=0, lt=2**63)] | str)
)
COUNT = Kind("a whole number above 0", TypeAdapter(Annotated[int, Field(ge=1, le=10**9)]))
COUNTS = Kind("whole numbers above 0", TypeAdapter(list[Annotated[int, Field(ge=1, le=10**6)]]))
NUMBER = Kind("a number", TypeAdapter(FiniteFloat))
POSITIVE = Kind("a number above 0", TypeAdapter(Annotated[FiniteFloat, Field(gt=0)]))
SHARE = Kind("a number above 0, at most 1", TypeAdapter(Annotated[FiniteFloat, Field(gt=0, le=1)]))
RATE = Kind("a number from 0 to 1", TypeAdapter(Annotated[FiniteFloat, Field(ge=0, lt=1)]))
RANGE = Kind(
    "two numbers", TypeAdapter(Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)])
)
NUMBERS = Kind("numbers by name", TypeAdapter(dict[str, FiniteFloat]))
SETTING = Kind("a number, a text, true or false", TypeAdapter(bool | int | FiniteFloat | str))


@dataclass(frozen=True)
class Remark:
    """What became of a key that has no exact counterpart."""

    key: str
    words: str


@dataclass
class Remarks:
    """What a translation has to tell.

    Attributes:
        changed: carried over, but not exactly.
        left_out: not carried over.
    """

    changed: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)


class Section:
    """A mapping of the runcard; what nobody took is reported by ``report_unknown``."""

    def __init__(self, values: Mapping[Any, Any], path: str, remarks: Remarks) -> None:
        self._values, self._path, self._remarks = dict(values), path, remarks
        self._taken: set[Any] = set()
        self._sections: dict[str, Section] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def name(self, key: Any) -> str:
        """The key with those of the sections around it."""
        return one_line(f"{self._path}{key}")

    def take(self, key: str, kind: Kind, default: Any = None) -> Any:
        """The value of ``key``, which is known from now on; an empty one is as good as none.

        What is not of the ``kind`` is reported, and as good as none, too.
        """
        value = self._values.get(key)
        if value is None or kind.matches(value):
            self._taken.add(key)
            return default if value is None else value
        self.leave(key, f"{shown(value)} is not {kind.words}")
        return default

    def section(self, key: str) -> Section:
        """The mapping under ``key``; an empty one where there is none.

        Raises:
            RuncardError: it is something else.
        """
        if key not in self._sections:
            self._taken.add(key)
            value = self._values.get(key)
            if not isinstance(value, Mapping | None):
                raise RuncardError(
                    f"'{self.name(key)}' of the n3fit runcard should be a section of keys, not "
                    f"{shown(value)}."
                )
            self._sections[key] = Section(value or {}, f"{self.name(key)}.", self._remarks)
        return self._sections[key]

    def items(self, key: str) -> list[Section]:
        """The list of mappings under ``key``; empty where there is none."""
        if f"{key}[0]" in self._sections:
            return [s for name, s in self._sections.items() if name.startswith(f"{key}[")]
        self._taken.add(key)
        values = self._values.get(key)
        values = [] if values is None else values
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, Mapping) or not isinstance(values, list):
                raise RuncardError(
                    f"'{self.name(key)}' of the n3fit runcard should be a list of sections; it has "
                    f"{shown(value)}."
                )
        made = [Section(v, f"{self.name(key)}[{i}].", self._remarks) for i, v in enumerate(values)]
        self._sections |= {f"{key}[{i}]": section for i, section in enumerate(made)}
        return made

    def changed(self, key: str, words: str) -> None:
        """``key`` is carried over, but not exactly."""
        self._tell(self._remarks.changed, key, words)

    def leave(self, key: str, words: str) -> None:
        """``key``, where it is given and nobody looked at it, is not carried over."""
        if key in self._values and key not in self._taken:
            self._tell(self._remarks.left_out, key, words)
        self._taken.add(key)

    def drop(self, key: str, words: str) -> None:
        """``key`` was looked at, and is not carried over."""
        self._tell(self._remarks.left_out, key, words)

    def report_unknown(self) -> None:
        """Every key that was neither taken nor left out, here and in all sections below."""
        for key in self._values:
            if key not in self._taken:
                self._tell(self._remarks.left_out, key, UNKNOWN)
        for section in self._sections.values():
            section.report_unknown()

    def _tell(self, remarks: list[Remark], key: Any, words: str) -> None:
        self._taken.add(key)
        remark = Remark(self.name(key), one_line(words))
        if remark not in remarks:
            remarks.append(remark)


_INDEX = re.compile(r"([^\[]*)\[(\d+)\]([^\[]*)")


def grouped(remarks: list[Remark]) -> tuple[Remark, ...]:
    """``remarks`` that say the same of entries of one list become one: ``a[0, 3-5].b``."""
    found: dict[tuple[str, ...], list[int]] = {}
    for remark in remarks:
        match = _INDEX.fullmatch(remark.key)
        key = (match[1], match[3], remark.words) if match else (remark.key, remark.words)
        found.setdefault(key, []).extend([int(match[2])] if match else [])
    return tuple(
        Remark(f"{key[0]}[{_ranges(indices)}]{key[1]}" if indices else key[0], key[-1])
        for key, indices in found.items()
    )


def _ranges(indices: list[int]) -> str:
    """0, 3-5 for 0, 3, 4 and 5."""
    starts = [i for i in indices if i - 1 not in indices]
    ends = [i for i in indices if i + 1 not in indices]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)


def read_source(text: str, name: str) -> Mapping[Any, Any]:
    """The keys of the runcard ``text``.

    Raises:
        RuncardError: it is no YAML, no mapping, or has a key twice.
    """
    try:
        values = yaml.load(text, _Loader)
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError) as error:
        raise RuncardError(f"'{name}' is no YAML: {error}") from None
    except (TypeError, ValueError) as error:  # numbers and dates that there are not
        raise RuncardError(f"'{name}' is no YAML: {error}") from None
    if not isinstance(values, Mapping):
        raise RuncardError(f"'{name}' is no runcard: it should be keys with values.")
    return values


class _Loader(yaml.SafeLoader):
    """SafeLoader that takes 1e6 for a number, as n3fit does, and refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = sorted({str(key) for key in keys if keys.count(key) > 1})
            if twice:
                line = node.start_mark.line + 1
                raise yaml.YAMLError(
                    f"the key '{twice[0]}' is given twice in the section of line {line}"
                )
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = dict(yaml.SafeLoader.yaml_implicit_resolvers)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
