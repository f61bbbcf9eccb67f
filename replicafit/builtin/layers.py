"""Built-in layers: their settings as a runcard gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, FiniteFloat

from replicafit.components import ComponentSettings, LayerType
from replicafit.hookspecs import hookimpl
from replicafit.pdf.quadrature import sum_rule_nodes


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError(f"a range goes from low to high, not from {interval[0]} to {interval[1]}")
    return interval


Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]
Exponent = Annotated[float, Field(allow_inf_nan=False)] | Range


class XLogXSettings(ComponentSettings):
    """x -> (x, log x)."""

    type: Literal["x_logx"] = "x_logx"


class MultiDenseSettings(ComponentSettings):
    """A dense layer for each replica."""

    type: Literal["multi_dense"] = "multi_dense"
    units: int = Field(ge=1, description="Outputs per replica.")
    activation: str | None = Field(default=None, description="A Keras activation; none is linear.")
    use_bias: bool = True
    kernel_initializer: str | Mapping[str, Any] = Field(
        default="glorot_normal", description="A Keras initialiser; its seed is set per replica."
    )
    bias_initializer: str | Mapping[str, Any] = "zeros"


class PreprocessingSettings(ComponentSettings):
    """Multiplies each flavour by x^(1-alpha) (1-x)^beta."""

    type: Literal["preprocessing"] = "preprocessing"
    alpha: Mapping[str, Exponent] = Field(
        default={}, description="Per flavour: a number, or a range to draw from per replica."
    )
    beta: Mapping[str, Exponent] = Field(
        default={}, description="Per flavour: a number, or a range to draw from per replica."
    )


class SumRulesSettings(ComponentSettings):
    """Normalises flavours such that momentum and valence sum rules hold."""

    type: Literal["sum_rules"] = "sum_rules"
    rules: tuple[Literal["momentum", "v", "v3", "v8"], ...] = Field(
        default=("momentum", "v", "v3", "v8"), description="The sum rules to impose."
    )
    nodes: int = Field(default=32, ge=8, le=256, description="Quadrature nodes.")


def _sum_rule_grid(settings: SumRulesSettings) -> np.ndarray:
    return sum_rule_nodes(settings.nodes).x


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The layers of replicafit itself."""
    return [
        LayerType(
            name="x_logx",
            settings=XLogXSettings,
            build="replicafit.layers.x_logx:build",
            summary="x -> (x, log x)",
        ),
        LayerType(
            name="multi_dense",
            settings=MultiDenseSettings,
            build="replicafit.layers.multi_dense:build",
            summary="a dense layer for each replica",
        ),
        LayerType(
            name="preprocessing",
            settings=PreprocessingSettings,
            build="replicafit.layers.preprocessing:build",
            needs_x=True,
            summary="times x^(1-alpha) (1-x)^beta",
        ),
        LayerType(
            name="sum_rules",
            settings=SumRulesSettings,
            build="replicafit.layers.sum_rules:build",
            extra_grid=_sum_rule_grid,
            summary="momentum and valence sum rules",
        ),
    ]
