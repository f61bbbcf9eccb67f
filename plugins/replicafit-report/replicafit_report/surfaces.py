"""Functions of several inputs: maps of two, and slices along each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from replicafit.plugin import Input
from replicafit_report.functions import COLORS
from replicafit_report.pictures import band, drawing, few_ticks, label_x, log_axis
from replicafit_report.ranges import around
from replicafit_report.section import Block, Figure, Figures, Section, Text
from replicafit_report.sides import SectionContext
from replicafit_report.views import Functions

LEVELS = 12
"""Shades of a map."""


def surface_section(context: SectionContext) -> Section:
    """The functions of every side of ``context`` that depends on the inputs of the first."""
    first = context.functions[0]
    same = [one for one in context.functions if np.array_equal(one.x, first.x)]
    left_out = len(context.functions) - len(same)
    first, *_ = same = [where_data_are(one, context) for one in same]
    blocks: list[Block] = [Text(_words(first.inputs, left_out))]
    for name in first.names:
        shown = [one for one in same if name in one.names]
        figures = [_slice(shown, name, place) for place in range(len(first.inputs))]
        if len(first.inputs) == 2:
            values = first.of(name)
            mean, sigma = values.mean(axis=0), values.std(axis=0, ddof=min(1, len(values) - 1))
            maps = [_map(first, f"{name}, mean", mean), _map(first, f"{name}, sigma", sigma)]
            figures = [*maps, *figures]
        blocks.append(Figures(figures, name, layout="two"))
    return Section("functions", "Functions", blocks)


def where_data_are(functions: Functions, context: SectionContext) -> Functions:
    """``functions`` without points far from all data: of (0, 1] these may be nine decades."""
    predictions = context.fit.predictions if context.fit else None
    data = {} if predictions is None else predictions.data
    kept, inputs = np.ones(len(functions.x), dtype=bool), list(functions.inputs)
    for place, (one, column) in enumerate(zip(inputs, functions.x.T, strict=True)):
        known = data.get(f"kinematics_{one.name}", np.empty(0))
        known = known[np.isfinite(known)]
        if one.is_unit and len(known):
            axis = np.unique(column)
            shown = around(axis, (float(known.min()), float(known.max())), one.name)[-1]
            low = axis[max(0, int(np.searchsorted(axis, shown.low, side="right")) - 1)]
            high = axis[min(len(axis) - 1, int(np.searchsorted(axis, shown.high)))]
            if low < high:
                kept &= (column >= low) & (column <= high)
                inputs[place] = replace(one, low=float(low), high=float(high), log=shown.log)
    return replace(
        functions, x=functions.x[kept], values=functions.values[:, kept], inputs=tuple(inputs)
    )


def _words(inputs: Sequence[Input], left_out: int) -> str:
    middle = ", ".join(f"{one.name} = {one.middle:.3g}" for one in inputs)
    text = f"Slices along each input show mean and central 68 %; the others are near {middle}."
    if len(inputs) == 2:
        text = f"Maps show the mean of the replicas that count and their standard deviation. {text}"
    return f"{text} Sides on another grid are left out." if left_out else text


def _axes(functions: Functions) -> list[np.ndarray]:
    return [np.unique(column) for column in functions.x.T]


def _map(functions: Functions, title: str, values: np.ndarray) -> Figure:
    """``values`` (n,) over two inputs."""
    first, second = _axes(functions)
    with drawing(title, height=260.0, left=56.0) as made:
        ax = made.ax
        table = values.reshape(len(first), len(second)).T
        shades = ax.contourf(first, second, table, levels=LEVELS, cmap="viridis")
        bar = ax.figure.colorbar(shades, ax=ax, pad=0.02)
        bar.ax.tick_params(labelsize=10)
        _scale(made.ax, functions.inputs[0], "x")
        _scale(made.ax, functions.inputs[1], "y")
        label_x(ax, functions.inputs[0].name)
        ax.set_ylabel(functions.inputs[1].name)
    return made.done()


def _slice(each: Sequence[Functions], name: str, place: int) -> Figure:
    """Along the input at ``place``, with all others near the middle of their ranges."""
    first, axes = each[0], _axes(each[0])
    one, x = first.inputs[place], axes[place]
    index: list[int | slice] = [
        int(np.abs(axis - other.middle).argmin())
        for axis, other in zip(axes, first.inputs, strict=True)
    ]
    index[place] = slice(None)
    with drawing(f"{name} along {one.name}", left=56.0) as made:
        ax = made.ax
        for functions, color in zip(each, COLORS, strict=False):
            values = functions.of(name).reshape(len(functions), *map(len, axes))
            band(ax, x, values[(slice(None), *index)], color)
        ax.set_xlim(x[0], x[-1])
        _scale(ax, one, "x")
        label_x(ax, one.name)
    return made.done()


def _scale(ax: Axes, one: Input, which: Literal["x", "y"]) -> None:
    if one.log:
        log_axis(ax, which, *(ax.get_xlim() if which == "x" else ax.get_ylim()))
    elif which == "x":
        few_ticks(ax, x=4, y=None)
    else:
        few_ticks(ax)
