"""Dropout with a random stream for each replica.

Keras' own draws one mask for the whole tensor from one stream, so that a replica's mask would
depend on its slot and on how many replicas run beside it. Here each element's random number is a
hash of (seed of the replica, its own step, element): the same whoever is beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.components import LayerContext
from replicafit.components.builtin.layers import DropoutSettings
from replicafit.layers.multi_initializer import as_seeds


@keras.saving.register_keras_serializable(package="replicafit")
class ReplicaDropout(keras.layers.Layer):
    """Sets a fraction of the features ``(b, r, n, f)`` to zero in training.

    Srivastava et al., JMLR 15 (2014) 1929, section 4, inverted: the others are scaled up, so that
    the mean stays, and outside of training the layer does nothing.

    Weights, not trained: ``seeds`` ``(r,)``, and ``steps_taken`` ``(r,)``, which who trains sets
    before a call with ``training=True``; the mask is a function of these two. Seeds are a weight
    because one compiled engine serves all batches: what it has read from Python attributes is that
    of its first batch for ever.

    Args:
        rate: fraction set to zero, in [0, 1).
        replica_seeds: one integer per replica.
    """

    def __init__(self, rate: float, replica_seeds: Iterable[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.replica_seeds = rate, as_seeds(replica_seeds)
        self.seeds = self._integers("seeds", np.array(self.replica_seeds, np.uint64))
        self.steps_taken = self._integers("steps_taken", np.zeros(len(self.replica_seeds)))

    def _integers(self, name: str, values: np.ndarray) -> Any:
        """A weight that is not trained, of 32-bit words."""

        def initial(shape: Any, dtype: Any) -> Any:
            return ops.convert_to_tensor(values.astype(np.uint32).astype(np.int32))

        return self.add_weight(
            name=name, shape=values.shape, initializer=initial, dtype="int32", trainable=False
        )

    def call(self, features: Any, training: bool = False) -> Any:
        """Features, some of them zero in training."""
        if not training or self.rate == 0:
            return features
        kept = ops.cast(self._uniform(features) >= self.rate, features.dtype)
        return features * kept / (1 - self.rate)

    def _uniform(self, features: Any) -> Any:
        """Numbers in [0, 1), ``(1, r, n, f)``."""
        n, f = ops.shape(features)[2], features.shape[3]
        stream = _hash(ops.cast(self.seeds, "uint32"), ops.cast(self.steps_taken, "uint32"))
        rows = ops.cast(ops.arange(n, dtype="int32"), "uint32")
        columns = ops.cast(ops.arange(f, dtype="int32"), "uint32")
        bits = _hash(stream[:, None], rows[None])
        bits = _hash(bits[:, :, None], columns[None, None])
        return ops.cast(ops.right_shift(bits, _word(8)), "float32")[None] * 2.0**-24

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        r = len(self.replica_seeds)
        if len(input_shape) != 4 or input_shape[1] != r:
            raise ValueError(
                f"dropout takes features (b, {r}, n, f) of replicas; a multi_dense layer must come "
                f"before it. Received: {tuple(input_shape)}"
            )
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.layers.Identity:
        """Plain Keras: nothing drops out of a network that is trained."""
        return keras.layers.Identity(name=self.name, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        own = {"rate": self.rate, "replica_seeds": list(self.replica_seeds)}
        return {**super().get_config(), **own}


def _word(value: int) -> Any:
    return ops.cast(ops.convert_to_tensor(np.uint32(value)), "uint32")


def _hash(a: Any, b: Any) -> Any:
    """A 32-bit word from two, element by element.

    The finaliser of MurmurHash3 (A. Appleby, public domain) on a + golden ratio * (b + 1).
    """
    h = a + _word(0x9E3779B9) * (b + _word(1))
    h = ops.bitwise_xor(h, ops.right_shift(h, _word(16))) * _word(0x85EBCA6B)
    h = ops.bitwise_xor(h, ops.right_shift(h, _word(13))) * _word(0xC2B2AE35)
    return ops.bitwise_xor(h, ops.right_shift(h, _word(16)))


def build(settings: DropoutSettings, context: LayerContext) -> ReplicaDropout:
    """The layer that a runcard asks for."""
    return ReplicaDropout(settings.rate, context.replica_seeds, name=f"dropout_{context.position}")
