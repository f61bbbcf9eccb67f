"""The layer of one replica that ``replicate`` copies, and what it must keep to."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

ROWS = 4
"""Grid points on which a layer is tried."""
_MARK = 0x5EED_5EED_5EED
"""A seed that nobody chooses, to tell initializers of the config from others."""


@dataclass(frozen=True)
class Single:
    """A Keras layer ``(b, f) -> (b, g)``, from which any number of copies are made.

    It is no Keras layer itself, or Keras would count its weights among those of the stacked one.

    Attributes:
        serialised: from which Keras makes copies.
        dtype_policy: of the layer.
        activity_regularizer: of the layer, or None.
    """

    serialised: dict[str, Any]
    dtype_policy: Any
    activity_regularizer: Any
    _templates: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    _initializers: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)

    def built(self, seed: int, features: int, name: str | None = None) -> Any:
        """A new layer with weights for ``features``, by initializers with seeds from ``seed``."""
        layer = self._made(seed, name)
        layer(np.zeros((1, features), layer.compute_dtype))
        for place, initializer in self._unreported(features).items():
            variable = layer.variables[place]
            config = {**initializer.get_config(), "seed": _derived(seed, place, 1)}
            variable.assign(type(initializer).from_config(config)(variable.shape, variable.dtype))
        return layer

    def _made(self, seed: int, name: str | None = None) -> Any:
        config = _reseeded(self.serialised["config"], _Seeds(seed))
        config = config if name is None else {**config, "name": name}
        return keras.saving.deserialize_keras_object({**self.serialised, "config": config})

    def _unreported(self, features: int) -> dict[int, Any]:
        """Random initializers that no config reports, made in ``build``, by place of their weight.

        While Keras builds a layer without state, its variables still know their initializers.
        """
        if features not in self._initializers:
            seeds = _Seeds(_MARK)
            _reseeded(self.serialised["config"], seeds)
            layer, found = self._made(_MARK), {}
            with keras.StatelessScope() as scope:
                layer(np.zeros((1, features), layer.compute_dtype))
                for place, variable in enumerate(layer.variables):
                    initializer: Any = getattr(variable, "_initializer", None)
                    random = getattr(initializer, "seed", None) not in (None, *seeds.given)
                    if random and scope.get_current_value(variable) is None:
                        found[place] = initializer
            self._initializers[features] = found
        return self._initializers[features]

    def template(self, features: int) -> Any:
        """A built layer whose weights are never used; made once."""
        if features not in self._templates:
            self._templates[features] = self.built(0, features)
        return self._templates[features]

    def call(
        self, weights: Sequence[Any], constants: Sequence[Any], rows: Any, training: bool
    ) -> tuple[Any, list[Any]]:
        """The layer on ``rows`` (n, f): (n, g), and what its call makes of the constants.

        Args:
            weights: those that are trained, in the order of the layer.
            constants: those that are not.
        """
        layer = self.template(int(rows.shape[-1]))
        knows = "training" in inspect.signature(layer.call).parameters
        outputs, after = layer.stateless_call(
            list(weights), list(constants), rows, **({"training": training} if knows else {})
        )
        return outputs, after

    def units(self, features: int) -> int:
        """How many features leave it, g."""
        rows = np.zeros((1, features), self.template(features).compute_dtype)
        return int(self.template(features)(rows).shape[-1])

    def plain(self, seed: int, weights: Sequence[np.ndarray], features: int, name: str) -> Any:
        """A layer with ``weights``, the trained ones first, that opens with Keras alone."""
        layer = self.built(seed, features, name)
        variables = [*layer.trainable_variables, *layer.non_trainable_variables]
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)
        return layer if _of_keras(layer) else as_operations(layer, features, name)

    def trained_from(self, plain: Any, features: int) -> list[np.ndarray]:
        """The weights of ``plain``, which ``plain`` made here or in an earlier fit, in our order.

        Raises:
            ValueError: they are not there as they are.
        """
        sample = self.built(0, features)
        if _of_keras(sample):
            return [ops.convert_to_numpy(variable) for variable in plain.trainable_variables]
        rng = np.random.default_rng(0)  # values by which each weight is known, for nothing else
        values = [rng.random(w.shape).astype(w.dtype) for w in sample.trainable_variables]
        for variable, value in zip(sample.trainable_variables, values, strict=True):
            variable.assign(value)
        return standing_for(values, as_operations(sample, features, "sample"), plain)

    def certify(self, features: int) -> None:
        """Tries the layer on ``features``.

        Raises:
            ValueError: the layer cannot be vectorised over replicas, and why.
        """
        layer = self._tried(features)
        _refuse_state(layer)
        self._refuse_mixing(layer, features)
        again = self.built(0, features)
        for one, other in zip(layer.get_weights(), again.get_weights(), strict=True):
            if not np.array_equal(one, other):
                raise ValueError(
                    f"{_named(layer)} draws initial weights from a shared random state, so that a "
                    "replica's weights would depend on what ran before. Let Keras initializers "
                    "draw them, in add_weight"
                )
        if not _of_keras(layer):
            as_operations(again, features, "tried")

    def _tried(self, features: int) -> Any:
        try:
            layer = self.template(features)
            outputs = layer(np.zeros((ROWS, features), layer.compute_dtype))
            shape = tuple(outputs.shape)
        except Exception as cause:  # layers may fail in any way
            raise ValueError(
                f"{self.serialised['class_name']} cannot be replicated: it must take one tensor "
                f"(b, f), here f = {features}, and give one (b, g). It says: {_first_line(cause)}"
            ) from cause
        if len(shape) != 2 or shape[0] != ROWS:
            raise ValueError(
                f"{_named(layer)} makes {shape} of ({ROWS}, {features}); it must map (b, f) to "
                "(b, g)"
            )
        return layer

    def _refuse_mixing(self, layer: Any, features: int) -> None:
        """What is given for one row must not depend on the others, nor on earlier calls."""
        rows = np.random.default_rng(0).uniform(0.5, 1.5, (ROWS, features))
        rows = ops.cast(ops.convert_to_tensor(rows), layer.compute_dtype)
        weights = [ops.convert_to_tensor(w) for w in layer.trainable_variables]
        constants = [ops.convert_to_tensor(w) for w in layer.non_trainable_variables]
        for training in (False, True):
            outputs, after = self.call(weights, constants, rows, training)
            kept = zip(layer.non_trainable_variables, constants, after, strict=True)
            changed = [v.name for v, one, other in kept if not np.array_equal(one, other)]
            if changed:
                raise ValueError(
                    f"{_named(layer)} keeps state that changes when it is called "
                    f"({', '.join(changed)}), such as batch statistics; it cannot be carried for "
                    "each replica. LayerNormalization has none, and constants that are set when "
                    "the layer is built are welcome"
                )
            whole = ops.convert_to_numpy(outputs)
            alone = [
                self.call(weights, constants, rows[i : i + 1], training)[0] for i in range(ROWS)
            ]
            apart = np.concatenate([ops.convert_to_numpy(one) for one in alone])
            if not np.allclose(whole, apart, rtol=1e-4, atol=1e-5, equal_nan=True):
                raise ValueError(
                    f"{_named(layer)} looks across grid points: what it gives at one depends on "
                    "the others, so that no plain layer of one replica could do the same. It must "
                    "act on the last axis alone"
                )


def single_of(layer: Any) -> Single:
    """``layer``, or its serialised form, as a ``Single``.

    Raises:
        ValueError: it is no Keras layer, or has no config.
    """
    try:
        made = layer
        if isinstance(layer, dict):
            made = keras.saving.deserialize_keras_object(deepcopy(layer))
        if not isinstance(made, keras.layers.Layer):
            raise TypeError("it is no Keras layer")
        serialised = keras.saving.serialize_keras_object(made)
        _reseeded(serialised["config"], _Seeds(0))
        keras.saving.deserialize_keras_object(deepcopy(serialised))
    except (TypeError, ValueError, NotImplementedError) as cause:
        raise ValueError(
            "`layer` must be a Keras layer that can be made again from its config: give it "
            "get_config, and register it with keras.saving.register_keras_serializable. "
            f"Received: layer={layer!r} ({_first_line(cause)})"
        ) from cause
    return Single(serialised, made.dtype_policy, made.activity_regularizer)


def as_operations(layer: Any, features: int, name: str) -> keras.Model:
    """``layer`` (b, f) -> (b, g) as a model that opens where the layer is not known.

    Raises:
        ValueError: it computes with more than ``keras.ops``.
    """
    x = keras.Input((features,), dtype=layer.compute_dtype)
    try:
        return keras.Model(x, layer.call(x), name=name)
    except Exception as cause:  # layers may fail in any way
        raise ValueError(
            f"{type(layer).__name__} cannot be replicated: it does not compute with keras.ops "
            "alone, so that no network of one replica could be written. In sums and products let "
            "what comes from the input stand first: features * self.scale, or use ops.multiply. "
            f"It says: {_first_line(cause)}"
        ) from cause


def standing_for(values: Sequence[np.ndarray], sample: Any, other: Any) -> list[np.ndarray]:
    """What ``other`` has in the places where ``sample``, a model of equal form, has ``values``.

    Raises:
        ValueError: a value does not stand in ``sample`` as it is, or the forms differ.
    """
    ours, theirs = (
        [*_constants(model.get_config()["layers"]), *model.get_weights()]
        for model in (sample, other)
    )
    if len(ours) != len(theirs):
        raise ValueError(
            f"'{other.name}' holds {len(theirs)} weights and constants, not {len(ours)}"
        )
    found = []
    for value in values:
        places = [place for place, array in enumerate(ours) if np.array_equal(array, value)]
        if not places:
            raise ValueError(
                f"the weights of '{other.name}' were saved as what its call makes of them; let "
                "each weight meet the input as it is"
            )
        found.append(theirs[places[0]])
    return found


def _constants(config: Any) -> Iterator[np.ndarray]:
    """The constants of operations in a model's config, in their order."""
    if isinstance(config, dict) and config.get("class_name") in ("__tensor__", "__numpy__"):
        yield np.asarray(config["config"]["value"], config["config"]["dtype"])
    elif isinstance(config, dict):
        for item in config.values():
            yield from _constants(item)
    elif isinstance(config, list | tuple):
        for item in config:
            yield from _constants(item)


