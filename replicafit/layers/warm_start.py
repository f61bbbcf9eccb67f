"""Initial weights from the plain networks of an earlier fit.

Trained weights alone are taken over. What the layers of this fit hold fixed, such as exponents of
the preprocessing that are not trained, is what this runcard and the replica number say.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.errors import ModelError


def start_from(layers: Sequence[Any], files: Sequence[Path]) -> None:
    """Gives slot i of ``layers`` the trained weights of the network in ``files[i]``.

    A layer takes those of the plain layer of its kind (``multi_dense``) that stands at the same
    place among its kind; layers without trained weights may come between.

    Raises:
        ModelError: a network has other layers of a kind, or of other shapes.
    """
    load = cache(keras.models.load_model)
    trained = [layer for layer in layers if layer.trainable_variables]
    for kind in dict.fromkeys(map(_kind, trained)):
        ours = [layer for layer in trained if _kind(layer) == kind]
        slots = [_weights(ours, kind, load(file).layers, file) for file in files]
        variables = [variable for layer in ours for variable in layer.trainable_variables]
        for variable, *values in zip(variables, *slots, strict=True):
            variable.assign(np.stack(values))


def _kind(layer: Any) -> str:
    """The name without the position in the runcard at its end."""
    return str(layer.name).rpartition("_")[0]


def _weights(ours: Sequence[Any], kind: str, plain: Sequence[Any], file: Path) -> list[np.ndarray]:
    """The weights of one slot of our layers of one ``kind``, from the network in ``file``."""
    theirs = [layer for layer in plain if _kind(layer) == kind]
    try:
        if len(theirs) != len(ours):
            raise ValueError(f"it has {len(theirs)} layers {kind} there and {len(ours)} here")
        return [w for one, other in zip(ours, theirs, strict=True) for w in weights_of(one, other)]
    except ValueError as cause:
        raise ModelError(
            f"The runcard cannot start from '{file}': {cause}. Start from a fit with the same "
            "layers, or leave start_from out of the runcard."
        ) from cause


def weights_of(layer: Any, plain: Any) -> list[np.ndarray]:
    """The trained weights of ``plain`` as one slot of ``layer`` has them.

    Raises:
        ValueError: they have other shapes.
    """
    shapes = [tuple(variable.shape[1:]) for variable in layer.trainable_variables]
    if hasattr(layer, "trained_from"):
        values = list(layer.trained_from(plain))
    else:
        values = [ops.convert_to_numpy(variable) for variable in plain.trainable_variables]
    found = [value.shape for value in values]
    long_axes = [[[n for n in s if n > 1] for s in each] for each in (found, shapes)]
    if long_axes[0] != long_axes[1]:  # a plain layer lacks some axes of length 1
        raise ValueError(f"'{layer.name}' has weights of shapes {found} there and {shapes} here")
    return [value.reshape(shape) for value, shape in zip(values, shapes, strict=True)]
