"""x mapped to its place among the data."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from replicafit.components import ComponentSettings, LayerContext, LayerType
from replicafit.errors import ModelError


class FeatureScalingSettings(ComponentSettings):
    """x -> where x stands among the data, from -1 to 1."""

    knots: int = Field(
        default=20,
        ge=2,
        le=1000,
        description="Knots of the interpolation, at equal steps of the distribution.",
    )


def build(settings: FeatureScalingSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for."""
    from replicafit.layers.feature_scaling import FeatureScaling, scaling_knots

    if not len(context.x_grid):
        raise ModelError(
            "feature_scaling needs the x grid of the data, and none is given. Give data with a "
            "grid, or begin with x_logx."
        )
    knots, values = scaling_knots(context.x_grid, settings.knots)
    return FeatureScaling(knots, values, name=f"feature_scaling_{context.position}")


LAYERS = (
    LayerType(
        name="feature_scaling",
        settings=FeatureScalingSettings,
        build=build,
        summary="x -> its place among the data, from -1 to 1",
    ),
)
