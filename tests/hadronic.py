"""Toy datasets of two hadrons, and the slow, obvious sum that predicts them."""

from __future__ import annotations

import numpy as np
from toy import FLAVOURS, toy_function

from replicafit.data import Dataset, ProductTable

CHANNELS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 6], [6, 2], [5, 3], [0, 2]])
"""Some in both orders; (5, 3) is v15 with v3, which a fit of v takes for v with v3."""


def hadronic_table(n_data: int, n: int, seed: int) -> ProductTable:
    """A table on n grid points that leaves out some of them for each hadron."""
    generator = np.random.default_rng(seed)
    x1, x2 = np.arange(2, n), np.arange(1, n - 1)
    values = generator.uniform(0.1, 1, (n_data, len(CHANNELS), len(x1), len(x2)))
    return ProductTable(values, CHANNELS, x1, x2)


def slow_prediction(table: ProductTable, functions: np.ndarray) -> np.ndarray:
    """One product after another, (d,), from x f (n, f)."""
    total = np.zeros(len(table))
    for d in range(len(table)):
        for c, (f, g) in enumerate(table.channels):
            for u, first in enumerate(table.x1):
                for v, second in enumerate(table.x2):
                    product = functions[first, f] * functions[second, g]
                    total[d] += table.values[d, c, u, v] * product
    return total


def hadronic_dataset(name: str, n_data: int, seed: int = 1) -> Dataset:
    """A dataset whose central values the toy function predicts within a few per cent."""
    generator = np.random.default_rng(seed)
    x_grid = np.geomspace(1e-2, 1, 9)
    table = hadronic_table(n_data, len(x_grid), seed)
    truth = table.predict(toy_function(x_grid))
    stat = 0.03 * np.abs(truth)
    return Dataset(
        name=name,
        central=truth + stat * generator.standard_normal(n_data),
        stat=stat,
        sys_add=np.stack([0.01 * truth, 0.02 * truth], axis=1),
        sys_add_names=("CORR", "SHARED"),
        sys_mult_percent=np.full((n_data, 1), 2.0),
        sys_mult_names=(f"NORM_{name}",),
        kinematics={"x": np.full(n_data, 0.1), "q2": np.full(n_data, 50.0)},
        x_grid=x_grid,
        flavours=FLAVOURS,
        attributes={"q0": 1.65},
        tables=(table,),
        operation="NULL",
    )
