"""From the weights of a batch to the results of its replicas, in float64 on the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.linalg import cho_solve

from replicafit.components import Verdict
from replicafit.data import FitData, ReplicaData
from replicafit.data.relations import combination
from replicafit.forward.predictions import chi2, chi2_from_factor, predict_all
from replicafit.plugins import Registry
from replicafit.results.data_file import experiment_places
from replicafit.results.replica import (
    Chi2PerDatum,
    PenaltyVerdict,
    ReplicaFunction,
    ReplicaHistory,
    ReplicaPredictions,
    ReplicaPseudodata,
    ReplicaResult,
    SplitChi2,
)
from replicafit.results.selection import arc_lengths
from replicafit.training.loop import Snapshot
from replicafit.training.model import ReplicaModel
from replicafit.training.state import Status

EXPORT_GRID = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
"""Where ``function.npz`` tabulates: logarithmic below x = 0.1, linear above."""


@dataclass(frozen=True)
class Evaluation:
    """Everything needed to judge replicas, apart from their weights."""

    data: FitData
    registry: Registry
    runcard_seed: int
    architecture: int | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    def results(
        self,
        model: ReplicaModel,
        replica_data: ReplicaData,
        snapshot: Snapshot,
        slots: Sequence[int],
    ) -> Iterator[tuple[ReplicaResult, keras.Model]]:
        """The result and the plain network of each of ``slots``, at their best weights."""
        for variable, best in zip(
            model.network.trainable_variables, snapshot.state.best_weights, strict=True
        ):
            variable.assign(best)
        turn = combination(model.flavours, self.data.flavours, self.registry)
        fitted = _evaluate(model, self.data.x_grid)
        on_data, verdicts = fitted @ turn, self._verdicts(fitted)
        on_export_grid = _evaluate(model, EXPORT_GRID) @ turn
        predictions = predict_all(self.data, self.registry, on_data)
        held_out = self._held_out(model)
        for slot, network in zip(slots, model.split(slots, turn), strict=True):
            function = ReplicaFunction(
                EXPORT_GRID, self.data.flavours, on_export_grid[slot], self.data.attributes
            )
            result = self._result(
                model, replica_data, snapshot, slot, predictions[slot], verdicts[slot], function
            )
            yield replace(result, held_out=held_out[slot]), network

    def _verdicts(self, fitted: np.ndarray) -> list[dict[str, PenaltyVerdict]]:
        """What each penalty says of each slot, from fitted functions (r, n, f)."""
        found: list[dict[str, PenaltyVerdict]] = [{} for _ in fitted]
        for name, verdict in self.verdicts.items():
            values = ops.convert_to_numpy(verdict.measure(ops.convert_to_tensor(fitted)))
            for own, value in zip(found, values.tolist(), strict=True):
                own[name] = PenaltyVerdict(value, verdict.bound)
        return found

    def _result(
        self,
        model: ReplicaModel,
        replica_data: ReplicaData,
        snapshot: Snapshot,
        slot: int,
        prediction: np.ndarray,
        verdicts: Mapping[str, PenaltyVerdict],
        function: ReplicaFunction,
    ) -> ReplicaResult:
        state, number = snapshot.state, model.numbers[slot]
        residual = self.data.central - prediction
        weighted = self._weighted(residual)
        _, together, datasets_apart = self._groups
        everything, experiments, datasets = (
            {name: float(residual[at] @ row[at]) / len(at) for name, at in group.items()}
            for row, group in zip(weighted, self._groups, strict=True)
        )
        return ReplicaResult(
            number=number,
            status=Status(int(state.status[slot])).name,
            steps=int(state.steps[slot]),
            best_step=int(state.best_step[slot]),
            n_data_per_dataset={d.name: d.n_data for d in self.data.datasets},
            chi2_per_datum=Chi2PerDatum(
                *_at_best(snapshot, replica_data, slot), all=everything["all"]
            ),
            per_dataset=datasets,
            per_experiment=experiments,
            split_per_dataset=self._split(datasets_apart, prediction, replica_data, slot),
            split_per_experiment=self._split(together, prediction, replica_data, slot),
            penalties=verdicts,
            arc_length=_arc_lengths(function),
            seeds={"runcard": self.runcard_seed, "layers": _layer_seeds(model, slot)},
            architecture=self.architecture,
            recorded=_recorded(model, slot),
            hyperparameters={k: float(v[slot]) for k, v in state.hyper.items()},
            history=_history(snapshot, slot),
            function=function,
            pseudodata=self._pseudodata(replica_data, slot),
            predictions=ReplicaPredictions(self.data, prediction, weighted),
        )

    @cached_property
    def _groups(self) -> tuple[dict[str, np.ndarray], ...]:
        """Data that are judged together: all, those of an experiment, those of a dataset."""
        everything = {"all": np.arange(self.data.n_data)}
        datasets = {
            dataset.name: np.arange(place.start, place.stop)
            for dataset, place in zip(self.data.datasets, self.data.slices, strict=True)
        }
        return everything, experiment_places(self.data), datasets

    @cached_property
    def _factors(self) -> tuple[dict[str, np.ndarray], ...]:
        """The lower Cholesky factor of each group's own covariance."""
        covariance = self.data.covariance
        parts = self._groups[1:]
        return {"all": self.data.cholesky}, *(
            {name: np.linalg.cholesky(covariance[np.ix_(at, at)]) for name, at in group.items()}
            for group in parts
        )

    def _weighted(self, residual: np.ndarray) -> np.ndarray:
        """C^-1 residual, (3, d), with the covariance of all, of experiments, of datasets."""
        weighted = np.empty((len(self._groups), self.data.n_data))
        for row, group, factors in zip(weighted, self._groups, self._factors, strict=True):
            for name, at in group.items():
                row[at] = cho_solve((factors[name], True), residual[at], check_finite=False)
        return weighted

    def _pseudodata(self, replica_data: ReplicaData, slot: int) -> ReplicaPseudodata:
        return ReplicaPseudodata(
            datasets=tuple(dataset.name for dataset in self.data.datasets),
            n_data=tuple(dataset.n_data for dataset in self.data.datasets),
            values=replica_data.values[slot],
            training=replica_data.training[slot],
            basis="data" if self.data.whitening is None else "diagonal",
        )

    def _held_out(self, model: ReplicaModel) -> list[dict[str, float]]:
        """chi2 per datum of each dataset that is not fitted, for each slot."""
        data = self.data.held_out
        if data is None:
            return [{} for _ in model.numbers]
        functions = _evaluate(model, data.x_grid) @ combination(
            model.flavours, data.flavours, self.registry
        )
        factors = _own_factors(data)
        predictions = predict_all(data, self.registry, functions)
        return [_per_dataset(data, factors, prediction) for prediction in predictions]

    def _split(
        self, group: Mapping[str, np.ndarray], prediction: np.ndarray, own: ReplicaData, slot: int
    ) -> dict[str, SplitChi2]:
        """Of each part of ``group``, in the covariance that is minimised.

        Empty if the split does not count data.
        """
        if self.data.whitening is not None:
            return {}
        residual, covariance = prediction - own.values[slot], self.data.fit_covariance

        def per_datum(at: np.ndarray) -> float | None:
            if not len(at):
                return None
            return float(chi2(residual[at], covariance[np.ix_(at, at)])) / len(at)

        split = {}
        for name, at in group.items():
            training = own.training[slot, at]
            parts = per_datum(at[training]), per_datum(at[~training])
            split[name] = SplitChi2(*parts, int(training.sum()))
        return split


