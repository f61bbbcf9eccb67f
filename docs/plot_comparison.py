"""Draws gluon, singlet, valence and strange quarks of a fit beside a known function.

    python docs/plot_comparison.py FIT_DIR KNOWN LABEL OUTPUT.png

KNOWN is an LHAPDF set or member, a function.npz or another fit, at the scale of the fit.
Needs matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from replicafit_report.flavours import as_partons

import replicafit
from replicafit.data.known_functions import known_function, on_flavours

BLUE, ORANGE, INK, GREY = "#0072B2", "#D55E00", "#1a1a1a", "#8a8a8a"
LOWEST_X = 1e-4
STYLE = {
    "font.size": 11,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
NEEDED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


def curves(x: np.ndarray, flavours: tuple[str, ...], values: np.ndarray) -> dict[str, np.ndarray]:
    """The five functions, each (r, n), from the evolution basis (r, n, f)."""
    partons = as_partons(x, flavours, values)
    assert partons is not None
    of = partons.of
    return {
        "gluon  $xg$": of("g"),
        r"singlet  $x\Sigma$": values[..., flavours.index("sigma")],
        "up valence  $xu_v$": of("u") - of("ū"),
        "down valence  $xd_v$": of("d") - of("d̄"),
        r"strange  $x(s + \bar{s})$": of("s") + of("s̄"),
    }


def draw(fit: replicafit.Fit, known: Path, label: str) -> plt.Figure:
    """One panel for each function, and for each its ratio to the spread of the replicas."""
    shown = (fit.x >= LOWEST_X) & (fit.x < 0.95)
    x = fit.x[shown]
    ours = curves(x, fit.flavours, fit.values[:, shown])
    theirs = curves(
        x, NEEDED, on_flavours(known_function(str(known), Path(), fit.q0), x, NEEDED)[None]
    )
    style = {
        "font.size": 11,
        "axes.edgecolor": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots(
            2, 5, figsize=(16, 5.4), layout="constrained", sharex=True, height_ratios=(2.2, 1)
        )
        for column, name in zip(axes.T, ours, strict=True):
            _panel(column, x, name, ours[name], theirs[name][0])
        axes[0, 4].legend(handles=_handles(label), frameon=False, fontsize=10, loc="upper right")
        axes[1, 0].set_ylabel("distance\nin sigma")
        figure.suptitle(
            f"$x f(x, q_0)$ at $q_0 = {fit.q0:.2f}$ GeV: mean and one standard deviation of "
            f"{len(fit)} replicas, beside {label}",
            x=0.005,
            ha="left",
            color=INK,
        )
    return figure


def _panel(
    column: np.ndarray, x: np.ndarray, name: str, replicas: np.ndarray, known: np.ndarray
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


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fit", type=Path, metavar="FIT_DIR")
    parser.add_argument("known", type=Path, metavar="KNOWN")
    parser.add_argument("label")
    parser.add_argument("output", type=Path, metavar="OUTPUT.png")
    given = parser.parse_args()
    fit = replicafit.load_fit(given.fit)
    draw(fit, given.known, given.label).savefig(given.output, dpi=110)


if __name__ == "__main__":
    main()
