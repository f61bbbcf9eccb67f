"""The only place that names a backend. One module for each, of the same functions.

value_and_grad(function)    of (weights, ...) -> (scalar, aux): ((scalar, aux), gradients)
compiled(function)          compiled for repeated calls with the same shapes
start(threads)              threads, one for each lane; False if something has computed already
prepare(precision)          what must be set before tensors are made
padded(slots)               slots to compile for, so that none of them computes otherwise
accelerators()              the GPUs, one for each lane; none on a CPU
accelerator_memory()        bytes that slots may take on a GPU, None on a CPU
device(lane)                what a lane computes on, while a block lasts
describe()                  name, version and device, for provenance
"""

from __future__ import annotations

import importlib
from typing import Any

from replicafit.errors import TrainingError

_MODULES = {
    "tensorflow": "replicafit.training.backend.tensorflow",
    "jax": "replicafit.training.backend.jax",
}


def backend() -> Any:
    """The module of the backend that Keras runs on.

    Raises:
        TrainingError: there is none for it, or Keras cannot start on it.
    """
    allowed = f"Set KERAS_BACKEND to {' or '.join(_MODULES)}"
    try:
        import keras
    except Exception as cause:  # whatever a backend raises that is not there, or broken
        raise TrainingError(
            f"Keras cannot start ({type(cause).__name__}: {cause}). {allowed}, and see that it is "
            "installed."
        ) from cause
    name = keras.backend.backend()
    if name not in _MODULES:
        raise TrainingError(f"replicafit cannot train on the Keras backend '{name}'. {allowed}.")
    return importlib.import_module(_MODULES[name])