def _own_factors(data: FitData) -> tuple[np.ndarray, ...]:
    """The lower Cholesky factor of each dataset's own covariance."""
    return tuple(np.linalg.cholesky(data.covariance[place, place]) for place in data.slices)


def _per_dataset(
    data: FitData, factors: Sequence[np.ndarray], prediction: np.ndarray
) -> dict[str, float]:
    residual = prediction - data.central
    return {
        dataset.name: float(chi2_from_factor(residual[place], factor)) / dataset.n_data
        for dataset, place, factor in zip(data.datasets, data.slices, factors, strict=True)
    }


def _arc_lengths(function: ReplicaFunction) -> dict[str, float]:
    lengths = arc_lengths(function.x, function.values).tolist()
    return dict(zip(function.flavours, lengths, strict=True))


def _evaluate(model: ReplicaModel, x: np.ndarray) -> np.ndarray:
    """x f (r, n, f) at x (n,)."""
    points = ops.cast(ops.convert_to_tensor(x[None, :, None]), model.network.compute_dtype)
    return np.asarray(ops.convert_to_numpy(model.network(points))[0], dtype=np.float64)


def _at_best(snapshot: Snapshot, own: ReplicaData, slot: int) -> tuple[float | None, float | None]:
    """Training and validation chi2 per datum at the best check, as the engine saw them."""
    found = np.flatnonzero(snapshot.history.step[slot] == snapshot.state.best_step[slot])
    n_training = int(own.training[slot].sum())
    n_validation = len(own.training[slot]) - n_training
    if not len(found):
        return None, None
    training = float(snapshot.history.training[slot, found[0]]) / n_training
    validation = float(snapshot.history.validation[slot, found[0]])
    return training, validation / n_validation if n_validation else None


def _recorded(model: ReplicaModel, slot: int) -> dict[str, Any]:
    """What the layers tell of one replica."""
    told: dict[str, Any] = {}
    for stage in model.stages:
        if hasattr(stage.layer, "record"):
            told |= stage.layer.record(slot)
    return told


def _layer_seeds(model: ReplicaModel, slot: int) -> list[int]:
    seeds = (getattr(stage.layer, "replica_seeds", None) for stage in model.stages)
    return [each[slot] for each in seeds if each is not None]


def _history(snapshot: Snapshot, slot: int) -> ReplicaHistory:
    """The checks of the replica in a slot, up to its last step."""
    steps = snapshot.history.step[slot]
    first, last = np.searchsorted(steps, [0, snapshot.state.steps[slot]])  # before its own: -1
    own = slice(first, last + 1)
    return ReplicaHistory(
        step=steps[own],
        chi2_training=snapshot.history.training[slot, own].astype(np.float64),
        chi2_validation=snapshot.history.validation[slot, own].astype(np.float64),
    )
