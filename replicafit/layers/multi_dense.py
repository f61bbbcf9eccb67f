"""A dense layer for each of many replicas, as one layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.components import LayerContext
from replicafit.components.builtin.layers import MultiDenseSettings
from replicafit.layers.activations import is_plain, named_activation
from replicafit.layers.multi_initializer import MultiInitializer, as_integer, as_seeds
from replicafit.layers.per_replica import Shape, StackedLayer, constraint_of, regularizer_of


@keras.saving.register_keras_serializable(package="replicafit")
class MultiDense(StackedLayer):
    """As many ``keras.layers.Dense`` as there are replicas, computed together.

    Replica r has the weights, and gives the output, of a single ``Dense`` whose initializers have
    the seed ``base_seed + replica_seeds[r]``. Nothing looks across the replica axis.

    A seed that an initializer brings along is replaced; an initializer given as None is
    ``glorot_uniform``, as for ``Dense``. The activation must act on each grid point alone, as
    all of Keras' own do.

    Input shape: ``(b, n, f)`` if ``is_first_layer``, else ``(b, r, n, f)``; b and n may be None.
    Output shape: ``(b, r, n, units)``, also for one replica.
    Weights: kernel ``(r, f, units)``, then bias ``(r, 1, units)``.

    Args:
        units: outputs per replica, a positive integer.
        replica_seeds: one integer per replica; their number, ``replicas``, is that of replicas.
        kernel_initializer, bias_initializer: as for ``Dense``; their seeds are replaced.
        is_first_layer: the input has no replica axis yet.
        base_seed: integer added to each replica seed.
        activation, use_bias: as for ``Dense``.
        kernel_regularizer, bias_regularizer, activity_regularizer: as for ``Dense``, for each
            replica alone; the layer's loss is the sum over replicas.
        kernel_constraint, bias_constraint: as for ``Dense``, for each replica alone.

    Raises:
        ValueError: if ``units`` is not a positive integer, seeds are not integers or there are
            none, or an initializer's seed cannot be replaced (see ``MultiInitializer``); when
            called, if the input has not the shape above.

    Example:
        >>> layer = MultiDense(8, replica_seeds=[1, 2, 3], is_first_layer=True)
        >>> layer(keras.ops.ones((1, 50, 2))).shape
        (1, 3, 50, 8)
    """

    def __init__(
        self,
        units: int,
        replica_seeds: Iterable[int],
        kernel_initializer: Any = "glorot_uniform",
        is_first_layer: bool = False,
        base_seed: int = 0,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        single_activity = keras.regularizers.get(activity_regularizer)
        super().__init__(activity_regularizer=regularizer_of(single_activity, axis=1), **kwargs)
        self.units = as_integer(units, "units")
        if self.units < 1:
            raise ValueError(f"`units` must be a positive integer. Received: units={units!r}")
        self.replica_seeds = as_seeds(replica_seeds)
        self.base_seed = as_integer(base_seed, "base_seed")
        self.is_first_layer = bool(is_first_layer)
        self.activation = keras.activations.get(activation)
        self.use_bias = bool(use_bias)
        self._kernel_values = self._stacked(kernel_initializer)
        self._bias_values = self._stacked(bias_initializer)
        self.kernel_initializer = self._kernel_values.single_initializer
        self.bias_initializer = self._bias_values.single_initializer
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.single_activity_regularizer = single_activity
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs of ``input_shape``."""
        self.features = features = self._checked_features(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.replicas, features, self.units),
            initializer=self._kernel_values,
            regularizer=regularizer_of(self.kernel_regularizer, (features, self.units)),
            constraint=constraint_of(self.kernel_constraint, (features, self.units)),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.replicas, 1, self.units),
                initializer=self._initial_bias,
                regularizer=regularizer_of(self.bias_regularizer, (self.units,)),
                constraint=constraint_of(self.bias_constraint, (self.units,)),
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Maps ``(b, n, f)`` or ``(b, r, n, f)`` to ``(b, r, n, units)``."""
        self._checked_features(inputs.shape)
        x = ops.expand_dims(inputs, 1) if self.is_first_layer else inputs
        x = ops.matmul(x, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the input; that of a first layer, ``(b, n)``, becomes ``(b, r, n)``."""
        if previous_mask is None or not self.is_first_layer:
            return previous_mask
        return ops.repeat(ops.expand_dims(previous_mask, 1), self.replicas, axis=1)

    def replica_penalties(self) -> Any:
        """The weights' regularization of each replica alone, ``(r,)``; their sum is in ``losses``.

        Zeros without regularizers, or if the layer is not trainable, as in Keras. The activity
        regularizer is not part of it: it depends on the input.

        Raises:
            ValueError: if the layer is not built.
        """
        self._require_built("has penalties")
        penalties = ops.zeros((self.replicas,), dtype=self.variable_dtype)
        for weight in self.trainable_weights:
            if weight.regularizer is not None:
                penalties = ops.add(penalties, weight.regularizer.each(weight))
        return penalties

    def split(self, slot: int, features: Any = None) -> keras.layers.Layer:
        """The plain ``Dense`` of one replica, with bitwise the same weights.

        It has the name, activation, dtype and ``trainable`` of this layer. Initializers,
        regularizers and constraints belong to the fit and stay behind. An activation that is not
        Keras' own follows the ``Dense`` as operations of Keras, in a model of the same name.

        Args:
            slot: position on the replica axis, from 0.
            features: ignored; part of the protocol of layers.

        Returns:
            A built layer of Keras itself, ``(..., f) -> (..., units)``.

        Raises:
            ValueError: if the layer is not built or has no such slot.
        """
        slot = self._checked_slot(slot)
        weights = [ops.convert_to_numpy(self.kernel)[slot]]
        if self.bias is not None:
            weights.append(ops.convert_to_numpy(self.bias)[slot, 0])
        plain = plain_dense(weights, self.activation, self.dtype_policy, self.name)
        plain.trainable = self.trainable
        return plain

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(b, r, n, units)``."""
        self._checked_features(input_shape)
        return (input_shape[0], self.replicas, input_shape[-2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "replica_seeds": list(self.replica_seeds),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "is_first_layer": self.is_first_layer,
            "base_seed": self.base_seed,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": keras.regularizers.serialize(self.single_activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }

    def _stacked(self, single: Any) -> MultiInitializer:
        single = "glorot_uniform" if single is None else single
        return MultiInitializer(single, self.replica_seeds, self.base_seed)

    def _initial_bias(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Biases ``(r, 1, units)``; a single initializer sees ``(units,)``, as in ``Dense``."""
        replicas, _, units = shape
        return ops.expand_dims(self._bias_values((replicas, units), dtype=dtype), 1)


def plain_dense(
    weights: Sequence[np.ndarray], activation: Any, dtype: Any, name: str
) -> keras.layers.Layer:
    """A ``Dense`` with ``weights``, kernel and perhaps bias; opens with Keras alone.

    An activation of others becomes operations of Keras after it, if it is made of ``keras.ops``.
    """
    features, units = weights[0].shape
    plain = is_plain(activation)
    dense = keras.layers.Dense(
        units,
        activation=activation if plain else None,
        use_bias=len(weights) > 1,
        dtype=dtype,
        name=name,
    )
    dense.build((None, features))
    dense.set_weights(weights)
    if plain:
        return dense
    x = keras.Input((features,), dtype=dense.compute_dtype)
    return keras.Model(x, activation(dense(x)), name=name)


def build(settings: MultiDenseSettings, context: LayerContext) -> MultiDense:
    """The layer that a runcard asks for."""
    return MultiDense(
        replica_seeds=context.replica_seeds,
        activation=named_activation(settings.activation),
        is_first_layer=not context.has_replica_axis,
        name=f"multi_dense_{context.position}",
        **settings.model_dump(exclude={"type", "activation"}),
    )
