"""The inputs of a network: x as it is, or with its logarithm."""

from __future__ import annotations

from typing import Any

from replicafit.components import ComponentSettings, LayerContext, LayerType


def build_x(settings: ComponentSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for."""
    from replicafit.layers.x_logx import PlainX

    return PlainX(name=f"x_{context.position}")


def build_x_logx(settings: ComponentSettings, context: LayerContext) -> Any:
    """The layer that a runcard asks for."""
    from replicafit.layers.x_logx import XLogX

    return XLogX(name=f"x_logx_{context.position}")


LAYERS = (
    LayerType(name="x", build=build_x, summary="x as it is"),
    LayerType(
        name="x_logx",
        build=build_x_logx,
        size=lambda settings, features: (2 * features, 0),
        summary="x -> (x, log x)",
    ),
)
