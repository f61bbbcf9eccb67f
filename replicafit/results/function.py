"""One replica as a function: opens its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.data.grid_functions import GridFunctions
from replicafit.errors import OutputError
from replicafit.results.arrays import read_arrays
from replicafit.results.folder import FitFolder


@dataclass(frozen=True)
class Replica:
    """One fitted replica, callable: ``replica(x)`` are the values of its functions.

    Attributes:
        number: the replica number.
        flavours: names of the functions, length f.
        attributes: what characterizes them, such as ``q0``, the scale that they belong to.
        network: the plain Keras network, x (b, 1) -> (b, f).
    """

    number: int
    flavours: tuple[str, ...]
    attributes: Mapping[str, float]
    network: Any

    @property
    def q0(self) -> float | None:
        """The attribute ``q0``, if there is one."""
        return self.attributes.get("q0")

    def __call__(self, x: Any) -> np.ndarray:
        """Values (n, f) at x (n,) in (0, 1].

        Raises:
            ValueError: an x outside (0, 1].
        """
        points = checked(x)
        values = self.network(points[:, None].astype(self.network.compute_dtype))
        from keras import ops

        return np.asarray(ops.convert_to_numpy(values), dtype=np.float64)


def load_replica(folder: str | Path, number: int) -> Replica:
    """Replica ``number`` of the fit in ``folder``.

    Raises:
        OutputError: it is not there, or was not exported with ``network`` and ``function``.
    """
    fit = FitFolder(Path(folder))
    result = fit.result(number)
    network_file = fit.replica(number) / "network.keras"
    function_file = fit.replica(number) / "function.npz"
    for file in (network_file, function_file):
        if not file.exists():
            raise OutputError(
                f"Replica {number} of '{folder}' was written without {file.name}. Add "
                f"'{file.stem}' to export in the runcard and fit again."
            )
    import keras

    function = GridFunctions.of_arrays(read_arrays(function_file))
    network = keras.models.load_model(network_file)
    return Replica(result.number, function.flavours, function.attributes, network)


def checked(x: Any) -> np.ndarray:
    """``x`` as (n,).

    Raises:
        ValueError: an x outside (0, 1].
    """
    points = np.atleast_1d(np.asarray(x, dtype=np.float64))
    if not ((points > 0) & (points <= 1)).all():
        raise ValueError(f"x must lie in (0, 1]; given: {points.min()} to {points.max()}.")
    return points
