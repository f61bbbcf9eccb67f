"""chi2 per datum as bars, by experiment or by dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit.plugin import ReplicaRecord
from replicafit_report.pictures import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    beyond_the_end,
    drawing,
    few_ticks,
    label_x,
    rows_by_name,
)
from replicafit_report.record import Record
from replicafit_report.replicas import usual
from replicafit_report.section import Figure
from replicafit_report.statistics import Spread, spread

EXPERIMENT, DATASET, PARTS = "experiment", "dataset", ("training", "validation")
ROW, HEAD = 24.0, -1.0
"""Height of a name and its bar in pixels; where the line above them stands, in rows."""


def values_of(results: Sequence[ReplicaRecord], level: str, name: str) -> np.ndarray:
    """chi2 per datum of a dataset or an experiment, (r,), not a number where unknown."""
    each = [getattr(r, f"per_{level}").get(name) for r in results]
    return np.array(each, dtype=np.float64)


def split_of(results: Sequence[ReplicaRecord], level: str, name: str, part: str) -> np.ndarray:
    """The same of the pseudodata, for training or validation, (r,)."""
    each = [getattr(getattr(r, f"split_per_{level}").get(name), part, None) for r in results]
    return np.array(each, dtype=np.float64)


def charts(record: Record, level: str, names: Sequence[str]) -> list[Figure]:
    """Of the measured values and, where known, of the pseudodata; ``level`` says what names are."""
    results = record.sound.results
    everything = [spread(values_of(results, level, name)) for name in names]
    charts = [_bars(names, everything, float(record.chi2().mean()))]
    if any(getattr(r, f"split_per_{level}") for r in results):
        parts = [[spread(split_of(results, level, n, part)) for n in names] for part in PARTS]
        charts.append(_pairs(names, *parts))
    return charts


def _bars(names: Sequence[str], values: Sequence[Spread], total: float) -> Figure:
    with drawing("chi2 per datum of the measured values", _height(names), left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        means = np.array([v.mean for v in values])
        ax.barh(at, means, height=0.36, color=BLUE, alpha=0.75, linewidth=0)
        low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
        ax.hlines(at, low, high, color=INK, linewidth=1.4)
        rows_by_name(ax, names)
        label_x(ax, "chi2 per datum")
        ax.axvline(1, color=MUTED, linewidth=1)
        ax.axvline(total, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        right = total >= 1
        ax.text(
            total + (0.02 if right else -0.02),
            HEAD,
            f"all data {total:.3f}",
            ha="left" if right else "right",
            va="center",
            fontsize=10,
        )
        top = max(1.5, 1.06 * usual(_ends(values))[1])
        for row, mean in enumerate(means):
            beyond_the_end(ax, top, row, mean)
        few_ticks(ax, x=6, y=None)
        ax.set_xlim(0, top)
    return made.done(f"Bars: mean over replicas.{_lines(values)}")


def _pairs(
    names: Sequence[str], training: Sequence[Spread], validation: Sequence[Spread]
) -> Figure:
    with drawing("chi2 per datum of the pseudodata", _height(names), left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        for values, color, offset in ((training, BLUE, 0.0), (validation, ORANGE, 0.22)):
            low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
            ax.hlines(at + offset, low, high, color=color, linewidth=1.2, alpha=0.7)
            ax.plot([v.mean for v in values], at + offset, "o", color=color, markersize=5)
        rows_by_name(ax, names)
        label_x(ax, "chi2 per datum")
        ax.axvline(2, color=MUTED, linewidth=1)
        top = max(3.0, 1.06 * usual(_ends([*training, *validation]))[1])
        for row, both in enumerate(zip(training, validation, strict=True)):
            beyond_the_end(ax, top, row, *(value.mean for value in both))
        few_ticks(ax, x=6, y=None)
        ax.set_xlim(0, top)
        ax.text(0.02, HEAD, "● training", color=BLUE, va="center", fontsize=10)
        ax.text(0.34 * top, HEAD, "● validation", color=ORANGE, va="center", fontsize=10)
    return made.done(f"Dots: mean over replicas.{_lines(training)}")


def _lines(values: Sequence[Spread]) -> str:
    known = any(np.isfinite(value.low) for value in values)
    return " Lines: central 68 % of the replicas." if known else ""


def _height(names: Sequence[str]) -> float:
    """Of a figure with as much room for every name, and for a line above them."""
    return 60.0 + ROW * (len(names) + 1)


def _ends(values: Sequence[Spread]) -> np.ndarray:
    """How far to the right each reaches, of those that are known."""
    ends = np.array([np.fmax(value.mean, value.high) for value in values])
    known: np.ndarray = ends[np.isfinite(ends)]
    return known
