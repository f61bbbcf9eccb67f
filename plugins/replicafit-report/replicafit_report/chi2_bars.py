"""chi2 per datum as bars, by experiment or by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from replicafit_report.drawing import BLUE, INK, MUTED, ORANGE, drawing, label_x
from replicafit_report.section import Figure
from replicafit_report.statistics import Spread, spread

EXPERIMENT, DATASET, PARTS = "experiment", "dataset", ("training", "validation")
ROW, HEAD = 24.0, -1.0
"""Height of a name and its bar in pixels; where the line above them stands, in rows."""


def values_of(results: Sequence[Mapping[str, Any]], level: str, name: str) -> np.ndarray:
    """chi2 per datum of a dataset or an experiment, (r,), not a number where unknown."""
    each = [r.get(f"per_{level}", {}).get(name) for r in results]
    return np.array(each, dtype=np.float64)


def split_of(results: Sequence[Mapping[str, Any]], level: str, name: str, part: str) -> np.ndarray:
    """The same of the pseudodata, for training or validation, (r,)."""
    each = [r.get(f"split_per_{level}", {}).get(name, {}).get(part) for r in results]
    return np.array(each, dtype=np.float64)


def charts(results: Sequence[Mapping[str, Any]], level: str, names: Sequence[str]) -> list[Figure]:
    """Of the measured values and, where known, of the pseudodata; ``level`` says what names are."""
    total = spread(np.array([r["chi2_per_datum"]["all"] for r in results], dtype=np.float64))
    everything = [spread(values_of(results, level, name)) for name in names]
    charts = [_bars(names, everything, total)]
    if any(r.get(f"split_per_{level}") for r in results):
        parts = [[spread(split_of(results, level, n, part)) for n in names] for part in PARTS]
        charts.append(_pairs(names, *parts))
    return charts


def _bars(names: Sequence[str], values: Sequence[Spread], total: Spread) -> Figure:
    with drawing("χ² per datum of the measured values", _height(names), left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        medians = np.array([v.median for v in values])
        ax.barh(at, medians, height=0.36, color=BLUE, alpha=0.75, linewidth=0)
        low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
        ax.hlines(at, low, high, color=INK, linewidth=1.4)
        _names(made.ax, names)
        ax.axvline(1, color=MUTED, linewidth=1)
        ax.axvline(total.median, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        right = total.median >= 1
        ax.text(
            total.median + (0.02 if right else -0.02),
            HEAD,
            f"total {total.median:.3f}",
            ha="left" if right else "right",
            va="center",
            fontsize=9,
        )
        ax.set_xlim(0, max(1.5, 1.06 * float(np.nanmax(high))))
    return made.done("Bars: median over replicas. Lines: central 68 % of the replicas.")


def _pairs(
    names: Sequence[str], training: Sequence[Spread], validation: Sequence[Spread]
) -> Figure:
    with drawing("χ² per datum of the pseudodata", _height(names), left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        for values, colour, offset in ((training, BLUE, 0.0), (validation, ORANGE, 0.22)):
            low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
            ax.hlines(at + offset, low, high, color=colour, linewidth=1.2, alpha=0.7)
            ax.plot([v.median for v in values], at + offset, "o", color=colour, markersize=5)
        _names(ax, names)
        ax.axvline(2, color=MUTED, linewidth=1)
        top = max(3.0, 1.06 * float(np.nanmax([v.high for v in (*training, *validation)])))
        ax.set_xlim(0, top)
        ax.text(0.02, HEAD, "● training", color=BLUE, va="center", fontsize=9)
        ax.text(0.3 * top, HEAD, "● validation", color=ORANGE, va="center", fontsize=9)
    return made.done("Dots: median over replicas. Lines: central 68 % of the replicas.")


def _height(names: Sequence[str]) -> float:
    """Of a figure with as much room for every name, and for a line above them."""
    return 60.0 + ROW * (len(names) + 1)


def _names(ax: Axes, names: Sequence[str]) -> None:
    """Names stand above their bars: room for long ones on a narrow screen."""
    ax.set_yticks([])
    ax.set_ylim(len(names) - 0.4, -1.4)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    for i, name in enumerate(names):
        ax.text(0, i - 0.23, f" {name}", va="bottom", ha="left", fontsize=8.5)
    label_x(ax, "χ² per datum")
