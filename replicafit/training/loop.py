"""The host's side of training: calls the compiled loop and looks in every few hundred steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.training.engine import BatchConstants, History, Schedule
from replicafit.training.state import TrainingState
from replicafit.training.status import Status


@dataclass(frozen=True)
class Snapshot:
    """Replicas between two compiled calls, as numpy arrays.

    Attributes:
        state: with leading replica axis.
        history: all checks so far, each column (r, checks).
    """

    state: TrainingState
    history: History

    @property
    def running(self) -> np.ndarray:
        """Which slots still train, (r,)."""
        return np.asarray(self.state.status == Status.running)


def train(
    advance: Callable[..., Any],
    state: TrainingState,
    constants: BatchConstants,
    schedule: Schedule,
    history: History | None = None,
) -> Iterator[Snapshot]:
    """Trains a batch until no replica runs; gives a snapshot after each compiled call.

    Args:
        advance: the compiled engine.
        state: where to begin, numpy arrays.
        constants: what stays, numpy arrays.
        schedule: when to check.
        history: the checks before ``state``, if it is not the start.
    """
    on_device = to_device(constants)
    snapshot = Snapshot(state, history or no_history(len(state.steps)))
    device_state = to_device(state)
    while snapshot.running.any():
        checks = _checks_left(snapshot, schedule)
        device_state, seen = advance(
            device_state, on_device, ops.convert_to_tensor(checks, "int32")
        )
        new = [column[:, :checks] for column in to_host(seen)]
        joined = map(np.concatenate, zip(snapshot.history, new, strict=True), [1] * 3)
        snapshot = Snapshot(to_host(device_state), History(*joined))
        yield snapshot


def to_device(tree: Any) -> Any:
    """Numpy arrays as tensors."""
    return keras.tree.map_structure(ops.convert_to_tensor, tree)


def to_host(tree: Any) -> Any:
    """Tensors as numpy arrays."""
    return keras.tree.map_structure(ops.convert_to_numpy, tree)


def no_history(slots: int) -> History:
    """No checks yet."""
    empty = np.zeros((slots, 0))
    return History(empty.astype(np.int32), empty, empty)


def _checks_left(snapshot: Snapshot, schedule: Schedule) -> int:
    """No more checks than any running replica can still need."""
    least = int(snapshot.state.steps[snapshot.running].min())
    return min(schedule.checks_per_call, -(-(schedule.max_steps - least) // schedule.check_every))
