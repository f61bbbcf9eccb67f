"""A fit on TensorBoard: scalars by the writer of Keras' own callback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.data import ReplicaData
from replicafit.errors import OutputError
from replicafit.results.progress import Look, Progress, Spread, Tally
from replicafit.results.replica import ReplicaResult
from replicafit.training.loop import Snapshot

VALIDATION = "val_"
"""How Keras' callback knows what belongs to validation."""


def require_tensorboard() -> None:
    """Raises OutputError if the package that writes for TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise OutputError(
            "--tensorboard needs the package tensorboard, which is not installed: "
            "pip install 'replicafit[tensorboard]'"
        )


@dataclass
class TensorBoardLog:
    """Writes scalars at every look at the fit.

    Attributes:
        folder: gets ``train`` and ``validation``.
        tally: counts.
    """

    folder: Path
    tally: Tally
    _writer: Any = None
    _told: dict[int, int] = field(default_factory=dict)  # the step each replica was told at

    def phase(self, what: str) -> None:
        """Not written down."""

    def progress(self, snapshot: Snapshot, data: ReplicaData) -> None:
        """A batch in this process."""
        self.looks([Look.of(snapshot, data)])

    def looks(self, each: Sequence[Look]) -> None:
        """Writes the whole fit at the steps of all replicas together, each replica at its own."""
        self._writer = self._writer or _keras_callback(self.folder)
        now = self.tally.of(each)
        self._writer.on_epoch_end(now.steps_done, _of_fit(now))
        for look in each:
            self._tell(look)
        if not now.running:
            self._writer.on_train_end()
            self._writer = None

    def _tell(self, look: Look) -> None:
        for number, step, *chi2 in zip(
            look.numbers, look.steps, look.training, look.validation, strict=True
        ):
            if self._told.get(number) != step:
                self._writer.on_epoch_end(step, _of_replica(number, *chi2))
                self._told[number] = step

    def replica(self, result: ReplicaResult) -> None:
        """Counted."""
        self.tally.replica(result)

    def warning(self, message: str) -> None:
        """Not written down."""


def _keras_callback(folder: Path) -> Any:
    """Keras' callback, and for it a model, of which it writes nothing."""
    import keras

    model = keras.Sequential()
    model.optimizer = None  # it asks for a learning rate; replicas have their own
    callback = keras.callbacks.TensorBoard(str(folder), write_graph=False)
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def _of_fit(now: Progress) -> dict[str, float]:
    counts = ("running", "stopped", "completed", "diverged", "waiting")
    return {
        **{f"replicas/{name}": float(getattr(now, name)) for name in counts},
        **_named("", now.chi2_training),
        **_named(VALIDATION, now.chi2_validation),
    }


def _of_replica(number: int, training: float, validation: float) -> dict[str, float]:
    name = f"chi2_of_replica/{number:04d}"
    known = {name: training, VALIDATION + name: validation}
    return {key: value for key, value in known.items() if np.isfinite(value)}


def _named(prefix: str, spread: Spread) -> dict[str, float]:
    """What is known of a spread."""
    known = {"median": spread.median, "p16": spread.p16, "p84": spread.p84}
    return {f"{prefix}chi2_per_datum/{name}": v for name, v in known.items() if v is not None}
