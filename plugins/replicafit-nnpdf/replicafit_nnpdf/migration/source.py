"""A runcard of n3fit that remembers which of its keys were looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from replicafit.errors import RuncardError

UNKNOWN = "not known to migrate"


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

    def __init__(self, values: Mapping[str, Any], path: str, remarks: Remarks) -> None:
        self._values, self._path, self._remarks = dict(values), path, remarks
        self._taken: set[str] = set()
        self._sections: dict[str, Section] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def name(self, key: str) -> str:
        """The key with those of the sections around it."""
        return f"{self._path}{key}"

    def take(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, which is known from now on; an empty one is as good as none."""
        self._taken.add(key)
        value = self._values.get(key)
        return default if value is None else value

    def section(self, key: str) -> Section:
        """The mapping under ``key``; an empty one where there is none.

        Raises:
            RuncardError: it is something else.
        """
        if key not in self._sections:
            value = self.take(key, {})
            if not isinstance(value, Mapping):
                raise RuncardError(
                    f"'{self.name(key)}' of the n3fit runcard should be a section of keys, not "
                    f"{value!r}."
                )
            self._sections[key] = Section(value, f"{self.name(key)}.", self._remarks)
        return self._sections[key]

    def items(self, key: str) -> list[Section]:
        """The list of mappings under ``key``; empty where there is none."""
        values = self.take(key, [])
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, Mapping):
                raise RuncardError(
                    f"'{self.name(key)}' of the n3fit runcard should be a list of sections; it has "
                    f"{value!r}."
                )
        made = [Section(v, f"{self.name(key)}[{i}].", self._remarks) for i, v in enumerate(values)]
        self._sections |= {f"{key}[{i}]": section for i, section in enumerate(made)}
        return made

    def changed(self, key: str, words: str) -> None:
        """``key`` is carried over, but not exactly."""
        self._taken.add(key)
        self._remarks.changed.append(Remark(self.name(key), words))

    def leave(self, key: str, words: str) -> None:
        """``key``, where it is given, is not carried over."""
        if key in self._values and key not in self._taken:
            self._remarks.left_out.append(Remark(self.name(key), words))
        self._taken.add(key)

    def drop(self, key: str, words: str) -> None:
        """``key`` was looked at, and is not carried over."""
        self._taken.add(key)
        self._remarks.left_out.append(Remark(self.name(key), words))

    def report_unknown(self) -> None:
        """Every key that was neither taken nor left out, here and in all sections below."""
        for key in self._values:
            if key not in self._taken:
                self._remarks.left_out.append(Remark(self.name(key), UNKNOWN))
        for section in self._sections.values():
            section.report_unknown()


def read_source(text: str, name: str) -> Mapping[str, Any]:
    """The keys of the runcard ``text``.

    Raises:
        RuncardError: it is no YAML, no mapping, or has a key twice.
    """
    try:
        values = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise RuncardError(f"'{name}' is no YAML: {error}") from None
    if not isinstance(values, Mapping):
        raise RuncardError(f"'{name}' is no runcard: it should be keys with values.")
    return values


class _Loader(yaml.SafeLoader):
    """SafeLoader that takes 1e6 for a number, as n3fit does, and refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
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
