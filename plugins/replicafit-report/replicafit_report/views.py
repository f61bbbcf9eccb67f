"""Replicas of functions as pages draw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.interpolate import CubicSpline

from replicafit.plugin import Input, OutputError
from replicafit_report.ranges import Range, around

NOTHING = 1e-9
"""Of the largest value of all functions: those that are nowhere larger vanish."""


@dataclass(frozen=True)
class Functions:
    """Replicas of functions on one grid; r counts those that count, s those that were refused.

    Attributes:
        names: what they are called, length f.
        x: ascending, (n,); of several inputs (n, m).
        values: (r, n, f).
        numbers: replica numbers, length r; empty if they have none.
        refused: values of the others, (s, n, f).
        refused_numbers: their replica numbers, length s.
        form: how values are written: ``{}`` stands for the name, as in ``x {}(x, Q)``.
        place: what holds for all, such as ``at Q = 100 GeV``.
        ranges: the parts of x to draw, the one that shows most first.
        spots: x at which correlations are shown.
        inputs: what they depend on.
    """

    names: tuple[str, ...]
    x: np.ndarray
    values: np.ndarray
    numbers: tuple[int, ...] = ()
    refused: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))
    refused_numbers: tuple[int, ...] = ()
    form: str = "{}(x)"
    place: str = ""
    ranges: tuple[Range, ...] = ()
    spots: tuple[float, ...] = ()
    inputs: tuple[Input, ...] = (Input(log=True),)

    def __len__(self) -> int:
        return len(self.values)

    def of(self, name: str) -> np.ndarray:
        """The values of one of them, (r, n)."""
        return np.asarray(self.values[..., self.names.index(name)])

    def refused_of(self, name: str) -> np.ndarray:
        """The same of the refused replicas, (s, n)."""
        if not len(self.refused):
            return np.empty((0, len(self.x)))
        return np.asarray(self.refused[..., self.names.index(name)])

    def title(self, name: str) -> str:
        """What the values of a function are, such as x g(x, Q)."""
        return self.form.format(name)

    def short(self, name: str) -> str:
        """The same without arguments."""
        return self.form.partition("(")[0].format(name)

    def becoming(self, names: Sequence[str], way: Callable[[np.ndarray], np.ndarray]) -> Functions:
        """Other functions made of these: ``way`` takes values (..., f) to (..., g)."""
        if not len(self.refused):
            return replace(self, names=tuple(names), values=way(self.values))
        both = way(np.concatenate([self.values, self.refused]))
        values, refused = both[: len(self)], both[len(self) :]
        return replace(self, names=tuple(names), values=values, refused=refused)

    def only(self, names: Sequence[str]) -> Functions:
        """Some of them, in that order."""
        at = [self.names.index(name) for name in names]
        return self.becoming(names, lambda values: values[..., at])

    def distinct(self) -> Functions:
        """Without functions that equal an earlier one or vanish."""
        kept: list[int] = []
        nothing = NOTHING * float(np.abs(self.values).max(initial=0))
        for i in range(len(self.names)):
            one = self.values[..., i]
            same = (np.allclose(one, self.values[..., j], rtol=1e-6, atol=nothing) for j in kept)
            if not (np.abs(one).max() <= nothing or any(same)):
                kept.append(i)
        return self.only([self.names[i] for i in kept])

    def on(self, x: np.ndarray) -> Functions:
        """The same at x (m,); beyond their own grid functions are taken to be constant."""
        if np.array_equal(self.x, x):
            return self
        if self.x.ndim > 1 or x.ndim > 1:
            raise OutputError("Functions of several inputs are compared on one grid only.")
        way = np.log if min(self.x[0], x[0]) > 0 else np.asarray
        points = way(np.clip(x, self.x[0], self.x[-1]))
        values = CubicSpline(way(self.x), self.values, axis=1)(points)
        return replace(self, x=x, values=values, refused=np.empty((0, 0, 0)), refused_numbers=())


def in_common(each: Sequence[Functions]) -> list[Functions]:
    """The functions that all have, on the grid of the first; none if there is none."""
    names = [n for n in each[0].names if all(n in other.names for other in each)]
    return [one.on(each[0].x).only(names) for one in each]


def plain(
    names: tuple[str, ...],
    x: np.ndarray,
    values: np.ndarray,
    reach: tuple[float, float] | None,
    inputs: tuple[Input, ...] = (Input(log=True),),
) -> Functions:
    """Functions about which nothing is known but where the data are, ``reach``."""
    if x.ndim > 1:
        return Functions(names, x, values, inputs=inputs, form="{}")
    ranges = around(x, reach, inputs[0].name)
    low, high = ranges[0].low, ranges[0].high
    spots = tuple(np.linspace(low, high, 6)[1:-1].tolist())
    form = "{}(" + inputs[0].name.replace("{", "{{").replace("}", "}}") + ")"
    return Functions(names, x, values, ranges=ranges, spots=spots, form=form, inputs=inputs)
