"""The fitted functions: replicas, mean, band, standard deviation, ratio to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from replicafit.loading import Fit
from replicafit.report.drawing import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    REPLICA,
    VERMILLION,
    drawing,
    few_ticks,
    joined,
    label_x,
    log_x,
)
from replicafit.report.flavours import Functions, as_fitted, as_partons, distinct
from replicafit.report.section import Block, Figure, Figures, Legend, More, Section, Text
from replicafit.report.statistics import limits

LOW_X, HIGH_X = 1e-5, 1.0
LOW_LINEAR_X = 0.01
CURVE_POINTS = 64
SHOWN_REPLICAS = 100
LEGEND = Legend(
    (("replica", "each replica"), ("mean", "mean"), ("band", "central 68 % of the replicas"))
)


@dataclass(frozen=True)
class Shown:
    """One function as it is drawn: values (r, n) at x (n,)."""

    symbol: str
    x: np.ndarray
    values: np.ndarray


def function_section(fit: Fit, reference: Fit | None) -> Section:
    """All functions at q0."""
    fitted = distinct(as_fitted(fit.x, fit.flavours, fit.values))
    partons = as_partons(fit.x, fit.flavours, fit.values)
    theirs = None if reference is None else _on_grid_of(fit, reference)
    blocks: list[Block] = [
        Text(
            f"x f(x, Q₀) at Q₀ = {fit.q0:g} GeV, on a logarithmic and on a linear axis, and the "
            "standard deviation over replicas. The functions have no unit."
        ),
        LEGEND if reference is None else _legend_with(reference),
    ]
    if partons is None:
        blocks += _rows(fitted, theirs and as_fitted(*theirs))
        return Section("functions", "Fitted functions", blocks, "Functions")
    blocks += _rows(partons, theirs and as_partons(*theirs))
    known = [s for s in fitted.symbols if s not in partons.symbols]
    basis = _rows(fitted, theirs and as_fitted(*theirs), known)
    summary = "The flavours of the evolution basis, as the tables use them"
    return Section("functions", "Fitted functions", [*blocks, More(summary, basis)], "Functions")


def _legend_with(reference: Fit) -> Legend:
    name = reference.folder.resolve().name
    return Legend((*LEGEND.entries, ("reference", f"reference: mean and 68 % of {name}")))


def _on_grid_of(fit: Fit, reference: Fit) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    return fit.x, reference.flavours, at_x(reference, fit.x)


def at_x(fit: Fit, x: np.ndarray) -> np.ndarray:
    """The functions of ``fit`` on the grid of another, (r, n, f)."""
    return fit.values if np.array_equal(fit.x, x) else fit.interpolate(np.maximum(x, fit.x[0]))


def _rows(
    functions: Functions, reference: Functions | None, symbols: Sequence[str] = ()
) -> list[Figures]:
    """One row of figures for each function, or for each of ``symbols``."""
    rows = []
    for symbol in symbols or functions.symbols:
        ours = Shown(symbol, functions.x, functions.of(symbol))
        known = reference is not None and symbol in reference.symbols
        theirs = reference.of(symbol) if reference is not None and known else None
        layout = "three" if theirs is None else "two"
        rows.append(Figures(_figures(ours, theirs), f"x {symbol}", layout))
    return rows


def _figures(ours: Shown, theirs: np.ndarray | None) -> list[Figure]:
    figures = [_curves(ours, theirs, log=True), _curves(ours, theirs, log=False), _deviation(ours)]
    return figures if theirs is None else [*figures, _ratio(ours, theirs)]


def places(x: np.ndarray, log: bool, count: int = CURVE_POINTS) -> np.ndarray:
    """Indices of grid points that lie evenly on the axis shown."""
    wanted = np.geomspace(LOW_X, HIGH_X, count) if log else np.linspace(LOW_LINEAR_X, HIGH_X, count)
    scale = np.log if log else np.asarray
    distance = np.abs(scale(x)[:, None] - scale(wanted)[None, :])
    return np.unique(distance.argmin(axis=0))


def _axis(ax: Axes, log: bool) -> None:
    if log:
        log_x(ax, LOW_X, HIGH_X)
    else:
        ax.set_xlim(0, HIGH_X)
    label_x(ax, "x")
    few_ticks(ax)


def _curves(ours: Shown, theirs: np.ndarray | None, log: bool) -> Figure:
    at = places(ours.x, log)
    x, values = ours.x[at], ours.values[:, at]
    low, high = np.percentile(values, [16, 84], axis=0)
    with drawing(f"x {ours.symbol}(x, Q₀), {'logarithmic' if log else 'linear'} x") as made:
        ax = made.ax
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.plot(*joined(x, values[:SHOWN_REPLICAS]), color=REPLICA, linewidth=0.5, alpha=0.7)
        ax.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=0)
        ax.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.8)
        if theirs is not None:
            _outline(ax, x, theirs[:, at])
        ax.set_ylim(*limits(values))
        _axis(ax, log)
    return made.done()


def _outline(ax: Axes, x: np.ndarray, values: np.ndarray) -> None:
    """A reference: dashed mean between thin lines."""
    low, high = np.percentile(values, [16, 84], axis=0)
    ax.plot(x, values.mean(axis=0), color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
    ax.plot(*joined(x, np.stack([low, high])), color=VERMILLION, linewidth=0.8)


def _deviation(ours: Shown) -> Figure:
    at = places(ours.x, log=True)
    deviation = ours.values[:, at].std(axis=0, ddof=min(1, len(ours.values) - 1))
    with drawing(f"Standard deviation of x {ours.symbol}") as made:
        ax = made.ax
        ax.fill_between(ours.x[at], 0, deviation, color=GREEN, alpha=0.18, linewidth=0)
        ax.plot(ours.x[at], deviation, color=GREEN, linewidth=1.8)
        ax.set_ylim(0, 1.12 * float(deviation.max()) or 1)
        _axis(ax, log=True)
    return made.done()


def _ratio(ours: Shown, theirs: np.ndarray) -> Figure:
    at = places(ours.x, log=True)
    at = at[ours.x[at] < 0.9]
    x, reference = ours.x[at], theirs[:, at].mean(axis=0)
    size = np.abs(reference).max()
    safe = np.where(np.abs(reference) > 1e-3 * size, reference, np.nan)
    values, own = ours.values[:, at] / safe, theirs[:, at] / safe
    low, high = np.percentile(values, [16, 84], axis=0)
    with drawing(f"x {ours.symbol}, ratio to the mean of the reference") as made:
        ax = made.ax
        ax.axhline(1, color=INK, linewidth=0.6)
        ax.fill_between(x, low, high, color=BLUE, alpha=0.3, linewidth=0)
        ax.plot(x, values.mean(axis=0), color=BLUE, linewidth=1.8)
        _outline(ax, x, own)
        edges = np.concatenate([low, high, *np.percentile(own, [16, 84], axis=0)])
        bottom, top = np.nanpercentile(edges, [3, 97])
        ax.set_ylim(max(bottom - 0.1, -1), min(top + 0.1, 3))
        _axis(ax, log=True)
    return made.done()


@dataclass(frozen=True)
class _Curve:
    """A function in the opening picture; its label stands at x = ``at``."""

    label: str
    values: np.ndarray
    colour: str
    at: float
    above: bool


def opening(fit: Fit, narrow: bool) -> Figure:
    """The functions people know best, in one picture, for a narrow or a broad screen."""
    partons = as_partons(fit.x, fit.flavours, fit.values)
    curves = _first_few(fit) if partons is None else _known(partons)
    at = places(fit.x, log=True, count=110)
    at = at[fit.x[at] >= 0.85e-4]
    x, tops = fit.x[at], []
    title = f"x f(x, Q₀) at Q₀ = {fit.q0:g} GeV: mean and 68 % of {len(fit)} replicas"
    if narrow:
        title = f"x f(x, Q₀) at Q₀ = {fit.q0:g} GeV, mean and 68 %"
    width, height = (360.0, 300.0) if narrow else (900.0, 400.0)
    with drawing(title, width=width, height=height, left=34) as made:
        ax = made.ax
        for curve in curves:
            low, high = np.percentile(curve.values[:, at], [16, 84], axis=0)
            ax.fill_between(x, low, high, color=curve.colour, alpha=0.28, linewidth=0)
            ax.plot(x, curve.values[:, at].mean(axis=0), color=curve.colour, linewidth=2)
            edge = high if curve.above else low
            ax.annotate(
                curve.label,
                (curve.at, float(np.interp(np.log(curve.at), np.log(x), edge))),
                xytext=(0, 6 if curve.above else -6),
                textcoords="offset points",
                ha="center",
                va="bottom" if curve.above else "top",
                color=curve.colour,
                fontsize=11 if narrow else 14,
            )
            tops.append(float(high[x > 1e-3].max()))
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.18 * max(tops))
        log_x(ax, 1e-4, 1)
        label_x(ax, "x")
        few_ticks(ax, y=5)
    return Figure(made.svg, screen="narrow" if narrow else "broad")


def _known(partons: Functions) -> Sequence[_Curve]:
    sea = (partons.of("ū") + partons.of("d̄")) / 2
    curves = [
        _Curve("x u valence", partons.of("u") - partons.of("ū"), BLUE, 0.22, True),
        _Curve("x d valence", partons.of("d") - partons.of("d̄"), GREEN, 0.2, True),
        _Curve("x (ū + d̄) / 2", sea, PURPLE, 6e-4, False),
        _Curve("x s", partons.of("s"), ORANGE, 2.5e-3, False),
    ]
    if "g" in partons.symbols:
        curves.append(_Curve("x g / 10", partons.of("g") / 10, VERMILLION, 0.012, True))
    return curves


def _first_few(fit: Fit) -> Sequence[_Curve]:
    functions = distinct(as_fitted(fit.x, fit.flavours, fit.values))
    spots = (3e-4, 3e-3, 0.03, 0.2, 0.5, 1e-3)
    few = list(zip(functions.symbols, CYCLE, spots, strict=False))
    return [_Curve(f"x {s}", functions.of(s), colour, at, True) for s, colour, at in few]
