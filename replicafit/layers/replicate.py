"""Any Keras layer, for each of many replicas.

Whoever writes a layer writes that of one network, ``(b, f) -> (b, g)``. ``replicate`` stacks its
weights over replicas and computes all of them in one call, vectorised over the replica axis. What
cannot be vectorised without tying replicas or grid points together is refused, with the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.components import LayerContext, LayerType, load_target
from replicafit.components.builtin.layers import KerasSettings
from replicafit.layers.multi_initializer import as_seeds
from replicafit.layers.per_replica import Shape, StackedLayer, constraint_of, regularizer_of
from replicafit.layers.single import Single, single_of


def replicate(
    layer: keras.layers.Layer,
    replica_seeds: Iterable[int],
    is_first_layer: bool = False,
    name: str | None = None,
) -> Replicated:
    """``layer`` for each replica.

    Args:
        layer: a Keras layer, ``(b, f) -> (b, g)``, of Keras or your own; it is copied by its
            config, so weights it may have already are not used.
        replica_seeds: one integer per replica; their number is the number of replicas.
        is_first_layer: the input has no replica axis yet.
        name: of the new layer; by default that of ``layer``.

    Raises:
        ValueError: if ``layer`` cannot be copied; when the new layer is built, if ``layer`` keeps
            state that changes, draws random numbers or looks across the data it is given.

    Example:
        >>> norm = replicate(keras.layers.LayerNormalization(), replica_seeds=[1, 2, 3])
        >>> norm(keras.ops.ones((1, 3, 50, 8))).shape
        (1, 3, 50, 8)
    """
    return Replicated(layer, replica_seeds, is_first_layer, name=name)


@keras.saving.register_keras_serializable(package="replicafit")
class Replicated(StackedLayer):
    """As many copies of one Keras layer as there are replicas, computed together.

    Replica r has bitwise the weights of a copy whose first initializer has the seed
    ``replica_seeds[r]``; a further initializer has one made from it and its place in the config, or
    of its weight if no config reports it. Weights that are not trained are constants, set when the
    layer is built, of each replica alone like the others.

    Input shape: ``(b, n, f)`` if ``is_first_layer``, else ``(b, r, n, f)``; b and n may be None.
    Output shape: ``(b, r, n, g)``, also for one replica.
    Weights: those of the layer, the trained ones before the constants, each ``(r, ...)``.

    Args:
        layer: the layer of one replica, ``(b, f) -> (b, g)``, or its serialised form.
        replica_seeds: one integer per replica.
        is_first_layer: the input has no replica axis yet.
    """

    def __init__(
        self,
        layer: Any,
        replica_seeds: Iterable[int],
        is_first_layer: bool = False,
        **kwargs: Any,
    ) -> None:
        self._single: Single = single_of(layer)
        if kwargs.get("name") is None:
            kwargs["name"] = self._single.serialised["config"]["name"]
        kwargs.setdefault("dtype", self._single.dtype_policy)
        activity = regularizer_of(self._single.activity_regularizer, axis=1)
        super().__init__(activity_regularizer=activity, **kwargs)
        self.replica_seeds = as_seeds(replica_seeds)
        self.is_first_layer = bool(is_first_layer)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs of ``input_shape``; refuses what cannot be vectorised."""
        self.features = features = self._checked_features(input_shape)
        self._single.certify(features)
        singles = [self._single.built(seed, features) for seed in self.replica_seeds]
        trained = zip(*(one.trainable_variables for one in singles), strict=True)
        constant = zip(*(one.non_trainable_variables for one in singles), strict=True)
        self.stacked = [self._stack(each) for each in trained]
        self.constants = [self._stack(each) for each in constant]
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Maps ``(b, n, f)`` or ``(b, r, n, f)`` to ``(b, r, n, g)``."""
        b, n, f = ops.shape(inputs)[0], ops.shape(inputs)[-2], inputs.shape[-1]
        if self.is_first_layer:
            inputs = ops.repeat(ops.expand_dims(inputs, 1), self.replicas, axis=1)
        rows = ops.reshape(ops.swapaxes(inputs, 0, 1), (self.replicas, -1, f))
        stacked = [*self.stacked, *self.constants]
        # Taken as they are, TensorFlow would give sparse gradients
        flat = [ops.reshape(ops.convert_to_tensor(w), (self.replicas, -1)) for w in stacked]

        def one(own: Sequence[Any]) -> Any:
            pairs = zip(own[1:], stacked, strict=True)
            weights = [ops.reshape(w, tuple(like.shape[1:])) for w, like in pairs]
            count = len(self.stacked)
            return self._single.call(weights[:count], weights[count:], own[0], training)[0]

        outputs = ops.vectorized_map(one, [rows, *flat])
        shaped = ops.reshape(outputs, (self.replicas, b, n, outputs.shape[-1]))
        return ops.swapaxes(shaped, 0, 1)

    def split(self, slot: int, features: Any = None) -> keras.layers.Layer:
        """The layer of one replica, with bitwise the same weights.

        A layer of Keras itself leaves as it is. Of another one the operations in its ``call``
        leave, in a model of the same name, with weights of its own as their constants.

        Args:
            slot: position on the replica axis, from 0.
            features: ignored; part of the protocol of layers.

        Raises:
            ValueError: if the layer is not built or has no such slot.
        """
        slot = self._checked_slot(slot)
        weights = [ops.convert_to_numpy(w)[slot] for w in (*self.stacked, *self.constants)]
        return self._single.plain(self.replica_seeds[slot], weights, self.features, self.name)

    def trained_from(self, plain: keras.layers.Layer) -> list[np.ndarray]:
        """The weights of one replica, as ``split`` of an equal layer put them into ``plain``.

        Raises:
            ValueError: the layer's ``call`` computes with a weight alone before the input meets it.
        """
        return self._single.trained_from(plain, self.features)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(b, r, n, g)``."""
        features = self._checked_features(input_shape)
        units = self._single.units(features)
        return (input_shape[0], self.replicas, input_shape[-2], units)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        own = {"layer": self._single.serialised, "replica_seeds": list(self.replica_seeds)}
        return {**super().get_config(), **own, "is_first_layer": self.is_first_layer}

    def _stack(self, singles: Sequence[Any]) -> Any:
        first, values = singles[0], np.stack([ops.convert_to_numpy(v) for v in singles])
        shape = tuple(first.shape)
        return self.add_weight(
            name=first.name,
            shape=values.shape,
            dtype=first.dtype,
            initializer=lambda *_, **__: ops.convert_to_tensor(values, first.dtype),
            regularizer=regularizer_of(first.regularizer, shape),
            constraint=constraint_of(first.constraint, shape),
            trainable=first.trainable,
        )


