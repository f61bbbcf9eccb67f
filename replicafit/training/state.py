"""The state of a batch: one tree of arrays, each with a leading replica axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from replicafit.training.optimizers import Optimizer
from replicafit.training.status import Status


class TrainingState(NamedTuple):
    """Everything that changes during training; r is the number of slots.

    Attributes:
        weights: trainable weights, each (r, ...).
        memory: the optimizer's arrays for each weight, each (r, ...).
        scalars: the optimizer's numbers, each (r,).
        hyper: hyperparameters by name, each (r,).
        steps: steps taken, (r,).
        status: a ``Status``, (r,).
        best_weights: those of the best check so far, each (r, ...).
        best_validation: that chi2, (r,).
        best_passes: whether that check passed the penalties' verdicts, (r,).
        best_step: the step it was found at, (r,).
        draw: which draw of initial weights it began from, from 0, (r,).
        again: whether it began anew after it was stuck, (r,).
    """

    weights: tuple[Any, ...]
    memory: tuple[tuple[Any, ...], ...]
    scalars: tuple[Any, ...]
    hyper: dict[str, Any]
    steps: Any
    status: Any
    best_weights: tuple[Any, ...]
    best_validation: Any
    best_passes: Any
    best_step: Any
    draw: Any
    again: Any


def initial_state(
    weights: Sequence[np.ndarray],
    optimizer: Optimizer,
    hyper: dict[str, np.ndarray],
    used: np.ndarray,
    precision: str,
    draw: Sequence[int] = (),
) -> TrainingState:
    """The state before the first step.

    Args:
        weights: initial weights, each (r, ...).
        optimizer: decides what is kept for each weight.
        hyper: each (r,).
        used: which slots hold a replica, (r,).
        draw: which draw of each the weights are, (r,); the first if not given.
    """
    weights = tuple(np.asarray(w, precision) for w in weights)
    r = len(used)
    return TrainingState(
        weights=weights,
        memory=tuple(tuple(np.full_like(w, v) for v in optimizer.memory) for w in weights),
        scalars=tuple(np.full(r, v, precision) for v in optimizer.scalars),
        hyper={name: np.asarray(vector, precision) for name, vector in hyper.items()},
        steps=np.zeros(r, np.int32),
        status=np.where(used, Status.running, Status.empty).astype(np.int32),
        best_weights=weights,
        best_validation=np.full(r, np.inf, precision),
        best_passes=np.zeros(r, bool),
        best_step=np.zeros(r, np.int32),
        draw=np.array(draw or [0] * r, np.int32),
        again=np.zeros(r, bool),
    )
