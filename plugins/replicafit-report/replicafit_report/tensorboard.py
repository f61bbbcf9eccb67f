"""A fit on TensorBoard: scalars by the writer of Keras' own callback."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.plugin import Observer, OutputError, Progress, Spread

VALIDATION = "val_"
"""How Keras' callback knows what belongs to validation."""


def require_tensorboard() -> None:
    """Raises OutputError if the package that writes for TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise OutputError(
            "The observer tensorboard needs the package tensorboard, which is not installed. In a "
            "clone of replicafit: pip install -e 'plugins/replicafit-report[tensorboard]'"
        )


class TensorBoardLog(Observer):
    """Writes scalars at every look at the fit.

    Attributes:
        folder: gets ``train`` and ``validation``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None
        self._written: dict[int, int] = {}  # the last step of each replica

    def progress(self, progress: Progress) -> None:
        """Writes the whole fit at the steps of all replicas together, each replica at its own."""
        self._writer = self._writer or _keras_callback(self.folder)
        self._writer.on_epoch_end(progress.steps_done, _of_fit(progress))
        for replica in progress.in_slots:
            if self._written.get(replica.number) != replica.step:
                scalars = _of_replica(replica.number, replica.training, replica.validation)
                self._writer.on_epoch_end(replica.step, scalars)
                self._written[replica.number] = replica.step

    def fit_ends(self, written: Sequence[int]) -> None:
        """Closes the files."""
        if self._writer is not None:
            self._writer.on_train_end()
            self._writer = None


def build(folder: Path) -> TensorBoardLog:
    """For the fit in ``folder``.

    Raises:
        OutputError: TensorBoard is not installed.
    """
    require_tensorboard()
    return TensorBoardLog(folder / "tensorboard")


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
