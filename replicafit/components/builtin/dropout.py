"""Random features set to zero in training."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from replicafit.components import ComponentSettings, LayerContext, LayerType


class DropoutSettings(ComponentSettings):
    """Sets a random fraction of the features to zero in training."""

    rate: float = Field(ge=0, lt=1, description="Fraction of the features set to zero.")


def build(settings: DropoutSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for."""
    from replicafit.layers.dropout import ReplicaDropout

    return ReplicaDropout(settings.rate, context.replica_seeds, name=f"dropout_{context.position}")


LAYERS = (
    LayerType(
        name="dropout",
        settings=DropoutSettings,
        build=build,
        summary="random features set to zero in training",
    ),
)
