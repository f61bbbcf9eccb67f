"""Positivity observables in reports: how far from negative the replicas keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from replicafit_report import (
    BLUE,
    INK,
    VERMILLION,
    Figure,
    Figures,
    More,
    Section,
    SectionContext,
    Text,
    band,
    drawing,
    few_ticks,
    label_x,
    rows_by_name,
)

from replicafit import Fit
from replicafit.plugin import Dataset, ReplicafitError
from replicafit_pdf.penalties.observables import contracted, read_observables

TITLE = "Positivity"


def positivity(context: SectionContext) -> Section | None:
    """The observables of the fit's positivity penalties, from the tables of its replicas."""
    fit = context.fit
    if context.compares or fit is None:
        return None
    given = [p for p in fit.card.get("penalties", ()) if p.get("type") == "positivity"]
    if not given:
        return None
    folder = Path(fit.run.runcard_folder)
    try:
        observables = [
            observable
            for penalty in given
            for observable in read_observables(
                [Path(p) for p in penalty["path"]], folder, penalty.get("package")
            )
        ]
        found = {each.name: predictions(each, fit.sound) for each in observables}
    except (ReplicafitError, ValueError) as cause:
        words = f"The observables that were kept positive cannot be shown here: {cause}"
        return Section("positivity", TITLE, [Text(words)])
    negative = [name for name, values in found.items() if (values < 0).any()]
    told = f"somewhere negative are {', '.join(negative)}" if negative else "none is negative"
    counted = f"Observables that are kept positive: {len(found)}. In the {len(fit.sound)} replicas"
    each = [_observable(name, values) for name, values in found.items()]
    more = More("Each observable over its mean", [Figures(each)])
    return Section(
        "positivity",
        TITLE,
        [Text(f"{counted} that count {told}."), Figures([_lowest(found)], "", "two"), more],
    )


def predictions(observable: Dataset, fit: Fit) -> np.ndarray:
    """What the replicas of ``fit`` give for each of its points, (r, d)."""
    x = observable.x_grid
    contraction = contracted([observable], x, fit.flavours)
    values = fit.interpolate(x)
    if contraction.pairs:
        return np.asarray(contraction.pairs[0].predict(values))
    return np.asarray(values.reshape(len(values), -1) @ contraction.linear)


def _lowest(found: dict[str, np.ndarray]) -> Figure:
    """For each observable and replica the point nearest to zero."""
    title = "Lowest point of each observable"
    with drawing(title, 60.0 + 24.0 * (len(found) + 1), left=10) as made:
        ax = made.ax
        lowest = [(v / _size(v)).min(axis=1) for v in found.values()]
        ends = float(np.min(np.concatenate(lowest))), float(np.max(np.concatenate(lowest)))
        left = min(ends[0], -0.05) - 0.05
        rows_by_name(ax, list(found), at=left)
        for row, values in enumerate(lowest):
            for bad, color in ((False, BLUE), (True, VERMILLION)):
                at = values[(values < 0) == bad]
                ax.plot(at, np.full(len(at), row), "|", color=color, markersize=9, alpha=0.8)
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_xlim(left, max(ends[1], 1.0))
        few_ticks(ax, x=5, y=None)
        label_x(ax, "prediction / mean over replicas")
    return made.done("A stroke for each replica: blue where positive, red left of the line.")


def _size(values: np.ndarray) -> np.ndarray:
    """Of the mean (d,) of values (r, d); 1 where all are zero, as at x = 1."""
    size = np.abs(values.mean(axis=0))
    return np.where(size > 0, size, 1.0)


def _observable(name: str, values: np.ndarray) -> Figure:
    """All points of an observable (r, d), over their means."""
    with drawing(name, 190.0) as made:
        ax, at = made.ax, np.arange(1, values.shape[1] + 1)
        edges = band(ax, at, values / _size(values), BLUE)
        ax.axhline(0, color=INK, linewidth=0.8)
        low, high = float(edges.min()), float(edges.max())
        ax.set_ylim(min(low, -0.1), max(high, 1.2))
        few_ticks(ax, x=5)
        label_x(ax, "point")
    return made.done()
