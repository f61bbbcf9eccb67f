"""Any layer of Keras, for each replica."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from replicafit.components import ComponentSettings, LayerContext, LayerType

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

    layer: Annotated[str, AfterValidator(_can_be_replicated)] = Field(
        description="A class in keras.layers that maps (b, f) to (b, g), such as "
        "LayerNormalization."
    )
    config: Mapping[str, Any] = Field(
        default={},
        description="Its arguments; seeds of initializers are set for each replica.",
        examples=[{"axis": -1}],
    )


def build(settings: KerasSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for.

    Raises:
        ValueError: Keras has no such layer, or it does not take this config.
    """
    import keras

    from replicafit.layers.replicate import replicate

    kind = getattr(keras.layers, settings.layer, None)
    if not (isinstance(kind, type) and issubclass(kind, keras.layers.Layer)):
        raise ValueError(
            f"keras.layers has no layer class '{settings.layer}'. Give the name of one, such as "
            "LayerNormalization; a layer of your own comes with a plugin"
        )
    try:
        layer = kind(**settings.config)
    except Exception as cause:  # whatever Keras objects to
        raise ValueError(
            f"keras.layers.{settings.layer} does not take this config: {cause}"
        ) from cause
    first = not context.has_replica_axis
    return replicate(layer, context.replica_seeds, first, name=f"keras_{context.position}")


def size(settings: KerasSettings, features: int) -> tuple[int, int]:
    """Of the layers that people use most; others count as changing nothing."""
    config = settings.config
    if settings.layer == "Dense":
        units = int(config.get("units", features))
        return units, units * (features + config.get("use_bias", True))
    if settings.layer == "LayerNormalization":
        return features, features * (config.get("center", True) + config.get("scale", True))
    return features, features if settings.layer in ("PReLU", "RMSNormalization") else 0


LAYERS = (
    LayerType(
        name="keras",
        settings=KerasSettings,
        build=build,
        size=size,
        summary="any layer of Keras, for each replica",
    ),
)
