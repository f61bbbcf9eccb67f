"""What networks begin with: x scaled to its range, and with it the logarithm of x
(arXiv:2109.02653, section 3.2.1). The same for all replicas.

These act on the grid alone, which is constant: in a compiled step they cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from replicafit.components import ComponentSettings, LayerContext
from replicafit.components.builtin.layers import XLogXSettings
from replicafit.components.inputs import Input


class InputLayer(keras.layers.Layer):
    """Base of layers that take x itself, ``(b, n, m)``, and act on each point alone.

    ``call(x)`` of subclasses maps ``(..., m)`` to ``(..., f)`` by ``keras.ops``.

    Args:
        inputs: with their ranges, or what files hold of them.
    """

    def __init__(self, inputs: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs = tuple(
            each if isinstance(each, Input) else Input.of_record(each) for each in inputs
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(b, n, f)``."""
        m = len(self.inputs)
        if len(input_shape) != 3 or input_shape[2] != m:
            raise ValueError(
                f"{self._kind} takes x itself, (b, n, {m}), and must come first. Received: "
                f"{tuple(input_shape)}"
            )
        return (*input_shape[:2], self.features)

    @property
    def features(self) -> int:
        """How many leave it, f; by default one for each input."""
        return len(self.inputs)

    @property
    def _kind(self) -> str:
        """What runcards call it."""
        return self.name.rpartition("_")[0]

    def split(self, slot: int, features: Any = None) -> keras.Model:
        """Plain Keras: ``(b, m) -> (b, f)``."""
        x = keras.Input((len(self.inputs),), name="x", dtype=self.compute_dtype)
        return keras.Model(x, self.call(x), name=self.name)

    def columns(self, x: Any) -> list[Any]:
        """Each input of x ``(..., m)``, ``(..., 1)``."""
        return [x] if len(self.inputs) == 1 else ops.split(x, len(self.inputs), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "inputs": [each.record() for each in self.inputs]}


@keras.saving.register_keras_serializable(package="replicafit")
class ScaledX(InputLayer):
    """x ``(b, n, m)``, each input scaled to its range from 0 to 1; as it is in (0, 1]."""

    def call(self, x: Any) -> Any:
        """Scaled x, of the same shape."""
        if all(one.is_unit for one in self.inputs):
            return x
        pairs = zip(self.inputs, self.columns(x), strict=True)
        return side_by_side([one.scaled(column) for one, column in pairs])

    def split(self, slot: int, features: Any = None) -> keras.Model | keras.layers.Layer:
        """Plain Keras: ``(b, m) -> (b, m)``."""
        if all(one.is_unit for one in self.inputs):
            return keras.layers.Identity(name=self.name, dtype=self.compute_dtype)
        return super().split(slot, features)


@keras.saving.register_keras_serializable(package="replicafit")
class XLogX(InputLayer):
    """x ``(b, n, m)`` and logarithms, ``(b, n, m + l)``.

    An input with a logarithm is divided by the upper end of its range, where the logarithm is 0;
    others are scaled to their range.

    Args:
        inputs: with their ranges.
        logarithms: names of those whose logarithm is taken, length l.
    """

    def __init__(self, inputs: Sequence[Any], logarithms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(inputs, **kwargs)
        self.logarithms = tuple(logarithms)

    @property
    def features(self) -> int:
        """m + l."""
        return len(self.inputs) + len(self.logarithms)

    def call(self, x: Any) -> Any:
        """Inputs, then logarithms."""
        features, logarithms = [], []
        for one, column in zip(self.inputs, self.columns(x), strict=True):
            if one.name in self.logarithms:
                relative = one.relative(column)
                logarithms.append(ops.log(relative))
                features.append(relative)
            else:
                features.append(one.scaled(column))
        return side_by_side([*features, *logarithms])

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {**super().get_config(), "logarithms": list(self.logarithms)}


def side_by_side(columns: Sequence[Any]) -> Any:
    """Features ``(..., 1)`` or more each, as one."""
    return columns[0] if len(columns) == 1 else ops.concatenate(columns, axis=-1)


def build_x(settings: ComponentSettings, context: LayerContext) -> ScaledX:
    """The layer ``x`` that a runcard asks for."""
    return ScaledX(context.inputs, name=f"x_{context.position}")


def build_x_logx(settings: XLogXSettings, context: LayerContext) -> XLogX:
    """The layer ``x_logx`` that a runcard asks for."""
    names = settings.inputs or [one.name for one in context.inputs]
    return XLogX(context.inputs, names, name=f"x_logx_{context.position}")
