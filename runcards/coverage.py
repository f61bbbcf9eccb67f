"""How often the bands of a recipe contain its truth, over fits of data drawn anew.

One fit says little: all of its points share the same few fluctuations.

    python runcards/coverage.py thermocouple      fits data of the seeds 1 to 10
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import replicafit

HERE = Path(__file__).parent


def pulls(name: str, seed: int) -> np.ndarray:
    """(mean - truth) / sigma at the recipe's points, of data with this seed."""
    recipe = import_module(name)
    x = recipe.points()
    with TemporaryDirectory() as folder:
        card = shutil.copy(HERE / f"{name}.yml", folder)
        recipe.write(Path(folder), seed)
        fit = replicafit.fit(card, settings={"seed": seed}, observer=())
        difference = fit.mean(x)[:, 0] - recipe.truth(*np.atleast_2d(x.T))
        return np.asarray(difference / fit.std(x)[:, 0])


def coverage(name: str, seeds: Iterable[int]) -> np.ndarray:
    """The share of points within one sigma and within two, of each seed, (seeds, 2)."""
    found = []
    for seed in seeds:
        distance = np.abs(pulls(name, seed))
        found.append([(distance < 1).mean(), (distance < 2).mean()])
        print(f"{name}, data of seed {seed}: {found[-1][0]:.0%} within one sigma,", end=" ")
        print(f"{found[-1][1]:.0%} within two", flush=True)
    return np.array(found)


if __name__ == "__main__":
    one, two = coverage(sys.argv[1], range(1, 11)).T
    print(f"mean: {one.mean():.0%} +- {one.std(ddof=1) / len(one) ** 0.5:.0%}, {two.mean():.0%}")
