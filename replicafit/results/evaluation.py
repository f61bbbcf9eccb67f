"""From the weights of finished replicas to their results, in float64 on the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """Judges finished replicas, as many at once as there are slots.

    Attributes:
        setup: what is fitted.
        data: of it.
        model: of as many replicas as there are slots; gets the weights of those that are judged.
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
        self._take_weights(finished)
        count = len(finished)
        turn = combination(self.model.flavours, self.data.flavours, self.setup.registry)
        fitted = self._functions(self.data.x_grid)
        grid = table_grid(self.data.inputs)
        exported = (self._functions(grid) @ turn)[:count]
        predictions = predict_all(self.data, self.setup.registry, (fitted @ turn)[:count])
        weighted = self._weighted(self.data.central - predictions)
        held_out = self._held_out(count)
        judged = self._verdicts(fitted)
        networks = self.model.split(range(count), turn)
        for i, (each, network) in enumerate(zip(finished, networks, strict=True)):
            function = GridFunctions(
                grid, self.data.flavours, exported[i], self.data.attributes, self.data.inputs
            )
            own = ReplicaPredictions(self.data, predictions[i], weighted[:, i])
            record = self._record(each, i, own, function, held_out[i], judged[i])
            pseudodata = self._pseudodata(each)
            yield ReplicaResult(record, _history(each), function, pseudodata, own), network

    def _take_weights(self, finished: Sequence[FinishedReplica]) -> None:
        """Best weights, and what is not trained, of each replica; the first's in spare slots."""
        network = self.model.network
        padded = [*finished, *[finished[0]] * (len(self.model.numbers) - len(finished))]
        trained = zip(*(each.row[0].best_weights for each in padded), strict=True)
        for variable, rows in zip(network.trainable_variables, trained, strict=True):
            variable.assign(np.stack(rows))
        fixed = zip(
            *([a[e.replica.place] for a in e.replica.batch.constants.fixed] for e in padded),
            strict=True,
        )
        for variable, rows in zip(network.non_trainable_variables, fixed, strict=True):
            variable.assign(np.stack(rows))

    def _functions(self, x: np.ndarray) -> np.ndarray:
        """The functions (r, n, f) of all slots at x (n,) or (n, m)."""
        network = self.model.network
        points = ops.cast(ops.convert_to_tensor(as_points(x)[None]), network.compute_dtype)
        return np.asarray(ops.convert_to_numpy(network(points))[0], dtype=np.float64)

    def _verdicts(self, fitted: np.ndarray) -> list[dict[str, PenaltyVerdict]]:
        """What each penalty says of each slot, from fitted functions (r, n, f)."""
        found: list[dict[str, PenaltyVerdict]] = [{} for _ in fitted]
        for name, verdict in self.verdicts.items():
            values = ops.convert_to_numpy(verdict.measure(ops.convert_to_tensor(fitted)))
            for own, value in zip(found, values.tolist(), strict=True):
                passed = value <= verdict.bound
                own[name] = PenaltyVerdict(value=value, bound=verdict.bound, passed=passed)
        return found

    def _record(
        self,
        finished: FinishedReplica,
        slot: int,
        own: ReplicaPredictions,
        function: GridFunctions,
        held_out: Each,
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
            for key, value in stage.layer.record(slot).items()
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
            held_out=held_out,
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
        """The lower Cholesky factor of each group's own covariance."""
        covariance = self.data.covariance
        return {"all": self.data.cholesky}, *(
            {name: np.linalg.cholesky(covariance[np.ix_(at, at)]) for name, at in group.items()}
            for group in self._groups[1:]
        )

    def _weighted(self, residuals: np.ndarray) -> np.ndarray:
        """C^-1 residual, (3, r, d), with the covariance of all, of experiments, of datasets."""
        weighted = np.empty((len(self._groups), *residuals.shape))
        for rows, group, factors in zip(weighted, self._groups, self._factors, strict=True):
            for name, at in group.items():
                own = cho_solve((factors[name], True), residuals[:, at].T, check_finite=False)
                rows[:, at] = own.T
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
        self._take_weights(finished)
        assert self.data.held_out is not None
        count = len(finished)
        judged = self._verdicts(self._functions(self.data.x_grid))[:count]
        fitted = self._predicted(self.data, count)
        bound = self.setup.runcard.selection.chi2_per_datum
        if bound is not None:
            each = chi2(fitted - self.data.central, self.data.covariance) / self.data.n_data
            for own, value in zip(judged, each.tolist(), strict=True):
                own["selection.chi2_per_datum"] = PenaltyVerdict(
                    value=value, bound=bound, passed=value <= bound
                )
        return self._predicted(self.data.held_out, count), fitted, judged

    def _predicted(self, data: FitData, count: int) -> np.ndarray:
        """Predictions for ``data`` of the first ``count`` slots, (s, d)."""
        turn = combination(self.model.flavours, data.flavours, self.setup.registry)
        functions = (self._functions(data.x_grid) @ turn)[:count]
        return predict_all(data, self.setup.registry, functions)

    def _held_out(self, count: int) -> list[Each]:
        """chi2 per datum of each dataset that is not fitted, for the first ``count`` slots."""
        data = self.data.held_out
        if data is None:
            return [{} for _ in range(count)]
        residuals = self._predicted(data, count) - data.central
        per_dataset = [
            chi2(residuals[:, place], data.covariance[place, place]) / dataset.n_data
            for dataset, place in zip(data.datasets, data.slices, strict=True)
        ]
        names = [dataset.name for dataset in data.datasets]
        return [dict(zip(names, each, strict=True)) for each in zip(*per_dataset, strict=True)]

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
