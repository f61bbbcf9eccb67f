"""What a fit hands to exporters of each replica, as frozen values; no Keras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicafit.data import FitData
from replicafit.data.grid_functions import GridFunctions
from replicafit.results.records import ReplicaRecord


@dataclass(frozen=True)
class ReplicaHistory:
    """chi2 (not divided) at every check, each (checks,)."""

    step: np.ndarray
    chi2_training: np.ndarray
    chi2_validation: np.ndarray


@dataclass(frozen=True)
class ReplicaPseudodata:
    """What a replica was fitted to; d counts all data of all datasets in their order.

    Attributes:
        datasets: their names.
        n_data: how many data each has.
        values: pseudodata, (d,).
        training: true for training, false for validation, (d,).
        basis: what ``training`` counts: ``data``, or the directions of the ``diagonal`` basis.
    """

    datasets: tuple[str, ...]
    n_data: tuple[int, ...]
    values: np.ndarray
    training: np.ndarray
    basis: str


@dataclass(frozen=True)
class ReplicaPredictions:
    """What a replica says about the data; d counts them as ``ReplicaPseudodata`` does.

    Attributes:
        data: the measured values and where they are from.
        prediction: of the fitted functions, (d,).
        weighted_residual: C^-1 (D - T), (3, d), with C the covariance of all data, of each
            experiment, and of each dataset; being linear, its mean over replicas gives the chi2
            of the mean prediction.
    """

    data: FitData
    prediction: np.ndarray
    weighted_residual: np.ndarray


@dataclass(frozen=True)
class ReplicaResult:
    """One replica at its best check.

    Attributes:
        record: what ``result.json`` holds.
        history: chi2 at every check.
        function: on the grid of ``function.npz``, (n, f).
        pseudodata: what it was fitted to.
        predictions: what it says about the data.
    """

    record: ReplicaRecord
    history: ReplicaHistory
    function: GridFunctions
    pseudodata: ReplicaPseudodata
    predictions: ReplicaPredictions

    @property
    def number(self) -> int:
        """The replica number."""
        return self.record.number

    @property
    def status(self) -> str:
        """How it ended."""
        return self.record.status
