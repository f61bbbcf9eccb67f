"""The input of PDF networks: x and log x (arXiv:2109.02653, section 3.2.1)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from replicafit.builtin.layers import XLogXSettings
from replicafit.components import LayerContext


@keras.saving.register_keras_serializable(package="replicafit")
class XLogX(keras.layers.Layer):
    """Maps x ``(b, n, 1)`` to ``(b, n, 2)``: x and log x. The same for all replicas."""

    def call(self, inputs: Any) -> Any:
        """x in (0, 1]."""
        return ops.concatenate([inputs, ops.log(inputs)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, n, 2)``."""
        if len(input_shape) != 3 or input_shape[2] != 1:
            raise ValueError(
                f"x_logx takes x itself, (b, n, 1), and must come first. Received: {input_shape}"
            )
        return (*input_shape[:-1], 2)

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``(b, 1) -> (b, 2)``."""
        x = keras.Input((1,), name="x", dtype=self.compute_dtype)
        return keras.Model(x, ops.concatenate([x, ops.log(x)], axis=-1), name=self.name)


def build(settings: XLogXSettings, context: LayerContext) -> XLogX:
    """The layer a runcard asks for."""
    return XLogX(name=f"x_logx_{context.position}")
