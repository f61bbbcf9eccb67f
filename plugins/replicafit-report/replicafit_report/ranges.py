"""Which part of the x axis a figure shows, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from replicafit_report.pictures import few_ticks, label_x, log_axis

CURVE_POINTS = 64
MANY_DECADES = 100.0
"""A ratio of the ends above which an axis is logarithmic too."""


@dataclass(frozen=True)
class Range:
    """A logarithmic or linear axis.

    Attributes:
        log: which.
        low, high: where curves begin and end.
        edge: where the axis begins, if not at ``low``.
        input: what it is of.
    """

    log: bool
    low: float
    high: float
    edge: float | None = None
    input: str = "x"

    @property
    def name(self) -> str:
        """For titles."""
        return f"{'logarithmic' if self.log else 'linear'} {self.input}"

    def places(self, x: np.ndarray, count: int = CURVE_POINTS) -> np.ndarray:
        """Indices of the points of ``x`` (n,) that lie evenly on the axis, and reach its ends."""
        space, scale = (np.geomspace, np.log) if self.log else (np.linspace, np.asarray)
        first = max(0, int(np.searchsorted(x, self.low, side="right")) - 1)
        last = min(len(x) - 1, int(np.searchsorted(x, self.high)))
        inside = np.arange(first, last + 1)
        wanted = scale(space(self.low, self.high, count))
        distance = np.abs(scale(x[inside])[:, None] - wanted[None, :])
        chosen: np.ndarray = np.unique([first, *inside[distance.argmin(axis=0)], last])
        return chosen

    def apply(self, ax: Axes) -> None:
        """Makes it the axis of a figure."""
        if self.log:
            log_axis(ax, "x", self.low, self.high)
        else:
            ax.set_xlim(self.low if self.edge is None else self.edge, self.high)
        label_x(ax, self.input)
        few_ticks(ax)


def around(x: np.ndarray, reach: tuple[float, float] | None, input: str = "x") -> tuple[Range, ...]:
    """Linear where the data are; logarithmic too if they span decades."""
    low, high = reach or (float(x[0]), float(x[-1]))
    room = 0.04 * (high - low)
    ends = max(low - room, float(x[0])), min(high + room, float(x[-1]))
    linear = Range(False, *ends, input=input)
    if low > 0 and high / low > MANY_DECADES:
        return linear, Range(True, low, high, input=input)
    return (linear,)
