"""A spectral function behind a Laplace kernel: data, truth and figure of runcards/spectral.yml.

G(tau) = integral from 0 to 8 GeV of rho(omega) exp(-omega tau), at 20 tau in 1/GeV, as lattice
calculations give it: neighbouring tau are correlated, and all share the error of the scale.

    python runcards/spectral.py                writes spectral.npz beside the runcard
    python runcards/spectral.py fits/spectral  draws that fit with the truth, spectral.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from replicafit.plugin import Dataset, write_dataset

HIGHEST = 8.0
"""Where the spectral function is cut off, GeV."""


def truth(omega: np.ndarray) -> np.ndarray:
    """A peak at 2 GeV, and a continuum that opens at 4.5 GeV."""
    peak = 0.9 * np.exp(-0.5 * ((omega - 2) / 0.5) ** 2)
    continuum = 0.25 / (1 + np.exp((4.5 - omega) / 0.4))
    return np.asarray(peak + continuum)


def dataset(seed: int = 7) -> Dataset:
    """G(tau) with errors; its table integrates linear interpolation of rho between grid points."""
    tau, grid = np.linspace(0.05, 2.0, 20), np.linspace(0.0, HIGHEST, 101)
    fine = np.linspace(0, HIGHEST, 4001)
    weight = np.gradient(fine) * np.exp(-np.outer(tau, fine))
    table = weight @ np.array([np.interp(fine, grid, unit) for unit in np.eye(len(grid))]).T
    exact = weight @ truth(fine)
    distance = np.abs(tau[:, None] - tau)
    correlated = np.linalg.cholesky(np.exp(-distance / 0.3)) * 0.003 * exact[:, None]
    draw = np.random.default_rng(seed).standard_normal
    return Dataset(
        name="LATTICE",
        central=exact * (1 + 0.01 * draw()) + correlated @ draw(20) + 0.001 * exact * draw(20),
        stat=0.001 * exact,
        sys_add=correlated,
        sys_add_names=("CORR",) * 20,
        sys_mult_percent=np.full((20, 1), 1.0),
        sys_mult_names=("SCALE_SETTING",),
        kinematics={"tau": tau},
        x_grid=grid,
        flavours=("rho",),
        tables=(table[:, None],),
        operation="NULL",
        inputs=("omega",),
    )


def points() -> np.ndarray:
    """Where fit and truth are compared: the ends, which no datum sees, are left out."""
    return np.linspace(0.5, 7.5, 57)


def write(folder: Path, seed: int = 7) -> None:
    """The file of the card."""
    write_dataset(folder / "spectral.npz", dataset(seed))


def draw(folder: str) -> None:
    """The fit in ``folder`` and the truth."""
    import replicafit

    omega = np.linspace(0, HIGHEST, 200)
    axes = replicafit.load_fit(folder).plot(omega)
    axes.plot(omega, truth(omega), "k--", label="truth")
    axes.set(xlabel="omega [GeV]", ylabel="rho", title="A spectral function from 20 data")
    axes.legend()
    axes.figure.savefig("spectral.png", dpi=120)


if __name__ == "__main__":
    if sys.argv[1:]:
        draw(sys.argv[1])
    else:
        write(Path(__file__).parent)
