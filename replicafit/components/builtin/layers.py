"""Built-in layers: what a runcard may give of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from replicafit.components import ComponentSettings, LayerType, unchanged
from replicafit.components.builtin.keras_names import (
    Activation,
    Constraint,
    Initializer,
    Layer,
    Regularizer,
)
from replicafit.components.hookspecs import hookimpl
from replicafit.components.inputs import Input, described
from replicafit.errors import ModelError


class XLogXSettings(ComponentSettings):
    """x -> x and log x."""

    inputs: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Of several inputs, those whose logarithm is taken; by default all.",
        examples=[["x"]],
    )

    @model_serializer(mode="wrap")
    def _without_names_that_are_none(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in whole(self).items() if value is not None}


def positive_inputs(settings: XLogXSettings, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """``inputs``, logarithmic where x_logx takes their logarithm.

    Raises:
        ModelError: one is not positive, has no upper end, or there is none of a name.
    """
    chosen = settings.inputs or tuple(one.name for one in inputs)
    unknown = sorted(set(chosen) - {one.name for one in inputs})
    if unknown:
        raise ModelError(
            f"names the input '{unknown[0]}', but the data have "
            f"{', '.join(one.name for one in inputs)}. Name one of these"
        )
    for one in inputs:
        if one.name in chosen and (one.low < 0 or one.high == inf):
            others = "" if len(inputs) == 1 else ", name other inputs under inputs"
            raise ModelError(
                f"takes the logarithm of what lies above 0 and has an upper end, such as x in "
                f"(0, 1], but the data have {described(inputs)}. Begin with {{type: x}} "
                f"instead{others}, or give data.x_range"
            )
    return tuple(replace(one, log=True) if one.name in chosen else one for one in inputs)


def _x_logx_size(settings: XLogXSettings, features: int) -> tuple[int, int]:
    return features + (len(settings.inputs) if settings.inputs else features), 0


class MultiDenseSettings(ComponentSettings):
    """A dense layer for each replica."""

    units: int = Field(ge=1, description="Outputs per replica.")
    activation: Activation | None = Field(
        default=None, description="Applied to the outputs; none is linear."
    )
    use_bias: bool = Field(default=True, description="Whether a bias is added.")
    kernel_initializer: Initializer = Field(
        default="glorot_normal",
        description="A Keras initializer of the weights; its seed is set for each replica.",
    )
    bias_initializer: Initializer = Field(
        default="zeros",
        description="A Keras initializer of the bias; its seed is set for each replica, the same "
        "as the kernel's.",
    )
    kernel_regularizer: Regularizer | None = Field(
        default=None,
        description="A Keras regularizer, added to the loss of each replica from its own weights.",
        examples=[{"class_name": "L2", "config": {"l2": 1e-4}}],
    )
    bias_regularizer: Regularizer | None = Field(
        default=None, description="Likewise, from its bias."
    )
    activity_regularizer: Regularizer | None = Field(
        default=None, description="Likewise, from its outputs on the grid."
    )
    kernel_constraint: Constraint | None = Field(
        default=None,
        description="A Keras constraint on the weights of each replica after each step.",
    )
    bias_constraint: Constraint | None = Field(default=None, description="Likewise, on the bias.")


def multi_dense_size(settings: MultiDenseSettings, features: int) -> tuple[int, int]:
    """Features that leave, and parameters per replica."""
    return settings.units, settings.units * (features + settings.use_bias)


class DropoutSettings(ComponentSettings):
    """Sets a random fraction of the features to zero in training."""

    rate: float = Field(ge=0, lt=1, description="Fraction of the features set to zero.")


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


class KerasSettings(ComponentSettings):
    """Any layer of Keras, for each replica."""

    layer: Annotated[Layer, AfterValidator(_can_be_replicated)] = Field(
        description="A class in keras.layers that maps (b, f) to (b, g), such as "
        "LayerNormalization."
    )
    config: Mapping[str, Any] = Field(
        default={},
        description="Its arguments; seeds of initializers are set for each replica.",
        examples=[{"axis": -1}],
    )


_AS_MANY = ("Activation", "ELU", "Identity", "LeakyReLU", "ReLU", "Rescaling", "Softmax")
"""Layers of Keras that change neither the number of features nor have parameters."""


def keras_size(settings: KerasSettings, features: int) -> tuple[int, int] | None:
    """Of the layers that people use most; of others nothing is known."""
    config = settings.config
    if settings.layer == "Dense":
        units = int(config.get("units", features))
        return units, units * (features + config.get("use_bias", True))
    if settings.layer == "LayerNormalization":
        return features, features * (config.get("center", True) + config.get("scale", True))
    if settings.layer in ("PReLU", "RMSNormalization"):
        return features, features
    return (features, 0) if settings.layer in _AS_MANY else None


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The layers of replicafit itself."""
    return [
        LayerType(
            name="x",
            build="replicafit.layers.inputs:build_x",
            size=unchanged,
            summary="x, scaled to its range",
        ),
        LayerType(
            name="x_logx",
            settings=XLogXSettings,
            build="replicafit.layers.inputs:build_x_logx",
            inputs=positive_inputs,
            size=_x_logx_size,
            summary="x -> (x, log x)",
        ),
        LayerType(
            name="multi_dense",
            settings=MultiDenseSettings,
            build="replicafit.layers.multi_dense:build",
            size=multi_dense_size,
            summary="a dense layer for each replica",
        ),
        LayerType(
            name="dropout",
            settings=DropoutSettings,
            build="replicafit.layers.dropout:build",
            size=unchanged,
            summary="random features set to zero in training",
        ),
        LayerType(
            name="keras",
            settings=KerasSettings,
            build="replicafit.layers.replicate:build_keras",
            size=keras_size,
            summary="any layer of Keras, for each replica",
        ),
    ]
