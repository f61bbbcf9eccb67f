"""A calibration in degrees with shared systematics: data and truth of runcards/thermocouple.yml.

The voltage of a thermocouple, mV, was measured in a cold and in a warm bath. Both share the
reference cell, an offset of 0.05 mV, and the gain of the amplifier, 2 %.

    python runcards/thermocouple.py                    writes cold.csv and warm.csv beside the card
    python runcards/thermocouple.py fits/thermocouple  draws that fit with the truth
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def truth(celsius: np.ndarray) -> np.ndarray:
    """The voltage in mV."""
    return 1 + 0.004 * celsius + 0.3 * np.sin(celsius / 30)


def tables(seed: int = 5) -> dict[str, np.ndarray]:
    """For each bath the columns temperature, voltage, statistical error, reference and gain."""
    random = np.random.default_rng(seed)
    reference, gain = random.standard_normal(2)
    found = {}
    for name, celsius in {
        "cold": np.linspace(-45, 60, 22),
        "warm": np.linspace(10, 125, 24),
    }.items():
        shifted = (truth(celsius) + 0.05 * reference) * (1 + 0.02 * gain)
        voltage = shifted + 0.03 * random.standard_normal(len(celsius))
        errors = [np.full(len(celsius), error) for error in (0.03, 0.05, 2.0)]
        found[name] = np.column_stack([celsius, voltage, *errors])
    return found


def points() -> np.ndarray:
    """Where fit and truth are compared."""
    return np.linspace(-45, 125, 60)


def write(folder: Path, seed: int = 5) -> None:
    """The files of the card."""
    header = "celsius,voltage,stat,REF_CELL,GAIN"
    for name, table in tables(seed).items():
        file = folder / f"{name}.csv"
        np.savetxt(file, table, "%.6g", delimiter=",", header=header, comments="")


def draw(folder: str) -> None:
    """The fit in ``folder`` and the truth."""
    import replicafit

    celsius = np.linspace(-45, 125, 200)
    axes = replicafit.load_fit(folder).plot(celsius)
    axes.plot(celsius, truth(celsius), "k--", label="truth")
    for name, table in tables().items():
        axes.errorbar(*table[:, :2].T, table[:, 2], fmt=".", ms=3, label=name, elinewidth=0.8)
    axes.set(xlabel="temperature [degrees Celsius]", ylabel="mV", title="A thermocouple")
    axes.legend()
    axes.figure.savefig("thermocouple.png", dpi=120)


if __name__ == "__main__":
    if sys.argv[1:]:
        draw(sys.argv[1])
    else:
        write(Path(__file__).parent)
