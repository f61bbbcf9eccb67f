"""Draws gluon, singlet, valence and sea quarks of a fit beside a known function.

    python docs/plot_comparison.py FIT_DIR KNOWN LABEL OUTPUT.png

KNOWN is an LHAPDF set or member, a function.npz or another fit, at the scale of the fit.
Needs matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import replicafit
from replicafit.data.known_functions import known_function, on_flavours
from replicafit.plugins import load_registry

BLUE, ORANGE, INK, GREY = "#0072B2", "#D55E00", "#1a1a1a", "#8a8a8a"
LOWEST_X = 1e-4
STYLE = {
    "font.size": 11,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
NEEDED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


def curves(flavours: tuple[str, ...], values: np.ndarray) -> dict[str, np.ndarray]:
    """The eight functions, each (r, n), from the evolution basis (r, n, f)."""
    sigma, g, v, v3, v8, t3, t8, t15 = (values[..., flavours.index(name)] for name in NEEDED)
    charm = (sigma - t15) / 4
    strange = (sigma - charm - t8) / 3
    up, down = ((sigma - charm - strange + sign * t3) / 2 for sign in (1, -1))
    up_valence, down_valence = ((2 * v + sign * 3 * v3 + v8) / 6 for sign in (1, -1))
    return {
        "gluon  $xg$": g,
        r"singlet  $x\Sigma$": sigma,
        "up valence  $xu_v$": up_valence,
        "down valence  $xd_v$": down_valence,
        r"anti-up  $x\bar{u}$": (up - up_valence) / 2,
        r"anti-down  $x\bar{d}$": (down - down_valence) / 2,
        r"strange  $x(s + \bar{s})$": strange,
        r"charm  $x(c + \bar{c})$": charm,
    }


def distances(fit: replicafit.Fit, known: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """Of each function the replicas (r, n), and what is known (n,), and x (n,)."""
    shown = (fit.x >= LOWEST_X) & (fit.x < 0.95)
    x, registry = fit.x[shown], load_registry()
    function = known_function(str(known), Path(), fit.attributes, registry)
    theirs = curves(NEEDED, on_flavours(function, x, NEEDED, registry)[None])
    ours = curves(fit.flavours, fit.values[:, shown])
    return {name: (x, ours[name], theirs[name][0]) for name in ours}


def draw(fit: replicafit.Fit, known: Path, label: str) -> plt.Figure:
    """One panel for each function, and for each its distance in the spread of the replicas."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            4, 4, figsize=(14, 10), layout="constrained", sharex=True, height_ratios=(2.2, 1) * 2
        )
        columns = [axes[row : row + 2, i] for row in (0, 2) for i in range(4)]
        for column, (name, panel) in zip(columns, distances(fit, known).items(), strict=True):
            _panel(column, name, *panel)
        axes[0, 2].legend(handles=_handles(label), frameon=False, fontsize=10, loc="upper left")
        for row in (1, 3):
            axes[row, 0].set_ylabel("distance\nin sigma")
        figure.suptitle(
            f"$x f(x, q_0)$ at $q_0 = {fit.q0:.2f}$ GeV: mean and one standard deviation of "
            f"{len(fit)} replicas, beside {label}",
            x=0.005,
            ha="left",
            color=INK,
        )
    return figure


def _panel(
    column: np.ndarray, name: str, x: np.ndarray, replicas: np.ndarray, known: np.ndarray
) -> None:
    above, below = column
    mean, spread = replicas.mean(axis=0), replicas.std(axis=0, ddof=1)
    above.fill_between(x, mean - spread, mean + spread, color=BLUE, alpha=0.28, linewidth=0)
    above.plot(x, mean, color=BLUE, linewidth=1.8)
    above.plot(x, known, color=ORANGE, linewidth=1.6, linestyle=(0, (4, 2)))
    above.set_title(name, loc="left", fontsize=12, color=INK)
    above.set_xscale("log")
    above.set_xlim(LOWEST_X, 1)
    low, high = np.percentile(np.concatenate([mean - spread, mean + spread, known]), [1, 99])
    above.set_ylim(min(0, 1.1 * low), 1.15 * high)
    below.axhspan(-1, 1, color=BLUE, alpha=0.18, linewidth=0)
    below.axhline(0, color=GREY, linewidth=0.8)
    below.plot(x, (known - mean) / spread, color=ORANGE, linewidth=1.4)
    below.set_ylim(-4, 4)
    below.set_xlabel("$x$")


def _handles(label: str) -> list[plt.Line2D]:
    return [
        plt.Line2D([], [], color=BLUE, linewidth=1.8, label="replicafit"),
        plt.Line2D([], [], color=ORANGE, linewidth=1.6, linestyle=(0, (4, 2)), label=label),
    ]


def command(draw: Callable[[replicafit.Fit, Path, str], plt.Figure], what: str) -> None:
    """The command that says ``what`` it draws of a fit and a known function."""
    parser = argparse.ArgumentParser(description=what.splitlines()[0])
    parser.add_argument("fit", type=Path, metavar="FIT_DIR")
    parser.add_argument("known", type=Path, metavar="KNOWN")
    parser.add_argument("label")
    parser.add_argument("output", type=Path, metavar="OUTPUT.png")
    given = parser.parse_args()
    fit = replicafit.load_fit(given.fit)
    draw(fit, given.known, given.label).savefig(given.output, dpi=110)


if __name__ == "__main__":
    command(draw, __doc__)
