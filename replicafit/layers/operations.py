"""What a layer computes, as operations of Keras with its weights as their constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np


def as_operations(layer: Any, features: int, name: str) -> keras.Model:
    """``layer`` (b, f) -> (b, g) as a model that opens where the layer is not known.

    Raises:
        ValueError: it computes with more than ``keras.ops``.
    """
    x = keras.Input((features,), dtype=layer.compute_dtype)
    try:
        return keras.Model(x, layer.call(x), name=name)
    except Exception as cause:  # layers may fail in any way
        says = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        raise ValueError(
            f"{type(layer).__name__} cannot be replicated: it does not compute with keras.ops "
            "alone, so that no network of one replica could be written. In sums and products let "
            "what comes from the input stand first: features * self.scale, or use ops.multiply. "
            f"It says: {says}"
        ) from cause


def standing_for(values: Sequence[np.ndarray], sample: Any, other: Any) -> list[np.ndarray]:
    """What ``other`` has in the places where ``sample``, a model of equal form, has ``values``.

    Raises:
        ValueError: a value does not stand in ``sample`` as it is, or the forms differ.
    """
    ours, theirs = list(_arrays(sample)), list(_arrays(other))
    if len(ours) != len(theirs):
        raise ValueError(
            f"'{other.name}' holds {len(theirs)} weights and constants, not {len(ours)}"
        )
    return [theirs[_place(value, ours, other.name)] for value in values]


def _place(value: np.ndarray, arrays: Sequence[np.ndarray], name: str) -> int:
    for place, array in enumerate(arrays):
        if np.array_equal(array, value):
            return place
    raise ValueError(
        f"the weights of '{name}' were saved as what its call makes of them; let each weight meet "
        "the input as it is"
    )


def _arrays(model: Any) -> Iterator[np.ndarray]:
    """Constants of operations in their order, then the weights of layers."""
    yield from _constants(model.get_config()["layers"])
    yield from model.get_weights()


def _constants(config: Any) -> Iterator[np.ndarray]:
    if isinstance(config, dict) and config.get("class_name") in ("__tensor__", "__numpy__"):
        yield np.asarray(config["config"]["value"], config["config"]["dtype"])
    elif isinstance(config, dict):
        for item in config.values():
            yield from _constants(item)
    elif isinstance(config, list | tuple):
        for item in config:
            yield from _constants(item)
