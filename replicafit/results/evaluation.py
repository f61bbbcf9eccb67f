"""From the weights of finished replicas to their results, in float64 on the host."""

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
from replicafit.components.inputs import as_points, table_grid
from replicafit.data import FitData
from replicafit.data.grid_functions import GridFunctions, combination
from replicafit.forward.predictions import chi2, predict_all
from replicafit.results.data_file import experiment_places
from replicafit.results.records import (
    FORMAT,
    Chi2PerDatum,
    Each,
    PenaltyVerdict,
    ReplicaRecord,
    Seeds,
    SplitChi2,
    Start,
)
from replicafit.results.replica import (
    ReplicaHistory,
    ReplicaPredictions,
    ReplicaPseudodata,
    ReplicaResult,
)
from replicafit.results.selection import arc_lengths
from replicafit.runcard import Setup
from replicafit.seeds import Seeds as RandomSeeds
from replicafit.training.model import ReplicaModel, layer_seed
from replicafit.training.slots import FinishedReplica
from replicafit.training.status import Status


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Judges finished replicas.

    Their networks are evaluated one by one: outside of the compiled engine the last digits of a
    replica would depend on its slot, and so on its company.

    Attributes:
        setup: what is fitted.
        data: of it.
        model: of one replica; gets the weights of those that are judged.
        architecture: its position in ``model.choice``, if there is a choice.
        verdicts: of the penalties, by name.
    """

    setup: Setup
    data: FitData
    model: ReplicaModel
    architecture: int | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    def results(
        self, finished: Sequence[FinishedReplica]
    ) -> Iterator[tuple[ReplicaResult, keras.Model]]:
        """The result and the plain network of each of ``finished``, at its best weights."""
        data, turn, grid = self.data, self._turn(self.data), table_grid(self.data.inputs)
        for each in finished:
            fitted, exported = self._functions(each, (data.x_grid, grid))
            [network] = replace(self.model, numbers=(each.replica.number,)).split([0], turn)
            function = GridFunctions(
                grid, data.flavours, exported @ turn, data.attributes, data.inputs
            )
            prediction = predict_all(data, self.setup.registry, fitted @ turn)
            own = ReplicaPredictions(data, prediction, self._weighted(data.central - prediction))
            record = self._record(each, own, function, self._verdicts(fitted))
            pseudodata = self._pseudodata(each)
            yield ReplicaResult(record, _history(each), function, pseudodata, own), network

    def _functions(
        self, finished: FinishedReplica, grids: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """The functions (n, f) of a replica on each of ``grids``, (n,) or (n, m); its best weights,
        and what is not trained, stay in the model.
        """
        network, place = self.model.network, finished.replica.place
        for variable, row in zip(
            network.trainable_variables, finished.row[0].best_weights, strict=True
        ):
            variable.assign(row[None])
        fixed = finished.replica.batch.constants.fixed
        for variable, rows in zip(network.non_trainable_variables, fixed, strict=True):
            variable.assign(rows[place : place + 1])
        found = []
        for x in grids:
            points = ops.cast(ops.convert_to_tensor(as_points(x)[None]), network.compute_dtype)
            values = ops.convert_to_numpy(network(points))
            found.append(np.asarray(values[0, 0], dtype=np.float64))
        return found

    def _turn(self, data: FitData) -> np.ndarray:
        """The matrix (f, g) from the fitted functions to those of ``data``."""
        return combination(self.model.flavours, data.flavours, self.setup.registry)

    def _verdicts(self, fitted: np.ndarray) -> dict[str, PenaltyVerdict]:
        """What each penalty says of a replica, from fitted functions (n, f)."""
        found: dict[str, PenaltyVerdict] = {}
        for name, verdict in self.verdicts.items():
            values = ops.convert_to_numpy(verdict.measure(ops.convert_to_tensor(fitted[None])))
            value = float(values[0])
            passed = value <= verdict.bound
            found[name] = PenaltyVerdict(value=value, bound=verdict.bound, passed=passed)
        return found

    def _record(
        self,
        finished: FinishedReplica,
        own: ReplicaPredictions,
        function: GridFunctions,
        penalties: dict[str, PenaltyVerdict],
    ) -> ReplicaRecord:
        (state, _), replica, data = finished.row, finished.replica, self.data
        residual = data.central - own.prediction
        everything, experiments, datasets = (
            {name: residual[at] @ row[at] / len(at) for name, at in group.items()}
            for row, group in zip(own.weighted_residual, self._groups, strict=True)
        )
        lengths = arc_lengths(function.x, function.values, function.inputs).tolist()
        training = replica.batch.data.training[replica.place]
        seeds, number, draw = RandomSeeds(self.setup.runcard.seed), replica.number, int(state.draw)
        seeded = [i for i, s in enumerate(self.model.stages) if hasattr(s.layer, "replica_seeds")]
        recorded = {
            key: value
            for stage in self.model.stages
            if hasattr(stage.layer, "record")
            for key, value in stage.layer.record(0).items()
        }
        return ReplicaRecord(
            format=FORMAT,
            number=replica.number,
            status=Status(int(state.status)).name,
            steps=int(state.steps),
            best_step=int(state.best_step),
            n_data=data.n_data,
            n_training=int(training.sum()),
            n_data_per_dataset={d.name: d.n_data for d in data.datasets},
            chi2_per_datum=Chi2PerDatum(**_at_best(finished), all=everything["all"]),
            per_dataset=datasets,
            per_experiment=experiments,
            split_per_dataset=self._split(self._groups[2], own.prediction, replica),
            split_per_experiment=self._split(self._groups[1], own.prediction, replica),
            held_out=self._held_out(finished),
            penalties=penalties,
            arc_length=dict(zip(function.flavours, lengths, strict=True)),
            seeds=Seeds(
                runcard=self.setup.runcard.seed,
                layers=[layer_seed(seeds, number, i, draw) for i in seeded],
            ),
            start=Start(draw=draw + 1, anew=bool(state.again)),
            architecture=self.architecture,
            hyperparameters={k: float(v) for k, v in state.hyper.items()},
            **recorded,
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
        """The lower Cholesky factor of each group's own covariance, as LAPACK has matrices: it
        would copy others each time.
        """
        covariance, whole = self.data.covariance, np.asfortranarray(self.data.cholesky)
        return {"all": whole}, *(
            {
                name: np.asfortranarray(np.linalg.cholesky(covariance[np.ix_(at, at)]))
                for name, at in group.items()
            }
            for group in self._groups[1:]
        )

    def _weighted(self, residual: np.ndarray) -> np.ndarray:
        """C^-1 residual, (3, d), with the covariance of all, of experiments, of datasets."""
        weighted = np.empty((len(self._groups), len(residual)))
        for row, group, factors in zip(weighted, self._groups, self._factors, strict=True):
            for name, at in group.items():
                row[at] = cho_solve((factors[name], True), residual[at], check_finite=False)
        return weighted

    def _pseudodata(self, finished: FinishedReplica) -> ReplicaPseudodata:
        own, place = finished.replica.batch.data, finished.replica.place
        return ReplicaPseudodata(
            datasets=tuple(dataset.name for dataset in self.data.datasets),
            n_data=tuple(dataset.n_data for dataset in self.data.datasets),
            values=own.values[place],
            training=own.training[place],
            basis="data" if self.data.whitening is None else "diagonal",
        )

    def held_out(
        self, finished: Sequence[FinishedReplica]
    ) -> tuple[np.ndarray, np.ndarray, list[dict[str, PenaltyVerdict]]]:
        """What ``finished`` say about the data that are not fitted, and about those that are, each
        (s, d), and their verdicts: those of penalties, and of the bound that the runcard sets for
        chi2.
        """
        held_out, registry = self.data.held_out, self.setup.registry
        assert held_out is not None
        seen = [self._functions(each, (self.data.x_grid, held_out.x_grid)) for each in finished]
        own, others = map(np.stack, zip(*seen, strict=True))
        judged = [self._verdicts(each) for each in own]
        fitted = predict_all(self.data, registry, own @ self._turn(self.data))
        bound = self.setup.runcard.selection.chi2_per_datum
        if bound is not None:
            each = chi2(fitted - self.data.central, self.data.covariance) / self.data.n_data
            for verdicts, value in zip(judged, each.tolist(), strict=True):
                verdicts["selection.chi2_per_datum"] = PenaltyVerdict(
                    value=value, bound=bound, passed=value <= bound
                )
        return predict_all(held_out, registry, others @ self._turn(held_out)), fitted, judged

    def _held_out(self, finished: FinishedReplica) -> Each:
        """chi2 per datum of each dataset that is not fitted."""
        data = self.data.held_out
        if data is None:
            return {}
        [functions] = self._functions(finished, (data.x_grid,))
        prediction = predict_all(data, self.setup.registry, functions @ self._turn(data))
        residual = prediction - data.central
        return {
            dataset.name: float(chi2(residual[place], data.covariance[place, place]))
            / dataset.n_data
            for dataset, place in zip(data.datasets, data.slices, strict=True)
        }

    def _split(self, group: Mapping[str, np.ndarray], prediction: np.ndarray, replica: Any) -> Any:
        """Of each part of ``group``, in the covariance that is minimised.

        Empty if the split does not count data.
        """
        if self.data.whitening is not None:
            return {}
        own, covariance = replica.batch.data, self.data.fit_covariance
        residual, training = prediction - own.values[replica.place], own.training[replica.place]

        def per_datum(at: np.ndarray) -> float | None:
            if not len(at):
                return None
            return float(chi2(residual[at], covariance[np.ix_(at, at)])) / len(at)

        return {
            name: SplitChi2(
                training=per_datum(at[training[at]]),
                validation=per_datum(at[~training[at]]),
                n_training=int(training[at].sum()),
            )
            for name, at in group.items()
        }


def _at_best(finished: FinishedReplica) -> dict[str, float | None]:
    """Training and validation chi2 per datum at the best check, as the engine saw them."""
    state, history = finished.row
    found = np.flatnonzero(history.step == state.best_step)
    training = finished.replica.batch.data.training[finished.replica.place]
    if not len(found):
        return {}
    parts = ("training", history.training, training), ("validation", history.validation, ~training)
    return {
        name: float(seen[found[0]]) / own.sum() if own.any() else None for name, seen, own in parts
    }


def _history(finished: FinishedReplica) -> ReplicaHistory:
    """The checks of a replica, up to its last step."""
    state, history = finished.row
    first, last = np.searchsorted(history.step, [0, state.steps])  # before its own: -1
    own = slice(first, last + 1)
    return ReplicaHistory(
        step=history.step[own],
        chi2_training=history.training[own].astype(np.float64),
        chi2_validation=history.validation[own].astype(np.float64),
    )
