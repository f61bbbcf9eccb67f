"""NN(x) - NN(1): a function that is zero at x = 1 (arXiv:2109.02653, section 3.1.1)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import LayerContext
from replicafit_pdf.layers.settings import VanishAtOneSettings


@keras.saving.register_keras_serializable(package="replicafit")
class VanishAtOne(keras.layers.Layer):
    """Subtracts from each feature ``(b, r, n, f)`` its own value at the grid point x = 1.

    Args:
        node_start: where x = 1 is on the grid axis.
    """

    def __init__(self, node_start: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.node_start = node_start

    def call(self, features: Any) -> Any:
        """Exactly zero at x = 1."""
        return features - self._at_one(features)

    def _at_one(self, features: Any) -> Any:
        """``(b, r, 1, f)``."""
        return features[:, :, self.node_start : self.node_start + 1]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        if len(input_shape) != 4:
            raise ValueError(
                "vanish_at_one takes features (b, r, n, f) of replicas; a multi_dense layer must "
                f"come before it. Received: {tuple(input_shape)}"
            )
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.layers.Dense:
        """Plain Keras: the values at x = 1 as a bias, ``(b, f) -> (b, f)``.

        Args:
            slot: position on the replica axis, from 0.
            features: what reaches the layer on the whole grid, ``(b, r, n, f)``.
        """
        value = ops.convert_to_numpy(self._at_one(features))[0, slot, 0]
        dense = keras.layers.Dense(len(value), name=self.name, dtype=self.dtype_policy)
        dense.build((None, len(value)))
        dense.set_weights([np.eye(len(value)), -value])
        return dense

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "node_start": self.node_start}


def build(settings: VanishAtOneSettings, context: LayerContext) -> VanishAtOne:
    """The layer a runcard asks for."""
    return VanishAtOne(context.node_start, name=f"vanish_at_one_{context.position}")
