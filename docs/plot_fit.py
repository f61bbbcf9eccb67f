"""Draws the functions of a fit: median and central 68 % of its replicas.

    python docs/plot_fit.py FIT_DIR OUTPUT.png

Reads FIT_DIR/replicas/*/function.npz in the evolution basis. Needs matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

Functions = dict[str, np.ndarray]
LOWEST_X, HIGHEST_X = 1e-4, 1.0
INK, GREY = "#1a1a1a", "#8a8a8a"


@dataclass(frozen=True)
class Curve:
    """One function to draw.

    Attributes:
        label: what is written beside it.
        needs: the flavours it is made of.
        formula: from flavours, each (replicas, n), to values (replicas, n).
        colour: from Okabe and Ito's palette, which colour-blind readers can tell apart.
        place: where the label stands: x, and whether it goes above the band.
        scale: what the values are multiplied by.
    """

    label: str
    needs: tuple[str, ...]
    formula: Callable[[Functions], np.ndarray]
    colour: str
    place: tuple[float, bool]
    scale: float = 1.0


VALENCE = ("v", "v3", "v8")
CURVES = (
    Curve(r"$xg\,/\,10$", ("g",), lambda f: f["g"], "#D55E00", (3.5e-3, False), 0.1),
    Curve(r"$x\Sigma\,/\,5$", ("sigma",), lambda f: f["sigma"], "#7A7A7A", (4e-4, True), 0.2),
    Curve(
        r"$xu_v$",
        VALENCE,
        lambda f: f["v"] / 3 + f["v8"] / 6 + f["v3"] / 2,
        "#0072B2",
        (0.23, True),
    ),
    Curve(
        r"$xd_v$",
        VALENCE,
        lambda f: f["v"] / 3 + f["v8"] / 6 - f["v3"] / 2,
        "#009E73",
        (0.23, True),
    ),
)


def read_fit(folder: Path) -> tuple[np.ndarray, Functions, float]:
    """x (n,), each flavour's values (replicas, n), and q0 in GeV."""
    files = sorted(folder.glob("replicas/*/function.npz"))
    if not files:
        raise SystemExit(f"'{folder}' has no replicas/*/function.npz. Is it the folder of a fit?")
    loaded = [np.load(file) for file in files]
    values = np.stack([each["values"] for each in loaded])
    names = [str(name) for name in loaded[0]["flavours"]]
    functions = {name: values[..., i] for i, name in enumerate(names)}
    return loaded[0]["x"], functions, float(loaded[0]["q0"])


def draw(x: np.ndarray, functions: Functions, q0: float) -> plt.Figure:
    """The figure."""
    style = {
        "font.size": 13,
        "mathtext.fontset": "stix",
        "axes.edgecolor": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
    }
    with plt.rc_context(style):
        figure, axes = plt.subplots(figsize=(8.4, 4.9), layout="constrained")
        shown = x >= 0.9 * LOWEST_X
        drawable = [curve for curve in CURVES if all(name in functions for name in curve.needs)]
        tops = [_band(axes, x[shown], functions, curve, shown) for curve in drawable]
        axes.set_xscale("log")
        axes.set_xlim(LOWEST_X, HIGHEST_X)
        axes.set_ylim(min(0, *axes.get_ylim()), 1.12 * max(tops))
        axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
        axes.set_xlabel("$x$")
        count = len(next(iter(functions.values())))
        axes.set_title(
            rf"$x f(x, q_0)$ at $q_0 = {q0:.2f}$ GeV: median and one-sigma (68 %) band "
            f"of {count} replicas",
            loc="left",
            fontsize=13,
            color=INK,
        )
    return figure


def _band(
    axes: plt.Axes, x: np.ndarray, functions: Functions, curve: Curve, shown: np.ndarray
) -> float:
    """Draws one curve and its label; returns how high it goes."""
    values = curve.scale * curve.formula(functions)[:, shown]
    low, median, high = np.percentile(values, [16, 50, 84], axis=0)
    axes.fill_between(x, low, high, color=curve.colour, alpha=0.28, linewidth=0)
    axes.plot(x, median, color=curve.colour, linewidth=2)
    at, above = curve.place
    edge = high if above else low
    axes.annotate(
        curve.label,
        (at, np.interp(np.log(at), np.log(x), edge)),
        xytext=(0, 7 if above else -7),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        color=curve.colour,
        fontsize=16,
    )
    return float(high[x > 1e-3].max())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fit", type=Path, metavar="FIT_DIR")
    parser.add_argument("output", type=Path, metavar="OUTPUT.png")
    given = parser.parse_args()
    draw(*read_fit(given.fit)).savefig(given.output, dpi=160)


if __name__ == "__main__":
    main()
