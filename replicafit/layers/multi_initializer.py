"""One initializer for all replicas, each slice as its own single network would draw it."""

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

    Slice r equals, bit by bit, what the single initializer gives with seed
    ``base_seed + replica_seeds[r]``. A seed of its own that the single initializer carries, an
    integer or a ``SeedGenerator``, is replaced. One that takes no seed (``zeros``, or a plain
    function) is called as it is, once per replica: a function that draws from a shared random
    state breaks the independence of replicas. The initializer given is never changed.

    Args:
        single_initializer: a Keras initializer, its name or its config, or a function
            ``(shape, dtype) -> array``.
        replica_seeds: one integer per replica.
        base_seed: integer added to each of them.

    Raises:
        ValueError: for seeds that are not integers or absent, and for a single initializer whose
            seed cannot be replaced: one whose config does not report the seed it takes, or
            another ``MultiInitializer``.

    Example:
        >>> initializer = MultiInitializer("glorot_uniform", replica_seeds=[1, 2, 3])
        >>> initializer((3, 2, 8)).shape
        (3, 2, 8)
    """

    def __init__(
        self,
        single_initializer: SingleInitializer,
        replica_seeds: Iterable[int],
        base_seed: int = 0,
    ) -> None:
        self.single_initializer = keras.initializers.get(single_initializer)
        self.replica_seeds = as_seeds(replica_seeds)
        self.base_seed = as_integer(base_seed, "base_seed")
        self._seedless_config = _seedless_config(self.single_initializer)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Values of shape ``(r, *single_shape)``; each single one sees ``single_shape``."""
        if len(shape) < 1 or shape[0] != len(self.replica_seeds):
            raise ValueError(
                f"The first axis of `shape` counts replicas and must be "
                f"{len(self.replica_seeds)}, as many as `replica_seeds`. "
                f"Received: shape={tuple(shape)}"
            )
        single_shape = tuple(shape[1:])
        return ops.stack([self._slice(slot, single_shape, dtype) for slot in range(shape[0])])

    def for_slot(self, slot: int) -> Callable[..., Any]:
        """The single initializer of one replica, with its seed."""
        if self._seedless_config is None:
            return self.single_initializer
        seed = self.base_seed + self.replica_seeds[slot]
        return type(self.single_initializer).from_config({**self._seedless_config, "seed": seed})

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal initializer."""
        return {
            "single_initializer": keras.initializers.serialize(self.single_initializer),
            "replica_seeds": list(self.replica_seeds),
            "base_seed": self.base_seed,
        }

    def _slice(self, slot: int, single_shape: tuple[int, ...], dtype: Any) -> Any:
        values = ops.convert_to_tensor(self.for_slot(slot)(single_shape, dtype=dtype), dtype)
        if tuple(values.shape) != single_shape:
            raise ValueError(
                f"`single_initializer` must give values of the shape it is asked for, "
                f"{single_shape}. Received: values of shape {tuple(values.shape)} from "
                f"{self.single_initializer}"
            )
        return values


def as_seeds(values: Iterable[int]) -> tuple[int, ...]:
    """``values`` as Python integers; numpy integers and arrays are welcome."""
    allowed = "`replica_seeds` must be a sequence of integers, one per replica, such as [1, 2, 3]"
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"{allowed}. Received: replica_seeds={values!r}")
    if getattr(values, "ndim", 1) != 1:
        raise ValueError(f"{allowed}; it has one axis. Received: replica_seeds={values!r}")
    seeds = tuple(as_integer(value, "replica_seeds") for value in values)
    if not seeds:
        raise ValueError(f"{allowed}, and hold at least one. Received: none")
    return seeds


def as_integer(value: Any, name: str) -> int:
    """``value`` as a Python integer; an error names it ``name``."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ValueError(
            f"`{name}` must be integer: Python's or numpy's, not bool or float. "
            f"Received: {value!r} (of type {type(value).__name__})"
        ) from None


def _seedless_config(single: Any) -> dict[str, Any] | None:
    """The config of ``single`` but for its seed, or None if it takes no seed."""
    if single is None or isinstance(single, MultiInitializer):
        raise ValueError(
            "`single_initializer` must be the initializer of one replica: a Keras initializer, "
            "its name or config, or a function (shape, dtype) -> array. "
            f"Received: single_initializer={single!r}"
        )
    with_config = hasattr(single, "get_config") and hasattr(single, "from_config")
    config = dict(single.get_config()) if with_config else {}
    if "seed" not in config:
        if hasattr(single, "seed"):
            raise ValueError(
                "`single_initializer` has a seed, but no config that reports it, so that all "
                "replicas would get the same values. Give it `get_config` with a 'seed' and "
                f"`from_config`. Received: single_initializer={single!r}"
            )
        return None
    del config["seed"]
    return config
