"""x mapped to where it stands among the data, so that inputs spread evenly over [-1, 1].

The cumulative distribution of the data's x, interpolated monotonically in log x: Carrazza et al.,
arXiv:2111.02954; the interpolation is Fritsch & Carlson, SIAM J. Numer. Anal. 17 (1980)
238, as ``scipy.interpolate.PchipInterpolator`` has it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.interpolate import PchipInterpolator

SMALLEST = 1e-9
"""x that becomes -1, as does whatever is below."""


@keras.saving.register_keras_serializable(package="replicafit")
class FeatureScaling(keras.layers.Layer):
    """Maps x ``(b, n, 1)`` to ``(b, n, 1)`` in [-1, 1]. The same for all replicas.

    With t_k the place of log x in interval k of width h, cut to [0, 1], and y, d values and
    derivatives at the knots, the interpolation is a sum without cases:
    y_0 + sum over k of h d_k t_k + (3 D - 2 h d_k - h d_k+1) t_k^2 + (h d_k + h d_k+1 - 2 D) t_k^3,
    where D = y_k+1 - y_k.

    Args:
        knots: x, ascending, (k,).
        values: what they become, ascending, (k,).
    """

    def __init__(self, knots: Any, values: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.knots = np.asarray(knots, dtype=np.float64)
        self.values = np.asarray(values, dtype=np.float64)
        u, y = np.log(self.knots), self.values
        width, rise = np.diff(u), np.diff(y)
        derivative = PchipInterpolator(u, y).derivative()(u)
        left, right = width * derivative[:-1], width * derivative[1:]
        powers = np.concatenate([left, 3 * rise - 2 * left - right, left + right - 2 * rise])
        # t = slope log x + offset, (k - 1,) each; coefficients of t, t^2, t^3, (3 (k - 1), 1)
        self._slope, self._offset, self._powers = 1 / width, -u[:-1] / width, powers[:, None]

    def call(self, x: Any) -> Any:
        """The place of x among the data."""
        log_x = ops.log(ops.maximum(x, float(self.knots[0])))
        t = log_x * ops.cast(self._slope, x.dtype) + ops.cast(self._offset, x.dtype)
        t = ops.clip(t, 0, 1)
        powers = ops.concatenate([t, t * t, t * t * t], axis=-1)
        return ops.matmul(powers, ops.cast(self._powers, x.dtype)) + float(self.values[0])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, n, 1)``."""
        if len(input_shape) != 3 or input_shape[2] != 1:
            raise ValueError(
                "feature_scaling takes x itself, (b, n, 1), and must come first. Received: "
                f"{tuple(input_shape)}"
            )
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``(b, 1) -> (b, 1)``."""
        dtype = self.dtype_policy
        place = keras.layers.Dense(len(self._slope), name="place", dtype=dtype)
        total = keras.layers.Dense(1, name="total", dtype=dtype)
        x = keras.Input((1,), name="x", dtype=self.compute_dtype)
        t = place(ops.log(ops.maximum(x, float(self.knots[0]))))
        t = keras.layers.ReLU(max_value=1.0, dtype=dtype)(t)
        scaled = total(ops.concatenate([t, t * t, t * t * t], axis=-1))
        place.set_weights([self._slope[None], self._offset])
        total.set_weights([self._powers, self.values[:1]])
        return keras.Model(x, scaled, name=self.name)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        config = {"knots": self.knots.tolist(), "values": self.values.tolist()}
        return {**super().get_config(), **config}


def scaling_knots(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Knots and values of the scaling.

    Args:
        x: of all data, with repetitions, (n,).
        count: at most as many knots, evenly spread over the cumulative distribution.

    Returns:
        x ascending and the share of the data at or below it, scaled to [-1, 1], (k,) each; the
        ends are -1 at ``SMALLEST`` and 1 at x = 1.
    """
    distinct, times = np.unique(x[(x > SMALLEST) & (x < 1)], return_counts=True)
    share = np.cumsum(times) / (times.sum() + 1)
    chosen = np.unique(np.searchsorted(share, np.linspace(0, 1, count)[1:-1], side="right"))
    chosen = chosen[chosen < len(distinct)]
    knots = np.concatenate([[SMALLEST], distinct[chosen], [1.0]])
    return knots, np.concatenate([[-1.0], 2 * share[chosen] - 1, [1.0]])