class _Seeds:
    """Seeds of the initializers of one replica, in the order of the config."""

    def __init__(self, seed: int) -> None:
        self.seed, self.given = seed, [seed]

    def next(self) -> int:
        place = len(self.given) - 1
        self.given.append(self.seed if place == 0 else _derived(self.seed, place))
        return self.given[-1]


def _derived(seed: int, *place: int) -> int:
    """A seed made from ``seed`` for what stands at ``place``."""
    return int(np.random.SeedSequence((seed % 2**64, *place)).generate_state(1)[0] >> 1)


def _reseeded(config: Any, seeds: _Seeds) -> Any:
    """``config`` with a new seed wherever something in it has one."""
    if isinstance(config, dict):
        initializer = "class_name" in config and isinstance(config.get("config"), dict)
        if initializer and "seed" in config["config"]:
            return {**config, "config": {**config["config"], "seed": seeds.next()}}
        return {key: _reseeded(value, seeds) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_reseeded(item, seeds) for item in config)
    return config


def _of_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.")


def _refuse_state(layer: Any) -> None:
    """Refuses layers that keep more than weights and constants."""
    if any("seed_generator" in v.path for v in layer.non_trainable_variables):
        raise ValueError(
            f"{_named(layer)} draws random numbers from one stream for all, so that a replica "
            "would depend on its neighbours. For dropout there is the layer type dropout"
        )
    if hasattr(layer, "adapt"):
        raise ValueError(f"{_named(layer)} keeps state that adapt sets, and nothing calls it")
    regularized = sum(v.regularizer is not None for v in layer.trainable_variables)
    if len(layer.losses) > regularized + (layer.activity_regularizer is not None):
        raise ValueError(f"{_named(layer)} adds losses of its own, which no replica would own")


def _named(layer: Any) -> str:
    return f"{type(layer).__name__} cannot be replicated: it"


def _first_line(cause: BaseException) -> str:
    return next(iter(str(cause).strip().splitlines()), type(cause).__name__)
