"""The fitted functions: replicas, mean, band, standard deviation, ratio to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from replicafit_report.drawing import (
    BLUE,
    GREEN,
    INK,
    REPLICA,
    VERMILLION,
    drawing,
    joined,
)
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import Functions, as_fitted, as_partons, distinct
from replicafit_report.ranges import Range
from replicafit_report.section import Block, Figure, Figures, Legend, More, Section, Text
from replicafit_report.statistics import limits

SHOWN_REPLICAS = 100
FINE = 150
"""Points of a mean or a band; single replicas have fewer."""
LEGEND = Legend(
    (("replica", "each replica"), ("mean", "mean"), ("band", "central 68 % of the replicas"))
)


@dataclass(frozen=True)
class Shown:
    """One function as it is drawn: values (r, n) at x (n,).

    Attributes:
        name: of its values, such as x g.
        arguments: such as (x, Q).
    """

    name: str
    arguments: str
    x: np.ndarray
    values: np.ndarray
    ranges: Sequence[Range]


def function_section(ours: Ensemble, reference: Ensemble | None = None, note: str = "") -> Section:
    """All functions at one scale.

    Args:
        reference: another fit at the same scale.
        note: what is to be said besides.
    """
    theirs = None if reference is None else reference.on(ours.x)
    their_fitted = None if theirs is None else as_fitted(*_parts(theirs))
    their_partons = None if theirs is None else as_partons(*_parts(theirs))
    fitted, partons = distinct(as_fitted(*_parts(ours))), as_partons(*_parts(ours))
    blocks: list[Block] = [
        Text(" ".join(filter(None, [_explained(ours), note]))),
        LEGEND if reference is None else _legend_with(reference),
    ]
    if partons is None:
        blocks += _rows(ours, fitted, their_fitted)
    else:
        blocks += _rows(ours, partons, their_partons)
    if partons is not None and ours.at_q0:
        known = [s for s in fitted.symbols if s not in partons.symbols]
        basis = _rows(ours, fitted, their_fitted, known)
        blocks.append(More("The flavours of the evolution basis, as the tables use them", basis))
    if ours.at_q0:
        return Section("functions", "Fitted functions", blocks, "Functions")
    at = f"{ours.q:g}\u00a0GeV"
    return Section(f"functions-{ours.q:g}", f"Functions at {at}", blocks, f"At {at}")


def _explained(ours: Ensemble) -> str:
    if not ours.of_partons:
        return "The functions where the data are, and the standard deviation over replicas."
    what = "evolved from Q₀" if not ours.at_q0 else "as fitted"
    return (
        f"x f(x, {ours.scale}) at {ours.scale} = {ours.q:g} GeV, {what}, on a logarithmic and on a "
        "linear axis, and the standard deviation over replicas. The functions have no unit."
    )


def _parts(one: Ensemble) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    return one.x, one.flavours, one.values


def _legend_with(reference: Ensemble) -> Legend:
    words = f"reference: mean and 68 % of {reference.name}"
    return Legend((*LEGEND.entries, ("reference", words)))


def _rows(
    ours: Ensemble, functions: Functions, reference: Functions | None, symbols: Sequence[str] = ()
) -> list[Figures]:
    """One row of figures for each function, or for each of ``symbols``."""
    rows = []
    arguments = f"(x, {ours.scale})" if ours.of_partons else "(x)"
    for symbol in symbols or functions.symbols:
        name, values = functions.prefix + symbol, functions.of(symbol)
        shown = Shown(name, arguments, functions.x, values, ours.ranges)
        known = reference is not None and symbol in reference.symbols
        theirs = reference.of(symbol) if reference is not None and known else None
        figures = _figures(shown, theirs)
        layout = "three" if len(figures) % 3 == 0 else "two"
        rows.append(Figures(figures, name, layout))
    return rows


def _figures(ours: Shown, theirs: np.ndarray | None) -> list[Figure]:
    figures = [*(_curves(ours, theirs, over) for over in ours.ranges), _deviation(ours)]
    return figures if theirs is None else [*figures, _ratio(ours, theirs)]


def _curves(ours: Shown, theirs: np.ndarray | None, over: Range) -> Figure:
    at, few = over.places(ours.x, FINE), over.places(ours.x)
    x, values = ours.x[at], ours.values[:, at]
    low, high = np.percentile(values, [16, 84], axis=0)
    with drawing(f"{ours.name}{ours.arguments}, {over.name}") as made:
        ax = made.ax
        ax.axhline(0, color=INK, linewidth=0.6)
        replicas = ours.values[:SHOWN_REPLICAS, few]
        ax.plot(*joined(ours.x[few], replicas), color=REPLICA, linewidth=0.5, alpha=0.7)
        ax.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=0)
        ax.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.8)
        ends = [limits(values)]
        if theirs is not None:
            _outline(ax, x, theirs[:, at])
            ends.append(limits(np.percentile(theirs[:, at], [16, 84], axis=0), percentile=0))
        ax.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
        over.apply(ax)
    return made.done()


def _outline(ax: Axes, x: np.ndarray, values: np.ndarray) -> None:
    """A reference: dashed mean between thin lines."""
    low, high = np.percentile(values, [16, 84], axis=0)
    ax.plot(x, values.mean(axis=0), color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
    ax.plot(*joined(x, np.stack([low, high])), color=VERMILLION, linewidth=0.8)


def _deviation(ours: Shown) -> Figure:
    over = ours.ranges[0]
    at = over.places(ours.x, FINE)
    deviation = ours.values[:, at].std(axis=0, ddof=min(1, len(ours.values) - 1))
    with drawing(f"Standard deviation of {ours.name}") as made:
        ax = made.ax
        ax.fill_between(ours.x[at], 0, deviation, color=GREEN, alpha=0.18, linewidth=0)
        ax.plot(ours.x[at], deviation, color=GREEN, linewidth=1.8)
        ax.set_ylim(0, 1.12 * float(deviation.max()) or 1)
        over.apply(ax)
    return made.done()


def _ratio(ours: Shown, theirs: np.ndarray) -> Figure:
    over = ours.ranges[0]
    at = over.places(ours.x, FINE)
    at = at[ours.x[at] < 0.9 * over.high]
    x, safe = ours.x[at], divisor(theirs[:, at].mean(axis=0))
    values, own = ours.values[:, at] / safe, theirs[:, at] / safe
    low, high = np.percentile(values, [16, 84], axis=0)
    with drawing(f"{ours.name}, ratio to the mean of the reference") as made:
        ax = made.ax
        ax.axhline(1, color=INK, linewidth=0.6)
        ax.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=0)
        ax.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.8)
        _outline(ax, x, own)
        edges = np.concatenate([low, high, *np.percentile(own, [16, 84], axis=0)])
        ax.set_ylim(*ratio_limits(edges))
        over.apply(ax)
    return made.done()


def divisor(mean: np.ndarray) -> np.ndarray:
    """``mean`` (n,), not a number where it is next to zero."""
    return np.where(np.abs(mean) > 1e-3 * np.abs(mean).max(), mean, np.nan)


def ratio_limits(edges: np.ndarray) -> tuple[float, float]:
    """A range that shows most of ``edges`` of bands, and never too much."""
    low, high = np.nanpercentile(edges, [4, 96]) if np.isfinite(edges).any() else (1.0, 1.0)
    return max(low - 0.1, -1.0), min(high + 0.1, 3.0)
