"""The factor x^(1-alpha) (1-x)^beta that helps a network at both ends of x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import LayerContext, ModelError
from replicafit_pdf.layers.settings import PreprocessingSettings
from replicafit_pdf.preprocessing_ranges import ALPHA, BETA

SMALLEST = 1e-30
"""Stands for 1 - x at x = 1, where the logarithm would be infinite."""


@keras.saving.register_keras_serializable(package="replicafit")
class Preprocessing(keras.layers.Layer):
    """Multiplies each flavour by x^(1-alpha) (1-x)^beta (arXiv:2109.02653, eq. 3.5).

    Input: features ``(b, r, n, f)`` and x ``(b, n, 1)``. Output: ``(b, r, n, f)``.
    Weights: ``exponents`` ``(r, 2, f)``, 1 - alpha and beta, not trained, and zero for flavours
    that are; for these ``trained_exponents`` ``(r, 2, t)``, which stay within their bounds.

    Args:
        alpha, beta: where they start, ``(r, f)``.
        trained: positions of the trained flavours, (t,).
        low, high: bounds of 1 - alpha and of beta, ``(2, t)`` each.
        flavours: names along the last axis, for the record; length f.
        highest: the most that alpha of each flavour may be in any replica, length f.
    """

    def __init__(
        self,
        alpha: Sequence[Any],
        beta: Sequence[Any],
        trained: Sequence[int] = (),
        low: Any = None,
        high: Any = None,
        flavours: Sequence[str] = (),
        highest: Sequence[float] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flavours, self.highest = tuple(flavours), tuple(highest)
        self.alpha = np.asarray(alpha, dtype=np.float64)
        self.beta = np.asarray(beta, dtype=np.float64)
        self.trained = tuple(trained)
        start = np.stack([1 - self.alpha, self.beta], axis=1)
        fixed = start.copy()
        fixed[:, :, list(self.trained)] = 0
        self.exponents = self._weight("exponents", fixed, trainable=False)
        if self.trained:
            self.bounds = Between(low, high)
            self.trained_exponents = self._weight(
                "trained_exponents", start[:, :, list(self.trained)], constraint=self.bounds
            )

    def _weight(self, name: str, values: np.ndarray, **kwargs: Any) -> Any:
        def initial(shape: Any, dtype: Any) -> Any:
            return ops.cast(values, dtype)

        return self.add_weight(name=name, shape=values.shape, initializer=initial, **kwargs)

    def all_exponents(self) -> Any:
        """1 - alpha and beta, ``(r, 2, f)``."""
        if not self.trained:
            return ops.convert_to_tensor(self.exponents)
        place = np.eye(self.alpha.shape[1])[list(self.trained)]
        return self.exponents + ops.matmul(
            self.trained_exponents, ops.cast(place, self.exponents.dtype)
        )

    def record(self, slot: int) -> dict[str, Any]:
        """The exponents of one replica, for its ``result.json``."""
        low, high = ops.convert_to_numpy(self.all_exponents())[slot].astype(float)
        pairs = zip(self.flavours, low, high, strict=True) if self.flavours else ()
        return {"exponents": {name: {"alpha": 1 - a, "beta": b} for name, a, b in pairs}}

    def call(self, features: Any, x: Any) -> Any:
        """Features times their factor."""
        exponents = ops.cast(self.all_exponents(), features.dtype)
        return features * ops.exp(ops.matmul(ops.expand_dims(_logarithms(x), 1), exponents))

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
        exponents = ops.convert_to_numpy(self.all_exponents())[slot]
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

    def trained_from(self, plain: keras.Model) -> list[np.ndarray]:
        """The trained weights of one slot that ``split`` turned into ``plain``.

        Raises:
            ValueError: exponents outside the bounds of this layer.
        """
        exponents = ops.convert_to_numpy(plain.get_layer("powers").kernel)[:, list(self.trained)]
        if not np.allclose(exponents, np.clip(exponents, self.bounds.low, self.bounds.high)):
            raise ValueError("exponents lie outside the ranges of preprocessing; widen these")
        return [exponents]

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        bounds = self.bounds.get_config() if self.trained else {}
        return {
            **super().get_config(),
            "alpha": self.alpha.tolist(),
            "beta": self.beta.tolist(),
            "trained": list(self.trained),
            "flavours": list(self.flavours),
            "highest": list(self.highest),
            **bounds,
        }


@keras.saving.register_keras_serializable(package="replicafit")
class Between(keras.constraints.Constraint):
    """Keeps each element of ``(r, ...)`` between those of ``low`` and ``high`` ``(...)``."""

    def __init__(self, low: Any, high: Any) -> None:
        self.low, self.high = np.asarray(low, np.float64), np.asarray(high, np.float64)

    def __call__(self, w: Any) -> Any:
        """The nearest values within the bounds."""
        low, high = (ops.cast(bound, w.dtype) for bound in (self.low, self.high))
        return ops.minimum(ops.maximum(w, low), high)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal constraint."""
        return {"low": self.low.tolist(), "high": self.high.tolist()}


def _logarithms(x: Any) -> Any:
    """log x and log(1 - x), ``(..., 2)``."""
    return ops.log(ops.concatenate([x, ops.maximum(1 - x, SMALLEST)], axis=-1))


def build(settings: PreprocessingSettings, context: LayerContext) -> Preprocessing:
    """The layer a runcard asks for, with exponents drawn per replica."""
    trained_names = () if isinstance(settings.trained, bool) else settings.trained
    for name in (*settings.alpha, *settings.beta, *trained_names):
        if name not in context.flavours:
            known = ", ".join(context.flavours)
            raise ModelError(f"preprocessing names the flavour '{name}'; the fit has {known}.")
    alpha = _resolved(settings.alpha, ALPHA, context.flavours, "alpha")
    beta = _resolved(settings.beta, BETA, context.flavours, "beta")
    drawn = [(_draw(alpha, g), _draw(beta, g)) for g in context.generators]
    trained = _trained(settings.trained, context.flavours)
    ranges = [[_range(alpha[i]), _range(beta[i])] for i in trained]
    _refuse_points(trained, ranges, context.flavours)
    return Preprocessing(
        alpha=[a for a, _ in drawn],
        beta=[b for _, b in drawn],
        trained=trained,
        low=[[1 - a[1] for a, _ in ranges], [b[0] for _, b in ranges]],
        high=[[1 - a[0] for a, _ in ranges], [b[1] for _, b in ranges]],
        flavours=context.flavours,
        highest=[_range(a)[1] for a in alpha],
        name=f"preprocessing_{context.position}",
    )


def _trained(given: bool | Sequence[str], flavours: Sequence[str]) -> list[int]:
    """Positions of the flavours whose exponents are trained."""
    names = (flavours if given else ()) if isinstance(given, bool) else given
    return sorted({flavours.index(name) for name in names})


def _refuse_points(trained: Sequence[int], ranges: Sequence[Any], flavours: Sequence[str]) -> None:
    for i, both in zip(trained, ranges, strict=True):
        for name, (low, high) in zip(("alpha", "beta"), both, strict=True):
            if low == high:
                raise ModelError(
                    f"preprocessing cannot train {name} of '{flavours[i]}', which is the number "
                    f"{low}. Give {name}: {{{flavours[i]}: [low, high]}}, or leave "
                    f"'{flavours[i]}' out of trained."
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
    low, high = _range(exponent)
    return float(low + (high - low) * fraction)


def _range(exponent: Any) -> tuple[float, float]:
    return tuple(exponent) if isinstance(exponent, tuple | list) else (exponent, exponent)
