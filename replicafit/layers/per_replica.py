"""Keras layers, regularizers and constraints of each replica alone.

Several of Keras' own look across all axes of a variable (``MaxNorm``, ``UnitNorm``,
``OrthogonalRegularizer``); on a stacked variable they would tie the replicas together.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from replicafit.layers.multi_initializer import as_integer

Shape = tuple[int | None, ...]


class StackedLayer(keras.layers.Layer):
    """A layer that holds all replicas, ``(b, n, f)`` or ``(b, r, n, f)`` -> ``(b, r, n, g)``.

    Attributes:
        replica_seeds: one integer per replica.
        is_first_layer: the input has no replica axis yet.
        features: f, once it is built.
    """

    replica_seeds: tuple[int, ...]
    is_first_layer: bool
    features: int

    @property
    def replicas(self) -> int:
        """The number of replicas, r."""
        return len(self.replica_seeds)

    def _require_built(self, action: str) -> None:
        if not self.built:
            raise ValueError(
                f"`{self.name}` {action} only once it is built. Call it on an input, or "
                "`build(input_shape)`, first."
            )

    def _checked_slot(self, slot: int) -> int:
        self._require_built("can be split")
        slot = as_integer(slot, "slot")
        if not 0 <= slot < self.replicas:
            raise ValueError(
                f"`slot` must be from 0 to {self.replicas - 1}, for {self.replicas} replicas. "
                f"Received: slot={slot}"
            )
        return slot

    def _checked_features(self, input_shape: Shape) -> int:
        axes = "(b, n, f)" if self.is_first_layer else f"(b, {self.replicas}, n, f)"
        wanted = (
            f"With is_first_layer={self.is_first_layer}, `{self.name}` takes inputs of shape "
            f"{axes}. Received: input_shape={tuple(input_shape)}"
        )
        if len(input_shape) != (3 if self.is_first_layer else 4):
            raise ValueError(f"The input has the wrong number of axes. {wanted}")
        if not self.is_first_layer and input_shape[1] not in (None, self.replicas):
            raise ValueError(f"Axis 1 must hold the {self.replicas} replicas. {wanted}")
        if input_shape[-1] is None:
            raise ValueError(f"The last axis must have a definite size. {wanted}")
        if self.built and input_shape[-1] != self.features:
            raise ValueError(f"It was built for {self.features} features f. {wanted}")
        return input_shape[-1]


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


def regularizer_of(
    single: Any, shape: tuple[int, ...] | None = None, axis: int = 0
) -> PerReplicaRegularizer | None:
    """``single`` for each replica, if there is one."""
    return None if single is None else PerReplicaRegularizer(single, shape, axis)


def constraint_of(single: Any, shape: tuple[int, ...]) -> PerReplicaConstraint | None:
    """``single`` for each replica, if there is one."""
    return None if single is None else PerReplicaConstraint(single, shape)
