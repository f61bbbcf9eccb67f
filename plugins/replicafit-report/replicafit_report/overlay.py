"""Functions of several fits or LHAPDF sets in one figure each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from replicafit_report.drawing import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    VERMILLION,
    drawing,
    joined,
)
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import Functions
from replicafit_report.functions import FINE, divisor, ratio_limits
from replicafit_report.ranges import Range
from replicafit_report.section import Block, Figure, Figures, Legend, Section, Text
from replicafit_report.statistics import limits

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE)
SWATCHES = ("mean", "second", "third", "fourth")


def overlay_section(
    first: Ensemble, functions: Sequence[Functions], names: Sequence[str]
) -> Section:
    """Every function that all have, at the scale of ``first``."""
    rows: list[Block] = [
        Figures(
            [
                *(_bands(functions, symbol, over, first) for over in first.ranges),
                _ratio(functions, symbol, names[0], first.ranges[0]),
            ],
            heading=functions[0].prefix + symbol,
            layout="three" if len(first.ranges) == 2 else "two",
        )
        for symbol in functions[0].symbols
    ]
    what = f"x f(x, Q) at Q = {first.q:g} GeV" if first.of_partons else "The functions"
    text = Text(f"{what}, and the ratio to the mean of {names[0]}.")
    marks = zip(SWATCHES, names, strict=False)
    legend = Legend(tuple((mark, f"{name}: mean and 68 %") for mark, name in marks))
    at = f"at {first.q:g}\u00a0GeV"
    title = f"Functions {at}" if first.of_partons else "Functions"
    return Section("functions", title, [text, legend, *rows], title)


def _bands(functions: Sequence[Functions], symbol: str, over: Range, first: Ensemble) -> Figure:
    at = over.places(functions[0].x, FINE)
    x = functions[0].x[at]
    arguments = "(x, Q)" if first.of_partons else "(x)"
    with drawing(f"{functions[0].prefix}{symbol}{arguments}, {over.name}") as made:
        ax, edges = made.ax, []
        ax.axhline(0, color=INK, linewidth=0.6)
        for one, colour in zip(functions, COLOURS, strict=False):
            edges.append(_band(ax, x, one.of(symbol)[:, at], colour))
        ax.set_ylim(*limits(np.concatenate(edges), percentile=0))
        over.apply(ax)
    return made.done()


def _band(ax: Axes, x: np.ndarray, values: np.ndarray, colour: str) -> np.ndarray:
    """Draws mean and 68 %; returns their edges, (2, n)."""
    edges = np.percentile(values, [16, 84], axis=0)
    ax.fill_between(x, *edges, color=colour, alpha=0.2, linewidth=0)
    ax.plot(*joined(x, edges), color=colour, linewidth=0.5)
    ax.plot(x, values.mean(axis=0), color=colour, linewidth=1.7)
    return np.asarray(edges)


def _ratio(functions: Sequence[Functions], symbol: str, name: str, over: Range) -> Figure:
    at = over.places(functions[0].x, FINE)
    at = at[functions[0].x[at] < 0.9 * over.high]
    x, safe = functions[0].x[at], divisor(functions[0].of(symbol)[:, at].mean(axis=0))
    with drawing(f"{functions[0].prefix}{symbol}, ratio to {name}") as made:
        ax = made.ax
        edges = [
            _band(ax, x, one.of(symbol)[:, at] / safe, colour)
            for one, colour in zip(functions, COLOURS, strict=False)
        ]
        ax.set_ylim(*ratio_limits(np.concatenate(edges)))
        over.apply(ax)
    return made.done()
