"""Built-in optimisers: their settings as a runcard gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from replicafit.components import ComponentSettings, OptimiserType
from replicafit.hookspecs import hookimpl


class ClippingSettings(ComponentSettings):
    """What all optimisers share: the learning rate and clipping, always per replica."""

    learning_rate: float = Field(default=1e-3, gt=0, description="Step size.")
    clipnorm: float | None = Field(
        default=None, gt=0, description="Largest norm of the gradient of each variable."
    )
    global_clipnorm: float | None = Field(
        default=None, gt=0, description="Largest norm of the gradient of all variables together."
    )


class AdamSettings(ClippingSettings):
    """Adam, arXiv:1412.6980."""

    type: Literal["adam"] = "adam"
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-7, gt=0)


class NadamSettings(ClippingSettings):
    """Nadam, Dozat (2016): Adam with Nesterov momentum."""

    type: Literal["nadam"] = "nadam"
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-7, gt=0)


@hookimpl
def replicafit_optimizers() -> Sequence[OptimiserType]:
    """The optimisers of replicafit itself."""
    rules = "replicafit.training.optimisers"
    return [
        OptimiserType(
            name="adam", settings=AdamSettings, build=f"{rules}:adam", summary="arXiv:1412.6980"
        ),
        OptimiserType(
            name="nadam", settings=NadamSettings, build=f"{rules}:nadam", summary="Dozat (2016)"
        ),
    ]
