"""x mapped to where it stands among the data, so that inputs spread evenly over [-1, 1].

The cumulative distribution of the data's x, interpolated monotonically, in log x where that is
natural: Carrazza et al., arXiv:2111.02954; the interpolation is Fritsch & Carlson, SIAM J. Numer.
Anal. 17 (1980) 238, as ``scipy.interpolate.PchipInterpolator`` has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.interpolate import PchipInterpolator

from replicafit.plugin import Input, InputLayer, LayerContext, ModelError, side_by_side
from replicafit_pdf.layers.settings import FeatureScalingSettings

SMALLEST = 1e-9
"""Where what is logarithmic begins, in units of the upper end of its range."""


def _interpolation(
    knots: np.ndarray, values: np.ndarray, log: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How one input, scaled to (0, 1], is mapped to [-1, 1].

    With t_k the place of u in interval k of width h, cut to [0, 1], and y, d values and
    derivatives at the knots, the interpolation is a sum without cases:
    y_0 + sum over k of h d_k t_k + (3 D - 2 h d_k - h d_k+1) t_k^2 + (h d_k + h d_k+1 - 2 D) t_k^3,
    where D = y_k+1 - y_k. u is the scaled input, or with ``log`` its logarithm.

    Returns:
        t = slope u + offset, (k - 1,) each; coefficients of t, t^2, t^3, (3 (k - 1), 1).
    """
    u = np.log(knots) if log else knots
    width, rise = np.diff(u), np.diff(values)
    derivative = PchipInterpolator(u, values).derivative()(u)
    left, right = width * derivative[:-1], width * derivative[1:]
    powers = np.concatenate([left, 3 * rise - 2 * left - right, left + right - 2 * rise])
    return 1 / width, -u[:-1] / width, powers[:, None]


@keras.saving.register_keras_serializable(package="replicafit")
class FeatureScaling(InputLayer):
    """Maps x ``(b, n, m)`` to ``(b, n, m)`` in [-1, 1], each input among its own data.

    Args:
        inputs: with their ranges, length m.
        knots: of each input, scaled to (0, 1], ascending, (k,).
        values: what they become, ascending, (k,) each.
    """

    def __init__(self, inputs: Sequence[Any], knots: Any, values: Any, **kwargs: Any) -> None:
        super().__init__(inputs, **kwargs)
        self.knots = tuple(np.asarray(each, np.float64) for each in knots)
        self.values = tuple(np.asarray(each, np.float64) for each in values)
        parts = zip(self.knots, self.values, self.inputs, strict=True)
        self._tables = tuple(_interpolation(k, v, one.log) for k, v, one in parts)

    def call(self, x: Any) -> Any:
        """The place of x among the data."""
        places = []
        for u, (slope, offset, powers), values in self._parts(x):
            t = u * ops.cast(slope, x.dtype) + ops.cast(offset, x.dtype)
            t = ops.clip(t, 0, 1)
            terms = ops.concatenate([t, t * t, t * t * t], axis=-1)
            places.append(ops.matmul(terms, ops.cast(powers, x.dtype)) + float(values[0]))
        return side_by_side(places)

    def _parts(self, x: Any) -> Iterator[tuple[Any, tuple[np.ndarray, ...], np.ndarray]]:
        """u, tables and values of each input of x."""
        own = self.knots, self._tables, self.values
        for one, column, knots, tables, values in zip(
            self.inputs, self.columns(x), *own, strict=True
        ):
            u = _unit(one, column)
            yield (ops.log(ops.maximum(u, float(knots[0]))) if one.log else u), tables, values

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``(b, m) -> (b, m)``."""
        dtype, x = self.dtype_policy, keras.Input((len(self.inputs),), dtype=self.compute_dtype)
        scaled, weights = [], []
        for i, (u, (slope, offset, powers), values) in enumerate(self._parts(x)):
            place = keras.layers.Dense(len(slope), name=f"place_{i}", dtype=dtype)
            total = keras.layers.Dense(1, name=f"total_{i}", dtype=dtype)
            t = keras.layers.ReLU(max_value=1.0, dtype=dtype)(place(u))
            scaled.append(total(ops.concatenate([t, t * t, t * t * t], axis=-1)))
            weights.append((place, [slope[None], offset]))
            weights.append((total, [powers, values[:1]]))
        for layer, own in weights:
            layer.set_weights(own)
        return keras.Model(x, side_by_side(scaled), name=self.name)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        config = {
            "knots": [each.tolist() for each in self.knots],
            "values": [each.tolist() for each in self.values],
        }
        return {**super().get_config(), **config}


def _unit(one: Input, x: Any) -> Any:
    """x in (0, 1], in which the logarithm is taken; else scaled to its range."""
    return one.relative(x) if one.log else one.scaled(x)


def scaling_knots(one: Input, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Knots and values of the scaling of one input.

    Args:
        x: of all data, with repetitions, (n,).
        count: at most as many knots, evenly spread over the cumulative distribution.

    Returns:
        The scaled input, ascending, and the share of the data at or below it, scaled to [-1, 1],
        (k,) each; the ends are -1 at 0, or ``SMALLEST`` of what is logarithmic, and 1 at 1.
    """
    u, first = np.asarray(_unit(one, x)), SMALLEST if one.log else 0.0
    distinct, times = np.unique(u[(u > first) & (u < 1)], return_counts=True)
    share = np.cumsum(times) / (times.sum() + 1)
    chosen = np.unique(np.searchsorted(share, np.linspace(0, 1, count)[1:-1], side="right"))
    chosen = chosen[chosen < len(distinct)]
    knots = np.concatenate([[first], distinct[chosen], [1.0]])
    return knots, np.concatenate([[-1.0], 2 * share[chosen] - 1, [1.0]])


def build(settings: FeatureScalingSettings, context: LayerContext) -> FeatureScaling:
    """x mapped to its place among the data."""
    if not len(context.x_grid):
        raise ModelError(
            "feature_scaling needs the x grid of the data, and none is given. Give data with a "
            "grid, or begin with x_logx."
        )
    columns = np.reshape(context.x_grid, (-1, len(context.inputs))).T
    pairs = zip(context.inputs, columns, strict=True)
    knots = [scaling_knots(one, x, settings.knots) for one, x in pairs]
    name = f"feature_scaling_{context.position}"
    return FeatureScaling(context.inputs, *zip(*knots, strict=True), name=name)
