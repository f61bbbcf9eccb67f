"""The key ``scan``: which settings are tried, and how they are judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from replicafit.plugin import Settings


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        raise ValueError(f"a range goes from low to high, not from {pair[0]} to {pair[1]}")
    return pair


def _above_zero(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] <= 0:
        raise ValueError(f"a logarithmic range starts above 0, not at {pair[0]}")
    return pair


_Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_rising)]


class Dimension(Settings):
    """What one key of the runcard may be; exactly one of the four."""

    choice: tuple[Any, ...] | None = Field(
        default=None, min_length=1, description="One of these values, of any kind."
    )
    uniform: _Range | None = Field(default=None, description="A number from low to high.")
    log_uniform: Annotated[_Range, AfterValidator(_above_zero)] | None = Field(
        default=None, description="A number from low to high whose logarithm is uniform."
    )
    integer: Annotated[tuple[int, int], AfterValidator(_rising)] | None = Field(
        default=None, description="A whole number from low to high, both included."
    )

    @model_validator(mode="after")
    def _one(self) -> Dimension:
        if sum(value is not None for _, value in self) != 1:
            raise ValueError(
                "give one of {choice: [...]}, {uniform: [low, high]}, {log_uniform: [low, high]} "
                "and {integer: [low, high]}"
            )
        return self


class HalvingSettings(Settings):
    """When trials that have fallen behind are stopped."""

    rungs: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        min_length=1,
        description="Steps after which, on the first fold, a trial is compared with the others of "
        "its architecture by the lowest validation chi2 of its replicas.",
        examples=[[1000, 3000]],
    )
    keep: float = Field(
        default=0.5, gt=0, lt=1, description="Fraction of the trials seen at a rung that goes on."
    )


class ScanSettings(Settings):
    """A search for better settings: replicafit scan."""

    space: dict[str, Dimension] = Field(
        min_length=1,
        description="Dotted keys of the runcard, each with what it may be.",
        examples=[{"training.optimizer.learning_rate": {"log_uniform": [1e-4, 1e-2]}}],
    )
    trials: int = Field(default=100, ge=1, description="How many points of the space are tried.")
    generation: int = Field(
        default=20, ge=1, description="Points that are drawn at a time, knowing those before."
    )
    together: int = Field(
        default=10,
        ge=1,
        description="Points of a generation that share an architecture and differ in the numbers "
        "of the optimizer alone; they are slots of one batch.",
    )
    replicas_per_fold: int = Field(
        default=1, ge=1, description="Replicas that each point trains for each fold held out."
    )
    objective: Literal["average", "worst", "chi2_phi2"] = Field(
        default="average",
        description="What is minimised, of the chi2 per datum of the folds held out, mean over "
        "replicas: average: of all folds; worst: the largest; chi2_phi2: the average of chi2 + "
        "phi2.",
    )
    halving: HalvingSettings | None = Field(
        default=None, description="Successive halving: when to stop trials that fall behind."
    )

    @model_validator(mode="after")
    def _several_for_phi2(self) -> ScanSettings:
        if self.objective == "chi2_phi2" and self.replicas_per_fold < 2:
            raise ValueError(
                "phi2 is a spread over replicas: give replicas_per_fold 2 or more, or another "
                "objective"
            )
        return self
