"""Toy datasets and a runcard for them."""

from __future__ import annotations

import json

import numpy as np

from replicafit.data import Dataset

FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")


def toy_function(x: np.ndarray) -> np.ndarray:
    """Smooth PDF-like functions of x (n,), (n, f)."""
    x = x[:, None]
    power = np.linspace(-0.1, 0.8, len(FLAVOURS))
    return x**power * (1 - x) ** np.linspace(5, 3, len(FLAVOURS))


def toy_dataset(name: str, n_data: int, operation: str = "NULL", shared: bool = True) -> Dataset:
    """A dataset whose tables are smooth in x and whose errors are a few per cent."""
    generator = np.random.default_rng(len(name) + n_data)
    x_grid = np.geomspace(1e-3, 1, 14)[2 * (len(name) % 3) :]
    centre = generator.uniform(0.01, 0.8, n_data)
    width = np.exp(-2 * np.log(x_grid[None, :] / centre[:, None]) ** 2)
    n_tables = 2 if operation == "RATIO" else 1
    tables = tuple(
        width[:, None, :] * generator.uniform(0.5, 1.5, (n_data, len(FLAVOURS), 1))
        for _ in range(n_tables)
    )
    predictions = [np.einsum("nf,dfn->d", toy_function(x_grid), t) for t in tables]
    truth = predictions[0] / predictions[1] if n_tables == 2 else predictions[0]
    stat = 0.03 * np.abs(truth)
    return Dataset(
        name=name,
        central=truth + stat * generator.standard_normal(n_data),
        stat=stat,
        sys_add=np.stack([0.01 * truth, 0.02 * truth], axis=1),
        sys_add_names=("CORR", "SHARED" if shared else "UNCORR"),
        sys_mult_percent=np.full((n_data, 1), 2.0),
        sys_mult_names=(f"NORM_{name}",),
        kinematics={"x": centre, "q2": np.full(n_data, 10.0), "y": np.zeros(n_data)},
        x_grid=x_grid,
        flavours=FLAVOURS,
        attributes={"q0": 1.65},
        tables=tables,
        operation=operation,
    )


TOY_CARD = """\
title: toy
seed: 7
replicas: 3
data:
  datasets:
    - {type: file, path: A.npz}
    - {type: file, path: BB.npz}
    - {type: file, path: RATIO.npz}
model:
  layers:
    - {type: x_logx}
    - {type: multi_dense, units: 6, activation: tanh}
    - {type: multi_dense, units: 8}
    - {type: preprocessing}
    - {type: sum_rules}
training:
  optimizer: {type: nadam, learning_rate: 2.0e-3}
  max_steps: 60
  patience: 2000
  check_every: 10
"""


def observable_arrays(name: str, seed: int) -> dict[str, np.ndarray]:
    """A positivity observable as its file holds it: positive tables on a grid of its own."""
    x_grid = np.geomspace(1e-4, 1, 8)
    flavours = ("sigma", "g", "v15")
    table = np.random.default_rng(seed).uniform(0.1, 1, (5, len(flavours), len(x_grid)))
    return {
        "format": np.array("replicafit-dataset/1"),
        "metadata": np.array(json.dumps({"name": name})),
        "x_grid": x_grid,
        "flavours": np.array(flavours),
        "q0": np.array(1.65),
        "operation": np.array("NULL"),
        "fk_0": table,
    }


SCAN_CARD = (
    TOY_CARD.replace("model:\n", "  folds: [[A], [BB]]\nmodel:\n", 1)
    + """\
scan:
  trials: 8
  generation: 4
  replicas_per_fold: 2
  halving: {rungs: [20, 40], keep: 0.5}
  space:
    training.optimizer.learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}
"""
)
