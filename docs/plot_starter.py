"""Draws the picture of README: gluon, valence and sea quarks of a fit, a known function as lines.

    python docs/plot_starter.py FIT_DIR KNOWN LABEL OUTPUT.png

KNOWN is an LHAPDF set or member, a function.npz or another fit, at the scale of the fit.
Needs matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from plot_comparison import GREY, INK, LOWEST_X, STYLE, command, distances

import replicafit

# Okabe and Ito's colours, which colour-blind people tell apart; where labels stand (x, height).
LEFT = {
    "gluon  $xg$": ("#D55E00", "gluon / 10", 0.0008, 0.285, 0.1),
    "up valence  $xu_v$": ("#0072B2", "up valence", 0.0115, 0.56, 1.0),
    "down valence  $xd_v$": ("#009E73", "down valence", 0.008, 0.018, 1.0),
}
RIGHT = {
    r"anti-down  $x\bar{d}$": ("#0072B2", "anti-down", 0.012, 0.315, 1.0),
    r"anti-up  $x\bar{u}$": ("#E69F00", "anti-up", 0.17, 0.185, 1.0),
    r"strange  $x(s + \bar{s})$": ("#009E73", "strange / 2", 0.00016, 0.265, 0.5),
    r"charm  $x(c + \bar{c})$": ("#CC79A7", "charm / 2", 0.0032, 0.05, 0.5),
}
TITLES = ("Gluon and valence quarks", "Sea quarks")


def draw(fit: replicafit.Fit, known: Path, label: str) -> plt.Figure:
    """Two panels: bands of the selected replicas, and the known function as dashed lines."""
    curves = distances(fit, known)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        for ax, chosen, title in zip(axes, (LEFT, RIGHT), TITLES, strict=True):
            for name, (color, words, at, height, factor) in chosen.items():
                x, replicas, theirs = curves[name]
                low, middle, high = factor * np.percentile(replicas, [15.87, 50, 84.13], axis=0)
                ax.fill_between(x, low, high, color=color, alpha=0.30, linewidth=0)
                ax.plot(x, middle, color=color, linewidth=1.9)
                ax.plot(x, factor * theirs, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
                ax.text(at, height, words, color=color, fontsize=12.5, weight="bold")
            if title == TITLES[1]:  # where anti-up is told from anti-down
                ax.plot([0.075, 0.165], [0.158, 0.19], color=GREY, linewidth=0.8)
            ax.set(xscale="log", xlim=(LOWEST_X, 1), xlabel="$x$")
            ax.set_title(title, loc="left", fontsize=12.5, color=INK)
            ax.axhline(0, color=GREY, linewidth=0.6)
        axes[0].set_ylabel(f"$x f(x)$ at {fit.q0:.2f} GeV")
        axes[0].set_ylim(-0.03, 0.75)
        axes[1].set_ylim(-0.03, 0.56)
        key = plt.Line2D([], [], color=INK, linewidth=1.0, linestyle=(0, (4, 2)), label=label)
        axes[1].legend(handles=[key], frameon=False, loc="upper right")
    return figure


if __name__ == "__main__":
    command(draw, __doc__)
