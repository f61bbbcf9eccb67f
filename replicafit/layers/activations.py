"""Activations of NNPDF's code beyond those of Keras.

``leaky_relu`` needs nothing here: Keras' has the same slope below zero, 0.2.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from replicafit.errors import ModelError

Activation = Callable[[Any], Any]
_registered: Callable[[Activation], Activation] = keras.saving.register_keras_serializable(
    package="replicafit"
)


@_registered
def square(x: Any) -> Any:
    """x^2."""
    return x * x


@_registered
def square_singlet(x: Any) -> Any:
    """x^2 of the first two features, in the evolution basis sigma and g; the others as they are."""
    return ops.concatenate([x[..., :2] * x[..., :2], x[..., 2:]], axis=-1)


@_registered
def modified_tanh(x: Any) -> Any:
    """|x| tanh(x), which does not saturate."""
    return ops.absolute(x) * ops.tanh(x)


OWN = MappingProxyType(
    {"square": square, "square_singlet": square_singlet, "modified_tanh": modified_tanh}
)


def named_activation(name: str | None) -> Activation:
    """The activation a runcard names; none is linear.

    Raises:
        ModelError: there is none of this name.
    """
    try:
        found: Activation = OWN.get(name or "") or keras.activations.get(name)
    except ValueError:
        raise ModelError(
            f"There is no activation '{name}'. Give one of Keras, such as tanh, sigmoid, relu or "
            f"leaky_relu, or {', '.join(OWN)}."
        ) from None
    return found


def is_plain(activation: Any) -> bool:
    """Whether a file that names ``activation`` opens with Keras alone."""
    return getattr(activation, "__module__", "").startswith("keras.")
