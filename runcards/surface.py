"""A surface of two inputs: data and truth of runcards/surface.yml.

The response of a detector over energy, GeV, and angle, degrees, at 150 scattered points.

    python runcards/surface.py               writes surface.csv beside the runcard
    python runcards/surface.py fits/surface  draws that fit with the truth along three angles
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def truth(energy: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """The response, without unit."""
    return 1 + 0.2 * np.log(energy) * np.cos(np.radians(2 * angle)) + 0.004 * angle


def table(seed: int = 11) -> np.ndarray:
    """Columns energy, angle, response and its error."""
    random = np.random.default_rng(seed)
    energy, angle = random.uniform(1, 20, 150), random.uniform(-60, 60, 150)
    response = truth(energy, angle) + 0.03 * random.standard_normal(150)
    return np.column_stack([energy, angle, response, np.full(150, 0.03)])


def points() -> np.ndarray:
    """Where fit and truth are compared."""
    axes = np.meshgrid(np.linspace(2, 19, 12), np.linspace(-55, 55, 12))
    return np.stack([axis.ravel() for axis in axes], axis=1)


def write(folder: Path, seed: int = 11) -> None:
    """The file of the card."""
    header, file = "energy,angle,response,sigma", folder / "surface.csv"
    np.savetxt(file, table(seed), "%.6g", delimiter=",", header=header, comments="")


def draw(folder: str) -> None:
    """The fit in ``folder`` and the truth."""
    import replicafit

    fit, energy, axes = replicafit.load_fit(folder), np.linspace(1.5, 19.5, 100), None
    for angle in (-45.0, 0.0, 45.0):
        axes = fit.plot(np.column_stack([energy, np.full(100, angle)]), ax=axes)
        axes.lines[-1].set_label(f"{angle:g} degrees")
        axes.plot(energy, truth(energy, np.array(angle)), "k--")
    axes.set(xlabel="energy [GeV]", ylabel="response", title="A surface along three angles")
    axes.legend()
    axes.figure.savefig("surface.png", dpi=120)


if __name__ == "__main__":
    if sys.argv[1:]:
        draw(sys.argv[1])
    else:
        write(Path(__file__).parent)
