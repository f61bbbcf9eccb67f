"""From the weights of a batch to the results of its replicas, in float64 on the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from keras import ops

from replicafit.data import FitData, ReplicaData
from replicafit.forward.predictions import chi2_from_factor, predict_all
from replicafit.model import ReplicaModel
from replicafit.pdf.bases import rotation
from replicafit.plugins import Registry
from replicafit.results import Chi2PerDatum, ReplicaFunction, ReplicaHistory, ReplicaResult
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status

EXPORT_GRID = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
"""Where ``function.npz`` tabulates: logarithmic below x = 0.1, linear above."""


@dataclass(frozen=True)
class Evaluation:
    """Everything needed to judge replicas, apart from their weights."""

    data: FitData
    registry: Registry
    runcard_seed: int

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
        turn = rotation(model.flavours, self.data.flavours)
        on_data = _evaluate(model, self.data.x_grid) @ turn
        on_export_grid = _evaluate(model, EXPORT_GRID) @ turn
        predictions = predict_all(self.data, self.registry, on_data)
        for slot, network in zip(slots, model.split(slots, turn), strict=True):
            function = ReplicaFunction(
                EXPORT_GRID, self.data.flavours, on_export_grid[slot], self.data.q0
            )
            result = self._result(model, replica_data, snapshot, slot, predictions[slot], function)
            yield result, network

    def _result(
        self,
        model: ReplicaModel,
        replica_data: ReplicaData,
        snapshot: Snapshot,
        slot: int,
        prediction: np.ndarray,
        function: ReplicaFunction,
    ) -> ReplicaResult:
        state, number = snapshot.state, model.numbers[slot]
        return ReplicaResult(
            number=number,
            status=Status(int(state.status[slot])).name,
            steps=int(state.steps[slot]),
            best_step=int(state.best_step[slot]),
            n_data_per_dataset={d.name: d.n_data for d in self.data.datasets},
            chi2_per_datum=Chi2PerDatum(
                *_at_best(snapshot, replica_data, slot), all=self._all(prediction)
            ),
            per_dataset=self._per_dataset(prediction),
            seeds={"runcard": self.runcard_seed, "layers": _layer_seeds(model, slot)},
            hyperparameters={k: float(v[slot]) for k, v in state.hyper.items()},
            history=_history(snapshot, slot),
            function=function,
        )

    @cached_property
    def _own_factors(self) -> tuple[np.ndarray, ...]:
        """The lower Cholesky factor of each dataset's own covariance."""
        covariance = self.data.covariance
        return tuple(np.linalg.cholesky(covariance[place, place]) for place in self.data.slices)

    def _all(self, prediction: np.ndarray) -> float:
        residual = prediction - self.data.central
        return float(chi2_from_factor(residual, self.data.cholesky)) / self.data.n_data

    def _per_dataset(self, prediction: np.ndarray) -> dict[str, float]:
        residual = prediction - self.data.central
        parts = zip(self.data.datasets, self.data.slices, self._own_factors, strict=True)
        return {
            dataset.name: float(chi2_from_factor(residual[place], factor)) / dataset.n_data
            for dataset, place, factor in parts
        }


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


def _layer_seeds(model: ReplicaModel, slot: int) -> list[int]:
    seeds = (getattr(stage.layer, "replica_seeds", None) for stage in model.stages)
    return [each[slot] for each in seeds if each is not None]


def _history(snapshot: Snapshot, slot: int) -> ReplicaHistory:
    """The checks of one slot up to its last step."""
    steps = snapshot.history.step[slot]
    checks = int(np.searchsorted(steps, snapshot.state.steps[slot])) + 1
    return ReplicaHistory(
        step=steps[:checks],
        chi2_training=snapshot.history.training[slot, :checks].astype(np.float64),
        chi2_validation=snapshot.history.validation[slot, :checks].astype(np.float64),
    )
