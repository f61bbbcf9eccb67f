"""The Kolmogorov-Arnold layer of one replica; replicafit makes that of all."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from replicafit_kan import KanSettings
from replicafit_kan.splines import SplineGrid


@keras.saving.register_keras_serializable(package="replicafit_kan")
class Kan(keras.layers.Layer):
    """For each output the sum over features of a trained function of each, ``(b, f) -> (b, g)``.

    The function of feature i in output o is w_io activation(x_i) + sum_c k_cio B_c(x_i), with
    B-splines B_c on a fixed grid: arXiv:2404.19756, equations 2.10 and 2.11, with the weight w_s in
    the coefficients of the splines. It is linear in what is trained, so it is a dense layer of what
    ``expand`` makes of the features; its kernel is ``((1 + intervals + degree) f, units)``.

    Args:
        units: outputs.
        low, high, intervals, degree: of the grid, see ``SplineGrid``.
        activation: the function beside the splines; it alone acts on features beyond the grid.
        kernel_initializer: of all coefficients.
    """

    def __init__(
        self,
        units: int,
        low: float = -1.0,
        high: float = 1.0,
        intervals: int = 5,
        degree: int = 3,
        activation: Any = "silu",
        kernel_initializer: Any = "glorot_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.grid = SplineGrid(low, high, intervals, degree)
        self.activation = keras.activations.get(activation)
        self.dense = keras.layers.Dense(
            units,
            use_bias=False,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name="dense",
        )

    def build(self, input_shape: Any) -> None:
        """Makes the kernel."""
        self.dense.build((*input_shape[:-1], (1 + self.grid.count) * input_shape[-1]))

    def expand(self, features: Any) -> Any:
        """Activation, then splines of the features, ``(b, f) -> (b, (1 + c) f)``."""
        parts = [self.activation(features), self.grid.splines(features)]
        return ops.concatenate(parts, axis=-1)

    def call(self, features: Any) -> Any:
        """``(b, units)``."""
        return self.dense(self.expand(features))

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make an equal layer."""
        return {
            **super().get_config(),
            "units": self.dense.units,
            "low": self.grid.low,
            "high": self.grid.high,
            "intervals": self.grid.intervals,
            "degree": self.grid.degree,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.dense.kernel_initializer),
        }


def build(settings: KanSettings) -> Kan:
    """The layer of one replica that a runcard asks for; replicafit makes that of all."""
    return Kan(**settings.model_dump(exclude={"type"}))
