"""Draws what closure tests say of several networks: the way to the truth, and distance and spread.

    python plot_closure.py FITS OUTPUT.png

FITS holds the fits of README.md: ``kan_l0`` and so on for all cards, and ``kan_l2_1``,
``spline_l2_1``, ``dense_l2_1``. Prints chi2 at level 0. Needs matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import replicafit
from replicafit.plugin import known_function, load_registry, on_flavours

CARDS = Path(__file__).parent / "runcards"
TRUTH, Q0 = "../../../runcards/closure_truth.npz", 1.65
"""The function, from the runcards, and its scale."""
NETWORKS = {
    "kan": ("two kan layers, 729 parameters", "#D55E00"),
    "spline": ("one spline per function, 192", "#009E73"),
    "dense": ("dense, x and log x, 763", "#0072B2"),
    "dense_scaled": ("dense, scaled x, 738", "#7A7A7A"),
}
"""Label and colour (Okabe and Ito's palette, which colour-blind readers can tell apart)."""

X = np.geomspace(3e-5, 0.7, 200)
SHOWN = {"g": "$xg$", "sigma": r"$x\Sigma$"}
STEPS = (500, 1000, 2000, 5000)


def chi2_so_far(fit: Path) -> tuple[np.ndarray, np.ndarray]:
    """Steps (t,), and the least training chi2 per datum until then, (r, t)."""
    each = []
    for folder in sorted(fit.glob("replicas/*")):
        history = np.load(folder / "history.npz")
        count = np.load(folder / "data.npz")["training"].sum()
        each.append(np.minimum.accumulate(history["chi2_training"]) / count)
    return history["step"], np.array(each)


def draw_way(axes: Any, fits: Path) -> None:
    """chi2 per datum against steps, level 0: median and central 68 % of replicas."""
    for name, (label, colour) in NETWORKS.items():
        steps, chi2 = chi2_so_far(fits / f"{name}_l0")
        low, middle, high = np.quantile(chi2, (0.16, 0.5, 0.84), axis=0)
        axes.loglog(steps, middle, color=colour, label=label)
        axes.fill_between(steps, low, high, color=colour, alpha=0.2, lw=0)
        at = {n: f"{middle[steps <= n][-1]:.2g}" for n in STEPS}
        print(name, "median chi2 per datum of training data at steps", at)
    axes.set(xlabel="steps", ylabel="training $\\chi^2$ per datum", title="level 0", ylim=(None, 3))
    axes.legend(frameon=False, fontsize=7)


def truth_of(flavour: str) -> np.ndarray:
    """The truth at ``X``, (n,)."""
    registry = load_registry()
    truth = known_function(TRUTH, CARDS, {"q0": Q0}, registry)
    return on_flavours(truth, X, (flavour,), registry)[:, 0]


def draw_function(axes: Any, fits: Path, flavour: str, label: str) -> None:
    """Ratio to the truth at level 2, seed 1: mean and deviation of replicas."""
    truth = truth_of(flavour)
    for name in ("kan", "spline", "dense"):
        fit = replicafit.load_fit(fits / f"{name}_l2_1")
        values = fit.interpolate(X)[:, :, fit.flavours.index(flavour)] / truth
        mean, spread = values.mean(0), values.std(0, ddof=1)
        colour = NETWORKS[name][1]
        axes.semilogx(X, mean, color=colour)
        axes.fill_between(X, mean - spread, mean + spread, color=colour, alpha=0.2, lw=0)
    axes.axhline(1, color="#1a1a1a", lw=0.6)
    axes.set(xlabel="$x$", title=f"level 2: {label} / truth", ylim=(0.6, 1.4))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fits", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    figure, axes = plt.subplots(1, 1 + len(SHOWN), figsize=(10, 3.2), constrained_layout=True)
    draw_way(axes[0], given.fits)
    for ax, (flavour, label) in zip(axes[1:], SHOWN.items(), strict=True):
        draw_function(ax, given.fits, flavour, label)
    figure.savefig(given.output, dpi=85)


if __name__ == "__main__":
    main()
