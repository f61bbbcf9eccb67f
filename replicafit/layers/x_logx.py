"""The input of PDF networks: x and log x (arXiv:2109.02653, section 3.2.1), or x alone."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="replicafit")
class XLogX(keras.layers.Layer):
    """Maps x ``(b, n, 1)`` to ``(b, n, 2)``: x and log x. The same for all replicas."""

    def call(self, inputs: Any) -> Any:
        """x in (0, 1]."""
        return ops.concatenate([inputs, ops.log(inputs)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, n, 2)``."""
        _refuse_unless_x(input_shape, "x_logx")
        return (*input_shape[:-1], 2)

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``(b, 1) -> (b, 2)``."""
        x = keras.Input((1,), name="x", dtype=self.compute_dtype)
        return keras.Model(x, ops.concatenate([x, ops.log(x)], axis=-1), name=self.name)


@keras.saving.register_keras_serializable(package="replicafit")
class PlainX(keras.layers.Layer):
    """x as it is, ``(b, n, 1)``. The same for all replicas."""

    def call(self, inputs: Any) -> Any:
        """x."""
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, n, 1)``."""
        _refuse_unless_x(input_shape, "x")
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.layers.Identity:
        """Plain Keras: ``(b, 1) -> (b, 1)``."""
        return keras.layers.Identity(name=self.name, dtype=self.compute_dtype)


def _refuse_unless_x(shape: tuple[int | None, ...], name: str) -> None:
    if len(shape) != 3 or shape[2] != 1:
        raise ValueError(
            f"{name} takes x itself, (b, n, 1), and must come first. Received: {tuple(shape)}"
        )
