"""Keras regularizers and constraints, applied to each replica alone.

Several of Keras' own look across all axes of a variable (``MaxNorm``, ``UnitNorm``,
``OrthogonalRegularizer``); on a stacked variable they would tie the replicas together.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="replicafit")
class PerReplicaRegularizer(keras.regularizers.Regularizer):
    """The sum over replicas of a single regularizer.

    Args:
        single: a Keras regularizer, or a function ``(array) -> ()``.
        single_shape: the shape of one replica's array, or None to keep the slice's.
        axis: the replica axis of the array: 0 for weights, 1 for activations.
    """

    def __init__(
        self, single: Any, single_shape: tuple[int, ...] | None = None, axis: int = 0
    ) -> None:
        self.single = keras.regularizers.get(single)
        self.single_shape = tuple(single_shape) if single_shape is not None else None
        self.axis = axis

    def __call__(self, x: Any) -> Any:
        """The sum over replicas, ()."""
        return ops.sum(self.each(x))

    def each(self, x: Any) -> Any:
        """The regularizer of each replica alone, (r,)."""

        def one(array: Any) -> Any:
            shaped = array if self.single_shape is None else ops.reshape(array, self.single_shape)
            return self.single(shaped)

        return ops.vectorized_map(one, ops.moveaxis(ops.convert_to_tensor(x), self.axis, 0))

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal regularizer."""
        single = keras.regularizers.serialize(self.single)
        return {"single": single, "single_shape": self.single_shape, "axis": self.axis}


@keras.saving.register_keras_serializable(package="replicafit")
class PerReplicaConstraint(keras.constraints.Constraint):
    """A single constraint on each replica's slice.

    Args:
        single: a Keras constraint.
        single_shape: the shape of one replica's weights, as the single layer has them.
    """

    def __init__(self, single: Any, single_shape: tuple[int, ...]) -> None:
        self.single = keras.constraints.get(single)
        self.single_shape = tuple(single_shape)

    def __call__(self, w: Any) -> Any:
        """Constrained weights, of the shape of ``w`` (r, ...)."""

        def one(array: Any) -> Any:
            constrained = self.single(ops.reshape(array, self.single_shape))
            return ops.reshape(constrained, ops.shape(array))

        return ops.vectorized_map(one, ops.convert_to_tensor(w))

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal constraint."""
        single = keras.constraints.serialize(self.single)
        return {"single": single, "single_shape": self.single_shape}
