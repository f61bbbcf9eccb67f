"""A dense layer for each of many replicas, as one layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from replicafit.layers.multi_initializer import as_integer, as_seeds
from replicafit.layers.per_replica import PerReplicaRegularizer

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="replicafit")
class MultiDense(keras.layers.Layer):
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
        replica_seeds: one integer per replica; their number is the number of replicas.
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
        per_replica = None
        if single_activity is not None:
            per_replica = PerReplicaRegularizer(single_activity, axis=1)
        super().__init__(activity_regularizer=per_replica, **kwargs)
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

    @property
    def replicas(self) -> int:
        """The number of replicas, r."""
        return len(self.replica_seeds)
