"""A dense layer that adds to what reaches it, for each replica."""

from __future__ import annotations

from typing import Any

import keras

from replicafit.plugin import LayerContext, MultiDense
from replicafit_example import ResidualDenseSettings


@keras.saving.register_keras_serializable(package="replicafit_example")
class ResidualDense(keras.layers.Layer):
    """features + activation(dense(features)), ``(b, r, n, f) -> (b, r, n, f)``.

    Args:
        replica_seeds: one integer per replica.
        activation: a Keras activation.
    """

    def __init__(self, replica_seeds: list[int], activation: Any = "tanh", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.replica_seeds, self.activation = list(replica_seeds), activation

    def build(self, input_shape: Any) -> None:
        """As many features leave as arrive."""
        self.dense = MultiDense(
            units=input_shape[-1],
            replica_seeds=self.replica_seeds,
            kernel_initializer="glorot_normal",
            activation=self.activation,
            dtype=self.dtype_policy,
            name="dense",
        )
        self.dense.build(input_shape)

    def call(self, features: Any) -> Any:
        """The block."""
        return features + self.dense(features)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """The block of one replica in layers of Keras itself, ``(b, f) -> (b, f)``."""
        inputs = keras.Input((self.dense.units,), dtype=self.compute_dtype)
        dense = self.dense.split(slot)(inputs)
        total = keras.layers.Add(dtype=self.dtype_policy)([inputs, dense])
        return keras.Model(inputs, total, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make an equal layer."""
        own = {"replica_seeds": self.replica_seeds, "activation": self.activation}
        return {**super().get_config(), **own}


def build(settings: ResidualDenseSettings, context: LayerContext) -> ResidualDense:
    """The layer a runcard asks for."""
    return ResidualDense(
        replica_seeds=list(context.replica_seeds),
        activation=settings.activation,
        name=f"residual_dense_{context.position}",
    )
