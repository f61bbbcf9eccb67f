"""The settings of the built-in layers, as a runcard gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from replicafit.components import ComponentSettings

KerasObject = str | Mapping[str, Any]
"""The name of something of Keras, or its config: ``{class_name: L2, config: {l2: 1.0e-4}}``."""


_TIES_REPLICAS = MappingProxyType(
    {
        "BatchNormalization": "it keeps statistics of a batch; LayerNormalization has none",
        "Dropout": "it draws random numbers for all replicas together; use the layer type dropout",
        **dict.fromkeys(
            ("AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D"),
            "it draws random numbers for all replicas together",
        ),
    }
)


def _can_be_replicated(layer: str) -> str:
    """Refuses before Keras is imported what is known; the rest is tried when the model is built."""
    if layer in _TIES_REPLICAS:
        raise ValueError(f"{layer} cannot be replicated: {_TIES_REPLICAS[layer]}")
    return layer


class XSettings(ComponentSettings):
    """x as it is."""

    type: Literal["x"] = "x"


class XLogXSettings(ComponentSettings):
    """x -> (x, log x)."""

    type: Literal["x_logx"] = "x_logx"


class FeatureScalingSettings(ComponentSettings):
    """x -> where x stands among the data, from -1 to 1."""

    type: Literal["feature_scaling"] = "feature_scaling"
    knots: int = Field(
        default=20,
        ge=2,
        le=1000,
        description="Knots of the interpolation, at equal steps of the distribution.",
    )


class MultiDenseSettings(ComponentSettings):
    """A dense layer for each replica."""

    type: Literal["multi_dense"] = "multi_dense"
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


class DropoutSettings(ComponentSettings):
    """Sets a random fraction of the features to zero in training."""

    type: Literal["dropout"] = "dropout"
    rate: float = Field(ge=0, lt=1, description="Fraction of the features set to zero.")


class KerasSettings(ComponentSettings):
    """Any layer of Keras, for each replica."""

    type: Literal["keras"] = "keras"
    layer: Annotated[str, AfterValidator(_can_be_replicated)] = Field(
        description="A class in keras.layers that maps (b, f) to (b, g), such as "
        "LayerNormalization."
    )
    config: Mapping[str, Any] = Field(
        default={},
        description="Its arguments; seeds of initializers are set for each replica.",
        examples=[{"axis": -1}],
    )
