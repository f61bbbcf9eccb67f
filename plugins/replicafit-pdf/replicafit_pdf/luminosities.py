"""Parton luminosities in reports: what colliders make of a fit, at the mass that they make.

L_ij(M) = 1/M^2 int_tau^1 dx/x  F_i(x, M) F_j(tau/x, M) with F = x f and tau = M^2 / s, in GeV^-2
(arXiv:2109.02653, section 9, without the cut in rapidity); s is that of the LHC.
"""

from __future__ import annotations

import numpy as np
from replicafit_report import (
    BLUE,
    INK,
    Figure,
    Figures,
    Range,
    Row,
    Section,
    SectionContext,
    Table,
    Text,
    band,
    drawing,
    label_x,
)
from scipy.integrate import trapezoid
from scipy.interpolate import CubicSpline

from replicafit.plugin import Evolution, ReplicafitError, StartingFunctions
from replicafit_pdf.evolution_basis import DGLAP, GLUON, PARTONS, partons_from

ENERGY = 13_000.0
"""Of both protons together, in GeV."""
MASSES = np.geomspace(20.0, 6000.0, 16)
"""GeV."""
POINTS = 300
"""Of the integral, even in ln x."""
CHANNELS = ("g g", "g q", "q q̄")
PICOBARN = 0.3893793721e9
"""Times GeV^-2."""


def luminosities(context: SectionContext) -> Section | None:
    """Those of the fit of a report with their bands, if its functions can be evolved."""
    fit = context.fit
    evolutions = [e for e in context.registry.all(Evolution) if e.name == DGLAP]
    if context.compares or fit is None or not evolutions:
        return None
    sound = fit.sound
    start = StartingFunctions(fit.card, sound.flavours, fit.attributes, sound.x, sound.values)
    try:
        evolved = evolutions[0].call(
            "evolve", start, tuple(MASSES), when="when it evolved functions to luminosities"
        )
        partons = evolved @ partons_from(evolutions[0].flavours)
    except ReplicafitError:  # the section of functions at 100 GeV says why
        return None
    found = np.stack(
        [luminosity(sound.x, at, mass) for at, mass in zip(partons, MASSES, strict=True)], axis=-1
    )
    text = (
        f"Of two protons at {ENERGY / 1000:g} TeV, with all functions at Q = M: two gluons; a "
        "gluon and any quark or antiquark, and a quark and its antiquark, in both orders. Mean "
        "and 68 % of the replicas that count."
    )
    figures = [_ratio(name, values) for name, values in zip(CHANNELS, found, strict=True)]
    return Section(
        "luminosities",
        f"Luminosities at {ENERGY / 1000:g} TeV",
        [Text(text), Figures(figures), _table(found)],
        "Luminosities",
    )


def luminosity(x: np.ndarray, partons: np.ndarray, mass: float) -> np.ndarray:
    """The luminosities of ``CHANNELS`` (c, r) in GeV^-2.

    Args:
        x: ascending to 1, (n,).
        partons: x f(x, Q = mass) of ``PARTONS``, (r, n, k).
        mass: GeV.
    """
    t = np.linspace(np.log(mass**2 / ENERGY**2), 0.0, POINTS)  # tau / x is the grid, reversed
    first = np.moveaxis(CubicSpline(np.log(x), partons, axis=1)(t), -1, 0)
    second = first[:, :, ::-1]
    gluon, quarks = PARTONS.index(GLUON), [i for i, k in enumerate(PARTONS) if k != GLUON]
    other = [PARTONS.index(-PARTONS[i]) for i in quarks]
    products = np.stack(
        [
            first[gluon] * second[gluon],
            first[gluon] * second[quarks].sum(0) + second[gluon] * first[quarks].sum(0),
            (first[quarks] * second[other]).sum(0),
        ]
    )
    result: np.ndarray = trapezoid(products, t, axis=-1) / mass**2
    return result


def _ratio(name: str, values: np.ndarray) -> Figure:
    """Values (r, m) over their mean."""
    with drawing(f"Luminosity {name}, ratio to its mean") as made:
        made.ax.axhline(1, color=INK, linewidth=0.6)
        mean = values.mean(axis=0)
        edges = band(made.ax, MASSES, values / np.where(mean == 0, 1.0, mean), BLUE)
        low, high = np.percentile(edges, [15, 85])  # it is widest at the ends
        room = max(0.2 * (high - low), 0.002)
        made.ax.set_ylim(low - room, high + room)
        Range(log=True, low=float(MASSES[0]), high=float(MASSES[-1])).apply(made.ax)
        label_x(made.ax, "M [GeV]")
    return made.done()


def _table(found: np.ndarray) -> Table:
    """Mean and deviation in pb of luminosities (c, r, m), of every third mass."""
    rows = []
    for i in range(0, len(MASSES), 3):
        cells = [f"{MASSES[i]:.0f} GeV"]
        for values in PICOBARN * found[..., i]:
            mean = values.mean()
            known = len(values) > 1 and mean != 0  # one replica has no deviation
            part = f" ± {100 * values.std(ddof=1) / mean:.1f} %" if known else ""
            cells.append(f"{mean:.4g}{part}")
        rows.append(Row(cells))
    headings = ["M", *(f"{name} [pb]" for name in CHANNELS)]
    return Table(headings, rows, name="luminosities")
