"""The picture a report opens with: the functions that people know best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from replicafit_report.drawing import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    drawing,
    few_ticks,
)
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import Functions, as_fitted, as_partons, distinct
from replicafit_report.ranges import LOGARITHMIC
from replicafit_report.section import Figure

LOWEST = 1e-4


@dataclass(frozen=True)
class _Curve:
    """A function; its label stands at x = ``at``."""

    label: str
    values: np.ndarray
    colour: str
    at: float
    above: bool


def opening(ours: Ensemble, narrow: bool) -> Figure:
    """The functions people know best, in one picture, for a narrow or a broad screen."""
    partons = as_partons(ours.x, ours.flavours, ours.values)
    curves = _first_few(ours) if partons is None else _known(partons)
    over = replace(LOGARITHMIC, low=LOWEST) if ours.of_partons else ours.ranges[0]
    at = over.places(ours.x, 150)
    x, edges = ours.x[at], []
    way = np.log if over.log else np.asarray
    width, height = (360.0, 300.0) if narrow else (900.0, 400.0)
    with drawing(_title(ours, narrow), width=width, height=height, left=34) as made:
        ax = made.ax
        for curve in curves:
            low, high = np.percentile(curve.values[:, at], [16, 84], axis=0)
            ax.fill_between(x, low, high, color=curve.colour, alpha=0.28, linewidth=0)
            ax.plot(x, curve.values[:, at].mean(axis=0), color=curve.colour, linewidth=2)
            edge = high if curve.above else low
            ax.annotate(
                curve.label,
                (curve.at, float(np.interp(way(curve.at), way(x), edge))),
                xytext=(0, 6 if curve.above else -6),
                textcoords="offset points",
                ha="center",
                va="bottom" if curve.above else "top",
                color=curve.colour,
                fontsize=11 if narrow else 14,
            )
            shown = x > 10 * LOWEST if over.log else slice(None)
            edges += [low[shown], high[shown]]
        ax.axhline(0, color=INK, linewidth=0.6)
        bottom, top = min(map(np.min, edges)), max(map(np.max, edges))
        room = 0.12 * (top - min(bottom, 0.0))
        ax.set_ylim(bottom - room / 2 if bottom < 0 else 0.0, top + room)
        over.apply(ax)
        few_ticks(ax, y=5)
    return Figure(made.svg, screen="narrow" if narrow else "broad")


def _title(ours: Ensemble, narrow: bool) -> str:
    what = f"x f(x, Q₀) at Q₀ = {ours.q:g} GeV" if ours.of_partons else "f(x)"
    return f"{what}, mean and 68 %" if narrow else f"{what}: mean and 68 % of {len(ours)} replicas"


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


def _first_few(ours: Ensemble) -> Sequence[_Curve]:
    functions = distinct(as_fitted(ours.x, ours.flavours, ours.values))
    over = replace(LOGARITHMIC, low=LOWEST) if ours.of_partons else ours.ranges[0]
    ends = np.log([over.low, over.high]) if over.log else np.array([over.low, over.high])
    spots = ends[0] + np.array([0.15, 0.4, 0.65, 0.85, 0.3, 0.5]) * np.ptp(ends)
    few = zip(functions.symbols, CYCLE, np.exp(spots) if over.log else spots, strict=False)
    return [
        _Curve(functions.prefix + s, functions.of(s), colour, float(at), True)
        for s, colour, at in few
    ]
