"""What a scan may try: the search space of a runcard, and the runcard of each of its points."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from replicafit.plugin import (
    OptimizerType,
    Override,
    Registry,
    Runcard,
    RuncardError,
    YamlSource,
    canonical,
    load_runcard,
    read_cards,
)
from replicafit_scan.settings import Dimension, ScanSettings

DECIDED = ("scan", "seed", "replicas", "export", "extends", "plugins", "title")
"""Keys that no point may change, and those of ``data`` that say what is judged."""
JUDGED = ("datasets", "cuts", "folds", "hold_out", "closure")


@dataclass(frozen=True)
class Point:
    """One setting of everything that is scanned.

    Attributes:
        number: of the trial, from 0.
        values: a value for each key of the space; of a choice its ``label``.
    """

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Space:
    """The search space of a runcard.

    Attributes:
        card: the runcard's file.
        registry: the plugins.
        overrides: values of the command line.
    """

    card: Path
    registry: Registry
    overrides: tuple[Override, ...] = ()

    @cached_property
    def base(self) -> Runcard:
        """The runcard that points differ from."""
        return load_runcard(self.card, self.registry, self.overrides)

    @property
    def scan(self) -> ScanSettings:
        """How it is scanned.

        Raises:
            RuncardError: the runcard does not say.
        """
        settings: ScanSettings | None = dict(self.base).get("scan")
        if settings is None:
            raise RuncardError(
                f"'{self.card}' has no section scan. Add one: scan: {{space: "
                "{training.optimizer.learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}}}."
            )
        return settings

    def runcard(self, values: Mapping[str, Any], written_to: Path | None = None) -> Runcard:
        """The runcard of a point, or with fewer values one in between."""
        point = [self._override(key, value) for key, value in values.items()]
        return load_runcard(self.card, self.registry, [*self.overrides, *point], written_to)

    def refuse_unless_sound(self) -> None:
        """Tries every choice and both ends of every range by itself.

        Raises:
            RuncardError: with all that is wrong.
        """
        found = [*self._of_the_card()]
        for key in self.scan.space:
            found += self._wrong_values(key)
        if found:
            raise RuncardError("\n".join(dict.fromkeys(found)))

    @cached_property
    def structural(self) -> frozenset[str]:
        """The keys that change what is compiled; the others are numbers of a replica."""
        return frozenset(
            key
            for key in self.scan.space
            if len({architecture(self.runcard({key: v}), self.registry) for v in self.ends(key)})
            > 1
        )

    def ends(self, key: str) -> tuple[Any, ...]:
        """All choices of ``key``, or both ends of its range."""
        dimension = self.scan.space[key]
        if dimension.choice is not None:
            return tuple(map(label, dimension.choice))
        return interval(dimension)

    def _of_the_card(self) -> Iterator[str]:
        if not self.base.data.folds:
            yield (
                f"'{self.card}' has no data.folds. A scan judges by data that are held out: give "
                "data.folds, lists of dataset names such as [[A, B], [C]]."
            )
        if self.base.data.hold_out is not None:
            yield "data.hold_out is for a single fit; a scan holds out one fold after another."
        if self.base.model.choice:
            yield (
                "A scan compares architectures itself: give model.layers, and the others in "
                "scan.space as model.layers: {choice: [[...], [...]]}, not model.choice."
            )

    def _wrong_values(self, key: str) -> Iterator[str]:
        first, _, rest = key.partition(".")
        if first in DECIDED or (first == "data" and rest.split(".")[0] in JUDGED):
            yield f"scan.space: '{key}' cannot be scanned: all points are judged by the same."
            return
        if len(set(self.ends(key))) < len(self.ends(key)):
            yield f"scan.space: a value of '{key}' is given twice; once is enough."
        for value in self.ends(key):
            try:
                self.runcard({key: value})
            except RuncardError as wrong:
                yield str(wrong)

    def _override(self, key: str, value: Any) -> Override:
        option = f"scan.space: {key}: {value}"
        if key not in self._choices:
            return Override.yaml(option, key, repr(value))
        return Override(option, tuple(key.split(".")), self._choices[key][value])

    @cached_property
    def _choices(self) -> dict[str, dict[Any, YamlSource]]:
        """Choices as the card writes them, with their places."""
        found = {}
        for key, dimension in self.scan.space.items():
            if dimension.choice is not None:
                items = read_cards(self.card, self.registry, self.overrides).items(
                    ("scan", "space", key, "choice")
                )
                found[key] = {label(item.data): item for item in items}
        return found


def label(value: Any) -> Any:
    """A choice as a study keeps it: itself, or JSON of what has parts."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else json.dumps(value)


def interval(dimension: Dimension) -> tuple[Any, Any]:
    """Both ends of a range."""
    pair = dimension.uniform or dimension.log_uniform or dimension.integer
    assert pair is not None
    return pair


def architecture(runcard: Runcard, registry: Registry) -> str:
    """What is compiled for ``runcard``: all of it but the numbers that each replica has itself.

    Points that agree in it differ in rows of arrays alone, and train in slots of one batch.
    """
    settings = runcard.training.optimizer
    kind = registry.get(OptimizerType, settings.type)
    hyper = kind.call("build", settings, when="when it was built").hyper
    plain = canonical(runcard)
    given = plain["training"]["optimizer"]
    own = {name for name, value in hyper.items() if getattr(settings, name, None) == value}
    given |= dict.fromkeys(own & set(given), "each replica's")
    return json.dumps(plain, sort_keys=True)


def groups(points: Sequence[Point], space: Space) -> tuple[dict[str, list[Point]], dict[int, str]]:
    """Points by what is compiled for them, in order; and why others are refused, by number."""
    found: dict[str, list[Point]] = {}
    refused: dict[int, str] = {}
    for point in points:
        try:
            kind = architecture(space.runcard(point.values), space.registry)
        except RuncardError as reason:
            refused[point.number] = str(reason)
        else:
            found.setdefault(kind, []).append(point)
    return found, refused
