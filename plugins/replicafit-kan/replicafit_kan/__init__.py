"""Layer type ``kan`` for replicafit: a Kolmogorov-Arnold layer with B-splines.

Every command loads this module, so it only describes; Keras is imported with the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from replicafit.plugin import ComponentSettings, LayerType, hookimpl

REPLICAFIT_API_VERSION = 1


class KanSettings(ComponentSettings):
    """What a runcard may say about the layer."""

    units: int = Field(ge=1, description="Outputs per replica.")
    intervals: int = Field(default=5, ge=1, le=200, description="Of the grid of knots.")
    degree: int = Field(default=3, ge=1, le=5, description="Of the splines; 3 is cubic.")
    low: float = Field(default=-1.0, description="Where the grid begins.")
    high: float = Field(default=1.0, description="Where the grid ends.")
    activation: Literal["silu", "tanh", "linear"] = Field(
        default="silu", description="The function beside the splines."
    )
    kernel_initializer: str | dict[str, Any] = Field(
        default="glorot_normal", description="A Keras initializer, of all coefficients."
    )

    @model_validator(mode="after")
    def _ascending(self) -> KanSettings:
        if self.low >= self.high:
            raise ValueError(
                f"low must be less than high. Given: low={self.low}, high={self.high}. "
                "Features within are seen by the splines"
            )
        return self


def _size(settings: KanSettings, features: int) -> tuple[int, int]:
    """How many features leave, and how many parameters each replica trains."""
    functions = settings.intervals + settings.degree + 1
    return settings.units, features * functions * settings.units


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The one layer of this plugin."""
    return [
        LayerType(
            name="kan",
            settings=KanSettings,
            build="replicafit_kan.layer:build",
            size=_size,
            summary="for each output a sum of splines, one of each feature",
        )
    ]
