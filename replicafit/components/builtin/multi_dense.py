"""A dense layer for each replica."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from replicafit.components import ComponentSettings, LayerContext, LayerType

KerasObject = str | Mapping[str, Any]
"""The name of something of Keras, or its config: ``{class_name: L2, config: {l2: 1.0e-4}}``."""


class MultiDenseSettings(ComponentSettings):
    """A dense layer for each replica."""

    units: int = Field(ge=1, description="Outputs per replica.")
    activation: str | None = Field(
        default=None, description="Applied to the outputs; none is linear."
    )
    use_bias: bool = Field(default=True, description="Whether a bias is added.")
    kernel_initializer: KerasObject = Field(
        default="glorot_normal",
        description="A Keras initializer of the weights; its seed is set for each replica.",
    )
    bias_initializer: KerasObject = Field(
        default="zeros",
        description="A Keras initializer of the bias; its seed is set for each replica, the same "
        "as the kernel's.",
    )
    kernel_regularizer: KerasObject | None = Field(
        default=None,
        description="A Keras regularizer, added to the loss of each replica from its own weights.",
        examples=[{"class_name": "L2", "config": {"l2": 1e-4}}],
    )
    bias_regularizer: KerasObject | None = Field(
        default=None, description="Likewise, from its bias."
    )
    activity_regularizer: KerasObject | None = Field(
        default=None, description="Likewise, from its outputs on the grid."
    )
    kernel_constraint: KerasObject | None = Field(
        default=None,
        description="A Keras constraint on the weights of each replica after each step.",
    )
    bias_constraint: KerasObject | None = Field(default=None, description="Likewise, on the bias.")


def build(settings: MultiDenseSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for."""
    from replicafit.layers.activations import named_activation
    from replicafit.layers.multi_dense import MultiDense

    return MultiDense(
        replica_seeds=context.replica_seeds,
        activation=named_activation(settings.activation),
        is_first_layer=not context.has_replica_axis,
        name=f"multi_dense_{context.position}",
        **settings.model_dump(exclude={"type", "activation"}),
    )


def size(settings: MultiDenseSettings, features: int) -> tuple[int, int]:
    """Features that leave, and parameters per replica."""
    return settings.units, settings.units * (features + settings.use_bias)


LAYERS = (
    LayerType(
        name="multi_dense",
        settings=MultiDenseSettings,
        build=build,
        size=size,
        summary="a dense layer for each replica",
    ),
)
