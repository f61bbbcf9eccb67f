"""Joins extra grid points to the data's, and takes them away again: one evaluation for all."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="replicafit")
class JoinNodes(keras.layers.Layer):
    """Puts fixed ``nodes`` (m,) before x: ``(b, n, 1) -> (b, m + n, 1)``."""

    def __init__(self, nodes: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.nodes = np.asarray(nodes, dtype=np.float64)

    def call(self, x: Any) -> Any:
        """Nodes, then x."""
        nodes = ops.cast(self.nodes[None, :, None], x.dtype)
        return ops.concatenate([ops.repeat(nodes, ops.shape(x)[0], axis=0), x], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, m + n, 1)``."""
        b, n, f = input_shape
        return (b, None if n is None else n + len(self.nodes), f)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "nodes": self.nodes.tolist()}


@keras.saving.register_keras_serializable(package="replicafit")
class DropNodes(keras.layers.Layer):
    """Takes the first ``count`` grid points away: ``(b, r, m + n, f) -> (b, r, n, f)``."""

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, features: Any) -> Any:
        """What belongs to x."""
        return features[:, :, self.count :]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, r, n, f)``."""
        b, r, n, f = input_shape
        return (b, r, None if n is None else n - self.count, f)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "count": self.count}
