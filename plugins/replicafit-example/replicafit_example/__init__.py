"""Layer type ``residual_dense`` for replicafit.

This module is loaded by every command, so it only describes; Keras is imported with the layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from replicafit.plugin import ComponentSettings, LayerType, hookimpl


class ResidualDenseSettings(ComponentSettings):
    """What a runcard may say about the layer."""

    activation: str = Field(default="tanh", description="A Keras activation.")


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The one layer of this plugin."""
    return [
        LayerType(
            name="residual_dense",
            settings=ResidualDenseSettings,
            build="replicafit_example.layer:build",
            summary="features + activation(dense(features))",
        )
    ]
