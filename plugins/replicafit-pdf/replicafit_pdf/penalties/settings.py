"""Built-in penalties: their settings as a runcard gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from replicafit.plugin import ComponentSettings, Penalty, hookimpl


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str | Path) else value


_TEXT = {"type": "string"}
Paths = Annotated[
    tuple[Path, ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
GridPoint = Annotated[float, Field(gt=0, le=1)]


class GrowingSettings(ComponentSettings):
    """A penalty whose multiplier grows geometrically along the steps of each replica."""

    initial: Positive = Field(
        default=1.0, description="The multiplier at the first step; at most maximum."
    )
    maximum: Positive = Field(description="Where the multiplier ends.")
    growth_steps: int | None = Field(
        default=None,
        ge=1,
        description="Steps until it is there; by default all of max_steps.",
        json_schema_extra={"unit": "steps"},
    )

    @model_validator(mode="after")
    def _growing(self) -> Self:
        if self.initial > self.maximum:
            raise ValueError(
                f"initial ({self.initial:g}) is above maximum ({self.maximum:g}): the multiplier "
                "grows from initial to maximum"
            )
        return self


class PositivitySettings(GrowingSettings):
    """Keeps observables positive."""

    type: Literal["positivity"] = "positivity"
    path: Paths = Field(
        default=(), description="Files of observables, or folders of them, relative to the runcard."
    )
    package: str | None = Field(
        default=None,
        description="An installed package that ships observables, in its folder positivity.",
    )
    maximum: Positive = Field(default=1e6, description="Where the multiplier ends.")
    alpha: float = Field(
        default=1e-7, ge=0, lt=1, description="Slope where observables are positive."
    )
    threshold: float = Field(
        default=1e-6,
        ge=0,
        allow_inf_nan=False,
        description="The most by which an observable may violate positivity: its negative "
        "predictions added up.",
    )

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not self.path and self.package is None:
            raise ValueError(
                "there are no observables: give path, files or folders of them, or package, the "
                "name of an installed package that ships some"
            )
        return self


class IntegrabilitySettings(GrowingSettings):
    """Makes x f vanish as x goes to 0."""

    type: Literal["integrability"] = "integrability"
    flavours: tuple[str, ...] = Field(
        default=("t3", "t8"),
        min_length=1,
        description="The functions that must vanish, of the evolution basis.",
    )
    x: tuple[GridPoint, ...] = Field(
        default=(1e-9, 1e-8, 1e-7), min_length=1, description="Where it looks."
    )
    maximum: Positive = Field(default=100.0, description="Where the multiplier ends.")
    bound: Positive = Field(
        default=0.5,
        description="A replica passes if |x f| added up over x is at most this for every flavour.",
    )


@hookimpl
def replicafit_penalties() -> Sequence[Penalty]:
    """The penalties of replicafit itself."""
    return [
        Penalty(
            name="positivity",
            settings=PositivitySettings,
            build="replicafit_pdf.penalties.positivity:build",
            x_grid="replicafit_pdf.penalties.observables:requested_grid",
            verdict="replicafit_pdf.penalties.positivity:verdict",
            summary="keeps observables positive",
        ),
        Penalty(
            name="integrability",
            settings=IntegrabilitySettings,
            build="replicafit_pdf.penalties.integrability:build",
            x_grid="replicafit_pdf.penalties.small_x:requested_grid",
            verdict="replicafit_pdf.penalties.integrability:verdict",
            summary="makes x f vanish at small x",
        ),
    ]
