"""How far apart two sets of replicas are, in units of what chance explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit_report.drawing import BLUE, INK, MUTED, ORANGE, drawing
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import Functions
from replicafit_report.ranges import Range
from replicafit_report.section import Block, Figure, Figures, Legend, Section, Text
from replicafit_report.statistics import mean_distance, variance_distance

FEWEST_REPLICAS = 3
EXPLAINED = (
    "The difference of the means, and of the variances, of two sets of replicas, in units of its "
    "standard deviation for so many replicas (arXiv:1410.8849). About 1 (dashed) means that both "
    "could come from one distribution; with 100 replicas each, 10 is a difference of one sigma, "
    "the uncertainties of both fits added in quadrature."
)
LEGEND = Legend((("mean", "distance of the means"), ("spread", "distance of the variances")))


def distance_section(
    ensemble: Ensemble, functions: Sequence[Functions], names: Sequence[str]
) -> Section:
    """Of all others from the first, at the scale of ``ensemble``."""
    title = "Distances"
    if ensemble.of_partons:
        title += f" at {ensemble.q:g}\u00a0GeV"
    if min(len(one.values) for one in functions) < FEWEST_REPLICAS:
        text = Text(f"Distances need at least {FEWEST_REPLICAS} replicas on each side.")
        return Section("distances", title, [text])
    first, *others = functions
    blocks: list[Block] = [Text(EXPLAINED), LEGEND]
    for other, name in zip(others, names[1:], strict=True):
        heading = f"{name} against {names[0]}"
        blocks.append(Figures(_figures(first, other, ensemble.ranges[0]), heading))
    return Section("distances", title, blocks)


def _figures(first: Functions, other: Functions, over: Range) -> list[Figure]:
    """One for each function, all on one scale."""
    at = over.places(first.x)
    at = at[first.x[at] < 0.95 * over.high]
    ours, theirs = first.values[:, at], other.values[:, at]
    means, variances = mean_distance(ours, theirs), variance_distance(ours, theirs)
    top = max(3.0, 1.15 * float(max(means.max(), variances.max())))
    one_sigma = np.sqrt(2 / (1 / len(ours) + 1 / len(theirs)))
    figures = []
    for symbol, mean, variance in zip(first.symbols, means.T, variances.T, strict=True):
        with drawing(f"Distance of {first.prefix}{symbol}", height=190) as made:
            ax = made.ax
            ax.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
            ax.plot(first.x[at], variance, color=ORANGE, linewidth=1.5)
            ax.plot(first.x[at], mean, color=BLUE, linewidth=1.8)
            if one_sigma < top:
                ax.axhline(one_sigma, color=MUTED, linewidth=0.8)
                place = (over.low, one_sigma)
                ax.annotate(" one sigma", place, va="bottom", color=MUTED, fontsize=9)
            ax.set_ylim(0, top)
            over.apply(ax)
        figures.append(made.done())
    return figures
