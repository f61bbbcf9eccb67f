"""Three bands of one problem, for docs/three-bands.md: replicas, Laplace, samples.

    python docs/plot_three_bands.py        the table, and docs/pictures/three-bands.svg
    python docs/plot_three_bands.py 10     coverage over ten draws of the data, ten minutes

Needs replicafit-posterior with its extra 'sampling', and matplotlib.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).parents[1]
CARD = ROOT / "runcards" / "bands.yml"
PICTURE = ROOT / "docs" / "pictures" / "three-bands.svg"
ERROR, GAP = 0.1, (2.0, 3.0)
USUAL, ALL_DATA, LAPLACE, SAMPLES = "replicas", "replicas of all data", "Laplace", "samples"
COLORS = {USUAL: "#56b4e9", ALL_DATA: "#0072b2", LAPLACE: "#d55e00", SAMPLES: "#009e73"}


def truth(x: np.ndarray) -> np.ndarray:
    """What the data are made from."""
    return np.asarray(np.sin(1.8 * x) * np.exp(-0.3 * x) + 0.2 * x)


def measured(seed: int) -> np.ndarray:
    """x, y and error of 24 values, none of them in the gap, (24, 3)."""
    x = np.concatenate([np.linspace(0, 2, 14), np.linspace(3, 4, 10)])
    y = truth(x) + ERROR * np.random.default_rng(seed).standard_normal(len(x))
    return np.round(np.stack([x, y, np.full(len(x), ERROR)], axis=1), 5)


@dataclass(frozen=True)
class Band:
    """Mean and standard deviation at x, each (n,), and how long it took."""

    name: str
    x: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    seconds: float

    def figures(self) -> np.ndarray:
        """Width, distance from the truth (root mean square) and share of the truth within one
        sigma; each where data are and in the gap, (3, 2).
        """
        gap = (self.x > GAP[0]) & (self.x < GAP[1])
        distance = self.mean - truth(self.x)
        inside = np.abs(distance) < self.std
        each = [
            [self.std[at].mean(), (distance[at] ** 2).mean() ** 0.5, inside[at].mean()]
            for at in (~gap, gap)
        ]
        return np.array(each).T


def bands(seed: int) -> list[Band]:
    """The three bands, and that of replicas without early stopping, of data of this seed."""
    from replicafit_posterior.laplace import laplace
    from replicafit_posterior.sampling import sample

    import replicafit

    found = []

    def add(name: str, made: Callable[[], Sequence[np.ndarray]]) -> None:
        started = time.perf_counter()
        x, mean, std = made()
        found.append(Band(name, x, mean[:, 0], std[:, 0], time.perf_counter() - started))

    with TemporaryDirectory() as folder:
        card = shutil.copy(CARD, folder)
        header = "x,y,error"
        data = Path(folder) / "bands.csv"
        np.savetxt(data, measured(seed), delimiter=",", header=header, comments="", fmt="%g")

        def replicas(name: str, fraction: float) -> Sequence[np.ndarray]:
            fit = replicafit.fit(
                card,
                settings={"seed": seed, "data.training_fraction": fraction},
                output=f"{folder}/{name}",
                observer=(),
            )
            return fit.x, fit.mean(), fit.std()

        def other(way: Callable[..., object]) -> Sequence[np.ndarray]:
            made = way(f"{folder}/{USUAL}", tell=print)
            posterior = getattr(made, "posterior", made)
            return posterior.x, posterior.mean, posterior.std

        add(USUAL, lambda: replicas(USUAL, 0.75))
        add(ALL_DATA, lambda: replicas(ALL_DATA, 1.0))
        add(LAPLACE, lambda: other(laplace))
        add(SAMPLES, lambda: other(sample))
    return found


def show(each: Sequence[Sequence[Band]]) -> None:
    """A table over draws of the data, in Markdown."""
    print("| | width, data | gap | distance, data | gap | within 1 sigma, data | gap | seconds |")
    for own in zip(*each, strict=True):
        figures = np.array([band.figures() for band in own])
        mean, error = figures.mean(axis=0), figures.std(axis=0) / max(1, len(own) - 1) ** 0.5
        cells = [f"{value:.3f}" for value in mean[:2].ravel()]
        pairs = zip(mean[2], error[2], strict=True)
        cells += [f"{100 * value:.0f} ± {100 * spread:.0f} %" for value, spread in pairs]
        cells += [f"{np.mean([band.seconds for band in own]):.0f}"]
        print(f"| {own[0].name} | {' | '.join(cells)} |")


def draw(found: Sequence[Band]) -> None:
    """Three panels that share their axes: each band, the truth and the data."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    mpl.rcParams.update({"svg.hashsalt": "bands", "font.size": 11, "font.family": "sans-serif"})
    panels = [band for band in found if band.name != ALL_DATA]
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
    data, wide = measured(1), found[0].x
    titles = {
        USUAL: "50 replicas, early stopping",
        LAPLACE: "Laplace approximation",
        SAMPLES: "posterior samples",
    }
    for ax, band in zip(axes, panels, strict=True):
        color = COLORS[band.name]
        low, high = band.mean - band.std, band.mean + band.std
        shade = ax.fill_between(band.x, low, high, color=color, alpha=0.35, linewidth=0)
        (line,) = ax.plot(band.x, band.mean, color=color, linewidth=1.8)
        (dashes,) = ax.plot(wide, truth(wide), color="black", linewidth=1, linestyle=(0, (4, 2)))
        style = {"color": "#444444", "markersize": 3, "elinewidth": 0.8}
        points = ax.errorbar(data[:, 0], data[:, 1], data[:, 2], fmt="o", **style)
        ax.set_title(titles[band.name], fontsize=11)
        ax.set_xlabel("x")
        ax.set_xticks(range(5))
        ax.spines[["top", "right"]].set_visible(False)
        if band.name == USUAL:
            ax.set_ylabel("f")
            labels = ["mean ± 1 sigma", "truth", "data"]
            ax.legend(
                [(shade, line), dashes, points],
                labels,
                loc="upper center",
                bbox_to_anchor=(0.58, 1.02),
                frameon=False,
                fontsize=9,
                handlelength=1.4,
            )
    figure.savefig(PICTURE, metadata={"Date": None})
    print(PICTURE)


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"  # sampling needs it, and a process has one backend
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    drawn = []
    for number in range(1, count + 1):
        drawn.append(bands(number))
        show([drawn[-1]])
    show(drawn)
    if count == 1:
        draw(drawn[0])
