"""One initialiser for all replicas, each slice as its own single network would draw it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

SingleInitializer = str | Mapping[str, Any] | Callable[..., Any]


@keras.saving.register_keras_serializable(package="replicafit")
class MultiInitializer(keras.initializers.Initializer):
    """Stacks what ``single_initializer`` gives for each replica along a leading axis r.

    Slice r equals, bit by bit, what the single initialiser gives with seed
    ``base_seed + replica_seeds[r]``. A seed of its own that the single initialiser carries is
    replaced; one that takes no seed (``zeros``, or a plain function) is called as it is. The
    initialiser given is never changed.

    Args:
        single_initializer: a Keras initialiser, its name or its config, or a function
            ``(shape, dtype) -> array``.
        replica_seeds: one integer per replica.
        base_seed: integer added to each of them.
    """

    def __init__(
        self,
        single_initializer: SingleInitializer,
        replica_seeds: Iterable[int],
        base_seed: int = 0,
    ) -> None:
        self.single_initializer = keras.initializers.get(single_initializer)
        self.replica_seeds = as_seeds(replica_seeds)
        self.base_seed = _as_integer(base_seed, "base_seed")

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Values of shape ``(r, *single_shape)``."""
        if len(shape) < 1 or shape[0] != len(self.replica_seeds):
            raise ValueError(
                f"The first axis of `shape` counts replicas and must be "
                f"{len(self.replica_seeds)}, as many as `replica_seeds`. "
                f"Received: shape={tuple(shape)}"
            )
        singles = (self.for_slot(slot) for slot in range(shape[0]))
        return ops.stack([single(tuple(shape[1:]), dtype=dtype) for single in singles])

    def for_slot(self, slot: int) -> Callable[..., Any]:
        """The single initialiser of one replica, with its seed."""
        single = self.single_initializer
        if not isinstance(single, keras.initializers.Initializer):
            return single
        config = single.get_config()
        if "seed" not in config:
            return single
        seed = self.base_seed + self.replica_seeds[slot]
        return type(single).from_config({**config, "seed": seed})

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal initialiser."""
        return {
            "single_initializer": keras.initializers.serialize(self.single_initializer),
            "replica_seeds": list(self.replica_seeds),
            "base_seed": self.base_seed,
        }


def as_seeds(values: Iterable[int]) -> tuple[int, ...]:
    """``values`` as Python integers; numpy integers and arrays are welcome."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(
            "`replica_seeds` must be a sequence of integers, one per replica. "
            f"Received: replica_seeds={values!r}"
        )
    seeds = tuple(_as_integer(value, "replica_seeds") for value in values)
    if not seeds:
        raise ValueError("`replica_seeds` must hold at least one integer. Received: none")
    return seeds


def _as_integer(value: Any, name: str) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ValueError(f"`{name}` must be integer. Received: {value!r}") from None