def layer_of(kind: LayerType, settings: Any, context: LayerContext) -> keras.layers.Layer:
    """What ``kind`` builds, for all replicas: a layer without ``split`` is replicated.

    Raises:
        Exception: whatever the code of a plugin raises.
    """
    build = load_target(kind.build)
    takes_both = len(inspect.signature(build).parameters) > 1
    layer = build(settings, context) if takes_both else build(settings)
    if isinstance(layer, keras.layers.Layer) and hasattr(layer, "split"):
        return layer
    if kind.needs_x:
        raise ValueError(
            "a layer that takes x too must hold all replicas itself and have "
            "split(slot, features), which gives the plain Keras layer of one replica"
        )
    first = not context.has_replica_axis
    return replicate(layer, context.replica_seeds, first, name=f"{kind.name}_{context.position}")


def build_keras(settings: KerasSettings) -> keras.layers.Layer:
    """The layer of Keras that a runcard asks for, of one replica.

    Raises:
        ValueError: Keras has no such layer, or it does not take this config.
    """
    kind = getattr(keras.layers, settings.layer, None)
    if not (isinstance(kind, type) and issubclass(kind, keras.layers.Layer)):
        raise ValueError(
            f"keras.layers has no layer class '{settings.layer}'. Give the name of one, such as "
            "LayerNormalization; a layer of your own comes with a plugin"
        )
    try:
        return kind(**settings.config)
    except Exception as cause:  # whatever Keras objects to
        raise ValueError(
            f"keras.layers.{settings.layer} does not take this config: {cause}"
        ) from cause
