"""A small card and its data, for what is killed and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CARD = """\
title: to be killed
seed: 1
replicas: 6
data:
  datasets:
    - {type: csv, path: mine.csv, error: error}
model:
  flavours: [f]
  layers:
    - {type: x}
    - {type: multi_dense, units: 3, activation: tanh}
    - {type: multi_dense, units: 1}
training:
  optimizer: {type: adam, learning_rate: 1.0e-2}
  max_steps: 4000
  slots: 2
"""


def write_data(folder: Path) -> None:
    """``mine.csv`` in ``folder``."""
    x = np.linspace(0.05, 1, 20)
    y = 1 + x + 0.03 * np.random.default_rng(1).standard_normal(20)
    columns = np.column_stack([x, y, np.full(20, 0.03)])
    np.savetxt(folder / "mine.csv", columns, delimiter=",", header="x,y,error", comments="")
