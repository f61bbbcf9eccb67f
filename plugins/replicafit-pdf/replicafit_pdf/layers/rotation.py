"""From the basis the network fits in to the evolution basis (arXiv:2109.02653, section 3.1)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import LayerContext
from replicafit_pdf.fit_bases import basis_matrix
from replicafit_pdf.layers.settings import RotationSettings


@keras.saving.register_keras_serializable(package="replicafit")
class Rotation(keras.layers.Layer):
    """Linear combinations of flavours, the same for all replicas: ``(b, r, n, f) -> (b, r, n, g)``.

    Args:
        matrix: ``(f, g)``.
    """

    def __init__(self, matrix: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.matrix = np.asarray(matrix, dtype=np.float64)

    def call(self, features: Any) -> Any:
        """Rotated functions."""
        return ops.matmul(features, ops.cast(self.matrix, features.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, r, n, g)``."""
        if len(input_shape) != 4 or input_shape[3] != self.matrix.shape[0]:
            raise ValueError(
                f"rotation takes functions (b, r, n, {self.matrix.shape[0]}), one for each "
                f"flavour of its basis. Received: {tuple(input_shape)}"
            )
        return (*input_shape[:3], self.matrix.shape[1])

    def split(self, slot: int, features: Any = None) -> keras.layers.Dense:
        """Plain Keras: ``(b, f) -> (b, g)``."""
        f, g = self.matrix.shape
        dense = keras.layers.Dense(g, use_bias=False, name=self.name, dtype=self.dtype_policy)
        dense.build((None, f))
        dense.set_weights([self.matrix])
        return dense

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "matrix": self.matrix.tolist()}


def build(settings: RotationSettings, context: LayerContext) -> Rotation:
    """The layer a runcard asks for."""
    matrix = basis_matrix(settings.basis, context.flavours)
    return Rotation(matrix, name=f"rotation_{context.position}")
