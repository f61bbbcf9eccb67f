"""Which replicas train together, and what the engine needs of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.data import FitData, ReplicaData, replica_data
from replicafit.forward.chi2 import Chi2
from replicafit.model import ReplicaModel, build_model
from replicafit.plugins import Registry
from replicafit.runcard import Runcard
from replicafit.seeds import Seeds
from replicafit.training.engine import BatchConstants
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.optimisers import Optimiser
from replicafit.training.state import TrainingState, initial_state

SLOTS = 10
"""Slots of every batch on a CPU: beyond it nothing gets faster (docs/benchmarks.md).

Batches are always padded to it, because the same compiled shape gives a replica the same bits
whoever is beside it and however many there are. Only a single replica gets a batch of its own
shape; it equals the padded one to rounding.
"""


@dataclass(frozen=True)
class Batch:
    """The replicas that train together; ``numbers`` may be fewer than ``slots``."""

    numbers: tuple[int, ...]
    slots: int

    @property
    def padded(self) -> tuple[int, ...]:
        """A replica number for every slot; spare slots repeat the first and never run."""
        return self.numbers + self.numbers[:1] * (self.slots - len(self.numbers))


def plan_batches(numbers: Sequence[int], slots: int = SLOTS) -> tuple[Batch, ...]:
    """Batches of equal slots, so that one compiled engine serves all."""
    slots = 1 if len(numbers) == 1 else slots
    starts = range(0, len(numbers), slots)
    return tuple(Batch(tuple(numbers[i : i + slots]), slots) for i in starts)


@dataclass(frozen=True)
class PreparedBatch:
    """A batch ready to train, on the host."""

    model: ReplicaModel
    data: ReplicaData
    state: TrainingState
    constants: BatchConstants


def prepare_batch(
    batch: Batch,
    runcard: Runcard,
    registry: Registry,
    data: FitData,
    chi2: Chi2,
    optimiser: Optimiser,
) -> PreparedBatch:
    """Everything of the replicas of ``batch``; each one's part depends on its number alone."""
    seeds = Seeds(runcard.seed)
    model = build_model(runcard, registry, seeds, batch.padded)
    own = replica_data(
        data, seeds, batch.padded, runcard.data.training_fraction, runcard.data.pseudodata
    )
    used = np.arange(batch.slots) < len(batch.numbers)
    hyper = draw_hyperparameters(optimiser.hyper, seeds, batch.padded)
    weights = [ops.convert_to_numpy(v) for v in model.network.trainable_variables]
    return PreparedBatch(
        model=model,
        data=own,
        state=initial_state(weights, optimiser, hyper, used, runcard.precision),
        constants=_constants(model, own, chi2, runcard.precision),
    )


def _constants(model: ReplicaModel, own: ReplicaData, chi2: Chi2, precision: str) -> BatchConstants:
    parts = [(own.training, "training"), (~own.training, "validation")]
    terms = {
        name: _stacked([chi2.terms(s, v) for s, v in zip(part, own.values, strict=True)], precision)
        for part, name in parts
    }
    return BatchConstants(
        fixed=tuple(ops.convert_to_numpy(v) for v in model.network.non_trainable_variables),
        stop_on_training=own.training.all(axis=1).astype(precision),
        **terms,
    )


def _stacked(terms: Sequence[Any], precision: str) -> Any:
    """The terms of single replicas along one replica axis, in device precision."""
    return keras.tree.map_structure(lambda *each: np.concatenate(each).astype(precision), *terms)
