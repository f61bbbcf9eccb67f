"""The factor x^(1-alpha) (1-x)^beta that helps a network at both ends of x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.builtin.layers import PreprocessingSettings
from replicafit.components import LayerContext
from replicafit.errors import ModelError
from replicafit.pdf.preprocessing_ranges import ALPHA, BETA

SMALLEST = 1e-30
"""Stands for 1 - x at x = 1, where the logarithm would be infinite."""


@keras.saving.register_keras_serializable(package="replicafit")
class Preprocessing(keras.layers.Layer):
    """Multiplies each flavour by x^(1-alpha) (1-x)^beta (arXiv:2109.02653, eq. 3.5).

    Input: features ``(b, r, n, f)`` and x ``(b, n, 1)``. Output: ``(b, r, n, f)``.
    Weights: the exponents, ``(r, 2, f)``: 1 - alpha, then beta; not trained.

    Args:
        alpha: ``(r, f)``.
        beta: ``(r, f)``.
    """

    def __init__(self, alpha: Sequence[Any], beta: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = np.asarray(alpha, dtype=np.float64)
        self.beta = np.asarray(beta, dtype=np.float64)
        self.exponents = self.add_weight(
            name="exponents",
            shape=(self.alpha.shape[0], 2, self.alpha.shape[1]),
            initializer=lambda shape, dtype: ops.cast(self._values(), dtype),
            trainable=False,
        )

    def call(self, features: Any, x: Any) -> Any:
        """Features times their factor."""
        return features * ops.exp(ops.matmul(ops.expand_dims(_logarithms(x), 1), self.exponents))

    def compute_output_shape(self, features_shape: Any, x_shape: Any) -> Any:
        """``(b, r, n, f)``."""
        if len(features_shape) != 4 or features_shape[3] != self.alpha.shape[1]:
            raise ValueError(
                f"preprocessing takes features (b, r, n, {self.alpha.shape[1]}), one for each "
                f"flavour. Received: {tuple(features_shape)}"
            )
        return features_shape

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``[(b, f), (b, 1)] -> (b, f)``."""
        exponents = ops.convert_to_numpy(self.exponents)[slot]
        values = keras.Input((exponents.shape[1],), name="features", dtype=self.compute_dtype)
        x = keras.Input((1,), name="x", dtype=self.compute_dtype)
        power = keras.layers.Dense(
            exponents.shape[1],
            activation="exponential",
            use_bias=False,
            name="powers",
            dtype=self.dtype_policy,
        )
        product = keras.layers.Multiply(dtype=self.dtype_policy)([values, power(_logarithms(x))])
        power.set_weights([exponents])
        return keras.Model([values, x], product, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        config: dict[str, Any] = super().get_config()
        return {**config, "alpha": self.alpha.tolist(), "beta": self.beta.tolist()}

    def _values(self) -> np.ndarray:
        return np.stack([1 - self.alpha, self.beta], axis=1)


def _logarithms(x: Any) -> Any:
    """log x and log(1 - x), ``(..., 2)``."""
    return ops.log(ops.concatenate([x, ops.maximum(1 - x, SMALLEST)], axis=-1))


def build(settings: PreprocessingSettings, context: LayerContext) -> Preprocessing:
    """The layer a runcard asks for, with exponents drawn per replica."""
    for name in (*settings.alpha, *settings.beta):
        if name not in context.flavours:
            known = ", ".join(context.flavours)
            raise ModelError(f"preprocessing names the flavour '{name}'; the fit has {known}.")
    alpha = _resolved(settings.alpha, ALPHA, context.flavours, "alpha")
    beta = _resolved(settings.beta, BETA, context.flavours, "beta")
    drawn = [(_draw(alpha, g), _draw(beta, g)) for g in context.generators]
    return Preprocessing(
        alpha=[a for a, _ in drawn],
        beta=[b for _, b in drawn],
        name=f"preprocessing_{context.position}",
    )


def _resolved(
    given: Mapping[str, Any], defaults: Mapping[str, Any], flavours: Sequence[str], name: str
) -> list[Any]:
    for flavour in flavours:
        if flavour not in given and flavour not in defaults:
            raise ModelError(
                f"preprocessing has no default {name} for the flavour '{flavour}'. Give "
                f"{name}: {{{flavour}: number or [low, high]}}, or leave the layer out."
            )
    return [given.get(flavour, defaults.get(flavour)) for flavour in flavours]


def _draw(exponents: Sequence[Any], generator: np.random.Generator) -> list[float]:
    """One number per flavour; the same count of draws whatever is fixed."""
    draws = generator.random(len(exponents))
    return [_between(value, u) for value, u in zip(exponents, draws, strict=True)]


def _between(exponent: Any, fraction: float) -> float:
    low, high = exponent if isinstance(exponent, tuple | list) else (exponent, exponent)
    return float(low + (high - low) * fraction)
