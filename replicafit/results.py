"""What a fit leaves, as frozen values; no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Chi2PerDatum:
    """chi2 of one replica over the number of data.

    Attributes:
        training, validation: of this replica's pseudodata, with the covariance of each part, as
            the engine saw them at the best check; None without such a check, and for validation
            without validation data.
        all: of the measured values, with the covariance of all data.
    """

    training: float | None
    validation: float | None
    all: float


@dataclass(frozen=True)
class ReplicaHistory:
    """chi2 (not divided) at every check, each (checks,)."""

    step: np.ndarray
    chi2_training: np.ndarray
    chi2_validation: np.ndarray


@dataclass(frozen=True)
class ReplicaFunction:
    """The fitted functions: x f(x, q0) ``values`` (n, f) at x (n,); q0 in GeV."""

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray
    q0: float


@dataclass(frozen=True)
class ReplicaResult:
    """One replica at its best validation chi2.

    Attributes:
        number: the replica number.
        status: ``stopped``, ``completed`` or ``diverged``.
        steps: steps taken.
        best_step: the step the weights are of.
        n_data_per_dataset: how many data each dataset has.
        chi2_per_datum: in total.
        per_dataset: chi2 per datum of the measured values, with the covariance of the dataset.
        seeds: the runcard's seed and the integer seed of each layer.
        hyperparameters: of the optimiser, this replica's own.
        history: chi2 at every check.
        function: the fitted functions.
    """

    number: int
    status: str
    steps: int
    best_step: int
    n_data_per_dataset: Mapping[str, int]
    chi2_per_datum: Chi2PerDatum
    per_dataset: Mapping[str, float]
    seeds: Mapping[str, Any]
    hyperparameters: Mapping[str, float]
    history: ReplicaHistory
    function: ReplicaFunction

    @property
    def n_data(self) -> int:
        """How many data there are in all."""
        return sum(self.n_data_per_dataset.values())

    def summary(self) -> dict[str, Any]:
        """What ``result.json`` holds: everything but the arrays."""
        return {
            "number": self.number,
            "status": self.status,
            "steps": self.steps,
            "best_step": self.best_step,
            "n_data": self.n_data,
            "chi2_per_datum": asdict(self.chi2_per_datum),
            "n_data_per_dataset": dict(self.n_data_per_dataset),
            "per_dataset": dict(self.per_dataset),
            "seeds": dict(self.seeds),
            "hyperparameters": dict(self.hyperparameters),
        }
