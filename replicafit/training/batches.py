"""What the engine needs of each replica, prepared for several at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from replicafit.data import FitData, ReplicaData, replica_data
from replicafit.data.fit_data import all_grids
from replicafit.forward.chi2 import Chi2
from replicafit.runcard import Setup
from replicafit.seeds import Seeds
from replicafit.training.engine import BatchConstants
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.model import NO_START, ReplicaModel, build_model
from replicafit.training.optimizers import Optimizer
from replicafit.training.starts import Starts, starts_of
from replicafit.training.state import TrainingState, initial_state
from replicafit.training.status import Status


@dataclass(frozen=True)
class PreparedBatch:
    """Replicas ready to train, on the host; every array has a leading replica axis.

    Attributes:
        model: the network, freshly built.
        data: what the replicas are fitted to.
        state: where they begin.
        constants: what training does not change.
        starts: draws other initial weights; None where they come from an earlier fit.
    """

    model: ReplicaModel
    data: ReplicaData
    state: TrainingState
    constants: BatchConstants
    starts: Starts | None


def prepare_batch(
    setup: Setup,
    numbers: Sequence[int],
    data: FitData,
    chi2: Chi2,
    optimizer: Optimizer,
    start: Mapping[int, Path] = NO_START,
) -> PreparedBatch:
    """Everything of the replicas ``numbers``; each one's part depends on its number alone."""
    runcard, seeds = setup.runcard, Seeds(setup.runcard.seed)
    settings, x_grid = runcard.data, all_grids(data.datasets)
    model = build_model(setup, numbers, x_grid, start, data.inputs)
    starts = None if start else Starts(setup, x_grid, data.inputs)
    begun = starts_of(model) if starts is None else starts.first(model)
    own = replica_data(
        data,
        seeds,
        numbers,
        settings.training_fraction,
        settings.pseudodata,
        settings.redraw_negative,
    )
    hyper = draw_hyperparameters(optimizer.hyper, seeds, numbers)
    weights = [np.stack(rows) for rows in zip(*(each.weights for each in begun), strict=True)]
    used = np.ones(len(numbers), bool)
    terms = [
        [chi2.terms(part, values) for part, values in zip(parts, own.values, strict=True)]
        for parts in (own.training, ~own.training)
    ]
    training, validation = (
        keras.tree.map_structure(lambda *r: np.concatenate(r).astype(runcard.precision), *each)
        for each in terms
    )
    constants = BatchConstants(
        fixed=tuple(ops.convert_to_numpy(v) for v in model.network.non_trainable_variables),
        training=training,
        validation=validation,
        stop_on_training=own.training.all(axis=1).astype(runcard.precision),
    )
    draws = [each.draw for each in begun]
    state = initial_state(weights, optimizer, hyper, used, runcard.precision, draws)
    state.status[np.isin(numbers, own.undrawn)] = Status.undrawn
    return PreparedBatch(model, own, state, constants, starts)
