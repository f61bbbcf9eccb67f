"""The built-in exporters: each writes one file of one replica."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from replicafit.results.replica import ReplicaResult


def write_network(replica: ReplicaResult, network: Any, folder: Path) -> None:
    """``network.keras``: plain Keras layers, x (b, 1) -> values (b, f)."""
    network.save(folder / "network.keras")


def write_function(replica: ReplicaResult, network: Any, folder: Path) -> None:
    """``function.npz``: x (n,), flavours (f,), values (n, f), and each attribute, ()."""
    np.savez_compressed(folder / "function.npz", **replica.function.arrays())


def write_data(replica: ReplicaResult, network: Any, folder: Path) -> None:
    """``data.npz``: the pseudodata (d,) and which of them trained, (d,)."""
    data = replica.pseudodata
    np.savez_compressed(
        folder / "data.npz",
        dataset=np.repeat(np.array(data.datasets, dtype=np.str_), data.n_data),
        values=data.values,
        training=data.training,
        basis=data.basis,
    )


def write_history(replica: ReplicaResult, network: Any, folder: Path) -> None:
    """``history.npz``: step, chi2_training, chi2_validation at every check."""
    np.savez_compressed(folder / "history.npz", **vars(replica.history))


def write_predictions(replica: ReplicaResult, network: Any, folder: Path) -> None:
    """``predictions.npz``: predictions (d,) and weighted residuals (3, d)."""
    predictions = replica.predictions
    np.savez_compressed(
        folder / "predictions.npz",
        prediction=predictions.prediction,
        weighted_residual=predictions.weighted_residual,
    )
