"""What a fit leaves, as frozen values; no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from replicafit.data import FitData


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
    """The fitted functions: ``values`` (n, f) at x (n,), and what characterizes them."""

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray
    attributes: Mapping[str, float] = field(default_factory=dict)


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
class SplitChi2:
    """chi2 per datum of one dataset of a replica's pseudodata, with the covariance of each part.

    Attributes:
        training, validation: None where the part has no data.
        n_training: how many data train.
    """

    training: float | None
    validation: float | None
    n_training: int


@dataclass(frozen=True)
class PenaltyVerdict:
    """What one penalty says of a replica: ``value`` passes if it is at most ``bound``."""

    value: float
    bound: float

    @property
    def passed(self) -> bool:
        """Whether it does."""
        return self.value <= self.bound

    def summary(self) -> dict[str, Any]:
        """What ``result.json`` holds."""
        value = self.value if np.isfinite(self.value) else None
        return {"value": value, "bound": self.bound, "passed": self.passed}


@dataclass(frozen=True)
class ReplicaResult:
    """One replica at its best check.

    Attributes:
        number: the replica number.
        status: ``stopped``, ``completed`` or ``diverged``.
        steps: steps taken.
        best_step: the step the weights are of.
        n_data_per_dataset: how many data each dataset has.
        chi2_per_datum: in total.
        per_dataset: chi2 per datum of the measured values, with the covariance of the dataset.
        per_experiment: the same with the covariance of all data of an experiment.
        split_per_dataset: of the pseudodata; empty if the split does not count data.
        penalties: the verdict of each penalty that gives one.
        arc_length: of x f over x, from 1e-6 to 1, of each function.
        seeds: the runcard's seed and the integer seed of each layer.
        architecture: which of ``model.choice`` it drew, from 1; None without a choice.
        hyperparameters: of the optimizer, this replica's own.
        history: chi2 at every check.
        function: the fitted functions.
        pseudodata: what was fitted.
        predictions: for all data.
        recorded: what its layers tell of themselves, such as exponents.
        held_out: chi2 per datum of datasets that were not fitted, as ``per_dataset``.
        split_per_experiment: as ``split_per_dataset``, all data of an experiment together.
    """

    number: int
    status: str
    steps: int
    best_step: int
    n_data_per_dataset: Mapping[str, int]
    chi2_per_datum: Chi2PerDatum
    per_dataset: Mapping[str, float]
    per_experiment: Mapping[str, float]
    split_per_dataset: Mapping[str, SplitChi2]
    penalties: Mapping[str, PenaltyVerdict]
    arc_length: Mapping[str, float]
    seeds: Mapping[str, Any]
    architecture: int | None
    hyperparameters: Mapping[str, float]
    history: ReplicaHistory
    function: ReplicaFunction
    pseudodata: ReplicaPseudodata
    predictions: ReplicaPredictions
    recorded: Mapping[str, Any] = field(default_factory=dict)
    held_out: Mapping[str, float] = field(default_factory=dict)
    split_per_experiment: Mapping[str, SplitChi2] = field(default_factory=dict)

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
            "per_experiment": dict(self.per_experiment),
            "n_training": int(self.pseudodata.training.sum()),
            "split_per_dataset": {k: asdict(v) for k, v in self.split_per_dataset.items()},
            "split_per_experiment": {k: asdict(v) for k, v in self.split_per_experiment.items()},
            "held_out": dict(self.held_out),
            "penalties": {name: verdict.summary() for name, verdict in self.penalties.items()},
            "arc_length": dict(self.arc_length),
            "seeds": dict(self.seeds),
            "architecture": self.architecture,
            "hyperparameters": dict(self.hyperparameters),
            **self.recorded,
        }
