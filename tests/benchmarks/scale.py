"""How the cost of a fit grows: with replicas, data, grid points and lanes.

    python tests/benchmarks/scale.py [--plot scale.svg] [--repeat 3]

A smooth function behind broad kernels, with correlated errors, is fitted by the real command with a
fixed number of steps; one size changes at a time. Prints wall and processor time and the largest
memory of each, medians, and with which power each grows beyond what the smallest fit costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from replicafit.data import Dataset, write_dataset

START = "from replicafit.cli import main; main()"
CARD = """\
seed: 1
replicas: {replicas}
data:
  datasets: [{datasets}]
model:
  flavours: [f]
  layers:
    - {{type: x}}
    - {{type: multi_dense, units: 25, activation: tanh}}
    - {{type: multi_dense, units: 20, activation: tanh}}
    - {{type: multi_dense, units: 1}}
training:
  optimizer: {{type: adam, learning_rate: 2.0e-3}}
  max_steps: {steps}
  patience: {steps}
"""


@dataclass(frozen=True)
class Size:
    """What is fitted, and in how many lanes."""

    replicas: int = 100
    data: int = 500
    grid: int = 50
    lanes: int = 1


@dataclass(frozen=True)
class Cost:
    """Of one fit: seconds, and MB."""

    wall: float
    processor: float
    memory: float


AXES: dict[str, Sequence[int]] = {
    "replicas": (10, 100, 1000),
    "data": (500, 2000, 8000),
    "grid": (50, 100, 200, 400),
    "lanes": tuple(n for n in (1, 2, 4, 8, 16) if n <= len(os.sched_getaffinity(0))),
}
LANES = "lanes"
"""More of them are meant to take less time: with ten times the steps, so that training counts."""


def write_data(folder: Path, size: Size) -> list[str]:
    """Datasets of 500 data each, the same but for their fluctuations; their names."""
    x = np.linspace(0.0025, 1, size.grid)
    truth = np.sin(3 * x) + x**2
    centres = np.linspace(0.1, 0.9, 500)[:, None]
    kernel = np.exp(-0.5 * ((x - centres) / 0.1) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    names = []
    for copy in range(size.data // 500):
        noise = np.random.default_rng(copy).standard_normal(501)
        names.append(f"COPY{copy}")
        dataset = Dataset(
            name=names[-1],
            central=kernel @ truth + 0.02 * noise[:500] + 0.01 * noise[500],
            stat=np.full(500, 0.02),
            sys_add=np.full((500, 1), 0.01),
            sys_add_names=("CORR",),
            sys_mult_percent=np.empty((500, 0)),
            sys_mult_names=(),
            kinematics={},
            x_grid=x,
            flavours=("f",),
            tables=(kernel[:, None],),
            operation="NULL",
        )
        write_dataset(folder / f"{names[-1]}.npz", dataset)
    return names


def fit(size: Size, steps: int) -> Cost:
    """What ``replicafit run`` costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        datasets = ", ".join(f"{{type: file, path: {n}.npz}}" for n in write_data(folder, size))
        card = folder / "card.yml"
        card.write_text(CARD.format(replicas=size.replicas, datasets=datasets, steps=steps))
        command = ["run", str(card), "-o", str(folder / "fit"), "-q"]
        lanes = ["--executor", f"lanes:{size.lanes}"]
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *command, *lanes],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if not (folder / "fit" / "run.json").exists():
            sys.exit(f"the fit of {size} ended with {process.returncode}")
        wall = time.perf_counter() - begun
        return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3)


def power(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The power with which the cost beyond the smallest fit's grows, by the two largest."""
    (a, b), (first, x, y) = sizes[-2:], (costs[0], *costs[-2:])
    begun = sizes[0]
    if len(sizes) < 3:
        return float("nan")
    return float(np.log((y - first) / (x - first)) / np.log((b - begun) / (a - begun)))


def plot(found: dict[str, dict[int, Cost]], file: Path) -> None:
    """Wall and processor time against each size."""
    import matplotlib.pyplot as plt

    figure, (axes,) = plt.subplots(
        1, len(found), figsize=(2.9 * len(found), 3), sharey=True, squeeze=False
    )
    for axis, (name, costs) in zip(axes, found.items(), strict=True):
        sizes = list(costs)
        for key, colour in (("processor", "#b34700"), ("wall", "#005a8f")):
            seconds = [getattr(cost, key) for cost in costs.values()]
            axis.plot(sizes, seconds, "o-", color=colour)
            if axis is axes[-1]:
                end = sizes[-1], seconds[-1]
                axis.annotate(f"{key} time", end, (8, -3), textcoords="offset points", color=colour)
        unit = ", ten times the steps" if name == LANES else ""
        axis.set(xscale="log", yscale="log", xlabel=name + unit, xticks=sizes)
        axis.set_xticklabels([f"{size:g}" for size in sizes])
        axis.minorticks_off()
    axes[0].set(ylabel="seconds", yticks=(seconds := [10, 20, 50, 100]))
    axes[0].set_yticklabels(map(str, seconds))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="0.9")
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES))
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    found: dict[str, dict[int, Cost]] = {}
    print(f"{'':10s} {'':>6s} {'wall s':>8s} {'processor s':>12s} {'memory MB':>10s}")
    for name in given.axes:
        found[name] = {}
        for value in AXES[name]:
            steps = 10 * given.steps if name == LANES else given.steps
            runs = [fit(replace(Size(), **{name: value}), steps) for _ in range(given.repeat)]
            columns = zip(*(vars(each).values() for each in runs), strict=True)
            cost = found[name][value] = Cost(*map(statistics.median, columns))
            seconds = f"{cost.wall:8.1f} {cost.processor:12.1f}"
            print(f"{name:10s} {value:6d} {seconds} {cost.memory:10.0f}", flush=True)
        if name != LANES:
            law = power(list(found[name]), [cost.processor for cost in found[name].values()])
            print(f"{'':10s} processor time beyond the smallest fit's: power {law:.2f}")
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
