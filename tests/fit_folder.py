"""A fit folder without a fit: smooth random functions in the place of networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.components import Exporter
from replicafit.data import FitData
from replicafit.data.grid_functions import GridFunctions
from replicafit.forward.predictions import chi2, predict_all
from replicafit.results.data_file import experiment_places
from replicafit.results.folder import FitFolder
from replicafit.results.records import Chi2PerDatum, ReplicaRecord, Seeds, SplitChi2
from replicafit.results.replica import (
    ReplicaHistory,
    ReplicaPredictions,
    ReplicaPseudodata,
    ReplicaResult,
)

X = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 61), np.linspace(0.1, 1, 40)]))
EXPORTERS = [
    Exporter(name=name, write=f"replicafit.results.writers:write_{name}")
    for name in ("function", "history", "predictions")
]


def toy_values(x: np.ndarray, n_flavours: int, number: int, spread: float = 0.05) -> np.ndarray:
    """x f of one replica at x (n,), (n, f)."""
    random = np.random.default_rng(number).normal(1, spread, n_flavours)
    power = np.linspace(0.1, 0.8, n_flavours)
    return random * x[:, None] ** power * (1 - x[:, None]) ** 3


def toy_replica(
    data: FitData, registry, number: int, status: str = "stopped", spread: float = 0.05
) -> ReplicaResult:
    """What a fit would hand to its exporters."""
    random = np.random.default_rng(number)
    f = len(data.flavours)
    prediction = predict_all(data, registry, toy_values(data.x_grid, f, number, spread))
    residual = data.central - prediction
    groups = [{"all": np.arange(data.n_data)}, experiment_places(data)]
    groups.append(
        {
            d.name: np.arange(p.start, p.stop)
            for d, p in zip(data.datasets, data.slices, strict=True)
        }
    )
    weighted = np.empty((3, data.n_data))
    for row, group in zip(weighted, groups, strict=True):
        for at in group.values():
            row[at] = np.linalg.solve(data.covariance[np.ix_(at, at)], residual[at])
    per = [
        {
            name: float(chi2(residual[at], data.covariance[np.ix_(at, at)])) / len(at)
            for name, at in group.items()
        }
        for group in groups
    ]
    steps = np.arange(10, 200, 10)
    fall = 2 + 20 * np.exp(-steps / 30) + 0.01 * random.normal(size=len(steps))
    training = random.permutation(data.n_data) < 0.75 * data.n_data
    return ReplicaResult(
        record=ReplicaRecord(
            number=number,
            status=status,
            steps=190,
            best_step=int(steps[fall.argmin()]),
            n_data=data.n_data,
            n_training=int(training.sum()),
            n_data_per_dataset={d.name: d.n_data for d in data.datasets},
            chi2_per_datum=Chi2PerDatum(training=2.0, validation=2.2, all=per[0]["all"]),
            per_dataset=per[2],
            per_experiment=per[1],
            split_per_dataset={
                d.name: SplitChi2(training=2.0, validation=2.1, n_training=3 * d.n_data // 4)
                for d in data.datasets
            },
            seeds=Seeds(runcard=1),
            hyperparameters={"learning_rate": 1e-3},
            arc_length={name: 1.0 + random.random() for name in data.flavours},
        ),
        history=ReplicaHistory(steps, fall * training.sum(), fall * (~training).sum()),
        function=GridFunctions(X, data.flavours, toy_values(X, f, number, spread), data.attributes),
        predictions=ReplicaPredictions(data, prediction, weighted),
        pseudodata=ReplicaPseudodata(
            tuple(d.name for d in data.datasets),
            tuple(d.n_data for d in data.datasets),
            data.central,
            training,
            "data",
        ),
    )


def write_fit(
    path: Path,
    data: FitData,
    registry,
    numbers: Sequence[int] = range(1, 6),
    requested: tuple[int, int] | None = None,
    diverged: Sequence[int] = (),
    exporters: Sequence[Exporter] = EXPORTERS,
    spread: float = 0.05,
    **more: Any,
) -> Path:
    """A fit folder with the replicas ``numbers``, and ``more`` in its runcard."""
    folder = FitFolder(path)
    path.mkdir(parents=True)
    (path / "runcard.yml").write_text("title: <toy> & friends\n")
    card = {"title": "<toy> & friends", "replicas": requested or (min(numbers), max(numbers))}
    run = {
        "runcard": card | more,
        "hash": "0" * 64,
        "versions": {"replicafit": "0.1.0"},
        "plugins": {"builtin": {"distribution": "replicafit", "version": "0.1.0"}},
        "backend": {"name": "none"},
        "timing": {"setup_s": 1.0},
        "chi2_forms": [{"linear": data.n_data}],
    }
    folder.run_file.write_text(json.dumps(run))
    for number in numbers:
        status = "diverged" if number in diverged else "stopped"
        result = toy_replica(data, registry, number, status, spread)
        assert not folder.write_replica(result, None, exporters)
    return path
