"""What functions depend on: inputs, each a real number in units of its own, with a range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from replicafit.errors import DataError, ModelError

TABULATED = 192
"""Points of a table of functions of one input."""
TABULATED_TOGETHER = 2000
"""About how many of several."""
SMALLEST = 1e-9
"""Where logarithmic tables begin, in units of the upper end of the range."""
FARTHEST = 100.0
"""Data of a half-infinite range reach at most so many times the distance that is scaled to 1/2."""


@dataclass(frozen=True)
class Input:
    """One input of the functions of a fit.

    Attributes:
        name: for tables, figures and messages.
        low, high: the ends of its range, in its own units; one of them may be infinite.
        log: small values matter, so that it is positive and tables are logarithmic.
        half: of a half-infinite range: the distance from its end that is scaled to 1/2.
    """

    name: str = "x"
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    half: float | None = None

    @classmethod
    def of_data(
        cls, name: str, x: np.ndarray, given: tuple[float | None, float | None] | None = None
    ) -> Input:
        """The range of data.

        Args:
            x: grid points of all data, (n,).
            given: the ends that the runcard gives, None for one at infinity; without them the
                range is (0, 1] where all data are in it, and else from the lowest to the highest.

        Raises:
            DataError: data lie outside of the range that is given, or do not determine one.
        """
        lowest, highest = float(x.min()), float(x.max())
        if given is None:
            if lowest > 0 and highest <= 1:
                return cls(name, log=True)
            if lowest == highest:
                raise DataError(
                    f"All data have {name} = {lowest:g}, which is no range. Give data.x_range."
                )
            return cls(name, lowest, highest)
        low, high = (-math.inf if given[0] is None else given[0]), given[1]
        found = cls(name, low, math.inf if high is None else high)
        outside = x[found.outside(x)]
        if len(outside):
            raise DataError(
                f"data.x_range gives {found}, but the data have grid points from {lowest:.6g} to "
                f"{highest:.6g}. Give a range that holds them, or leave the key away."
            )
        if None not in given:
            return found
        distance = x - low if high is None else found.high - x
        typical = max(float(np.median(distance)), float(distance.max()) / FARTHEST)
        return replace(found, half=typical or 1.0)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Input:
        """From what files hold; null ends are infinite."""
        low, high = record["low"], record["high"]
        return cls(
            str(record["name"]),
            -math.inf if low is None else float(low),
            math.inf if high is None else float(high),
            bool(record["log"]),
            record["half"],
        )

    def record(self) -> dict[str, Any]:
        """What files hold; JSON knows no infinity."""
        low, high = (end if math.isfinite(end) else None for end in (self.low, self.high))
        return {"name": self.name, "low": low, "high": high, "log": self.log, "half": self.half}

    @property
    def is_unit(self) -> bool:
        """From 0 to 1, so that networks see it as it is."""
        return self.low == 0 and self.high == 1

    @property
    def middle(self) -> float:
        """Well within the range."""
        return float(self.unscaled(np.array(0.5)))

    def outside(self, x: np.ndarray) -> np.ndarray:
        """Which of ``x`` are not in the range, of the same shape; what is no number is not."""
        inside = (x >= self.low) & (x <= self.high) & np.isfinite(x)
        return np.asarray(~(inside & (x > 0) if self.log else inside))

    def scaled(self, x: Any) -> Any:
        """``x``, an array or a tensor, scaled to the range from 0 to 1, ascending."""
        if self.is_unit:
            return x
        if self.half is None:
            return (x - self.low) * (1 / (self.high - self.low))
        if math.isinf(self.high):
            return (x - self.low) / (x - self.low + self.half)
        return self.half / (self.high - x + self.half)

    def unscaled(self, t: np.ndarray) -> np.ndarray:
        """The x that are scaled to ``t`` in [0, 1], or [0, 1) towards infinity."""
        if self.half is None:
            return np.asarray(self.low + (self.high - self.low) * t)
        if math.isinf(self.high):
            return np.asarray(self.low + self.half * t / (1 - t))
        return np.asarray(self.high - self.half * (1 - t) / t)

    def grid(self, count: int = TABULATED) -> np.ndarray:
        """About ``count`` points ascending through the range: evenly as networks see it.

        A logarithmic one has half of them below a tenth of its upper end.
        """
        if self.log and self.low == 0:
            few = 101 * count // TABULATED
            logarithmic = np.geomspace(SMALLEST, 0.1, few)
            linear = np.linspace(0.1, 1, count - few)
            return np.asarray(self.high * np.unique(np.concatenate([logarithmic, linear])))
        if self.log:
            return np.geomspace(self.low, self.high, count)
        if self.half is None:
            return np.linspace(self.low, self.high, count)
        upward = math.isinf(self.high)
        t = np.arange(count) / count if upward else np.arange(1, count + 1) / count
        return self.unscaled(t)

    def relative(self, x: Any) -> Any:
        """``x``, an array or a tensor, over the upper end of the range, where a logarithm is 0."""
        return x if self.high == 1 else x * (1 / self.high)

    def along(self, x: np.ndarray) -> np.ndarray:
        """x in the scale in which functions are smooth: of what is logarithmic its logarithm."""
        return np.log(x) if self.log else np.asarray(self.scaled(x))

    @property
    def range(self) -> str:
        """``(0, 1]`` and the like."""
        open_low = math.isinf(self.low) or (self.log and self.low == 0)
        ends = f"{'(' if open_low else '['}{self.low:.6g}, {self.high:.6g}"
        return f"{ends}{')' if math.isinf(self.high) else ']'}"

    def __str__(self) -> str:
        return f"{self.name} in {self.range}"


UNIT = (Input(log=True),)
"""x in (0, 1], the one input of fits that say nothing else."""


def unit_interval(settings: Any, inputs: Sequence[Input]) -> tuple[Input, ...]:
    """``inputs`` of a layer that needs x in (0, 1] (``LayerType.inputs``).

    Raises:
        ModelError: they are others.
    """
    if len(inputs) != 1 or not inputs[0].is_unit:
        raise ModelError(
            f"needs one input in (0, 1], but the data have {described(inputs)}. Leave the layer "
            "out (a network for any range begins with {type: x}), or give x of the data in (0, 1]"
        )
    return (replace(inputs[0], log=True),)


def described(inputs: Sequence[Input]) -> str:
    """``x in (0, 1]``, and so on, of each."""
    return " and ".join(map(str, inputs))


def real_numbers(given: Any) -> np.ndarray | None:
    """``given``, a number or lists of them, as an array of float64; None if it is something else:
    text, true or false, lists of different lengths, an array of which some is masked.
    """
    try:
        array = np.asarray(given)
    except ValueError:
        return None
    if np.ma.is_masked(given):
        return None
    return array.astype(np.float64) if array.dtype.kind in "iuf" or not array.size else None


def as_points(x: np.ndarray) -> np.ndarray:
    """Grid points (n,) or (n, m) as (n, m)."""
    return np.asarray(x).reshape(len(x), -1)


def outside(x: np.ndarray, inputs: Sequence[Input]) -> np.ndarray:
    """Which grid points (n,) or (n, m) are not within the ranges, (n,)."""
    columns = as_points(x).T
    each = [one.outside(column) for one, column in zip(inputs, columns, strict=True)]
    return np.asarray(np.any(each, axis=0))


def table_grid(inputs: Sequence[Input]) -> np.ndarray:
    """Where functions are tabulated: (n,), or with several inputs (n, m), all combinations."""
    if len(inputs) == 1:
        return inputs[0].grid()
    count = max(2, int(TABULATED_TOGETHER ** (1 / len(inputs))))
    return combinations([one.grid(count) for one in inputs])


def combinations(axes: Sequence[np.ndarray]) -> np.ndarray:
    """All combinations of the points of each axis, (n, m); the last axis changes fastest."""
    return np.stack([c.ravel() for c in np.meshgrid(*axes, indexing="ij")], axis=1)
