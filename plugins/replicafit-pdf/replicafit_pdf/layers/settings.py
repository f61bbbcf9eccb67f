"""Settings of the layers, as a runcard gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, FiniteFloat, PositiveInt

from replicafit.plugin import ComponentSettings, KerasObject
from replicafit_pdf.fit_bases import FIT_BASES


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError(f"a range goes from low to high, not from {interval[0]} to {interval[1]}")
    return interval


Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]
Exponent = Annotated[float, Field(allow_inf_nan=False)] | Range


def _integrable(alpha: Any) -> Any:
    if (alpha[1] if isinstance(alpha, tuple) else alpha) >= 2:
        raise ValueError("alpha must be below 2, or the momentum of x f is infinite")
    return alpha


def _finite_at_one(beta: Any) -> Any:
    if (beta[0] if isinstance(beta, tuple) else beta) < 0:
        raise ValueError("beta must not be negative, or x f is infinite at x = 1")
    return beta


Alpha = Annotated[Exponent, AfterValidator(_integrable)]
Beta = Annotated[Exponent, AfterValidator(_finite_at_one)]


class FeatureScalingSettings(ComponentSettings):
    """x -> where x stands among the data, from -1 to 1; each of several inputs among its own."""

    type: Literal["feature_scaling"] = "feature_scaling"
    knots: int = Field(
        default=20,
        ge=2,
        le=1000,
        description="Knots of the interpolation, at equal steps of the distribution.",
    )


class DensePerFlavourSettings(ComponentSettings):
    """A small network of its own for each flavour."""

    type: Literal["dense_per_flavour"] = "dense_per_flavour"
    units: PositiveInt = Field(description="Outputs, each with a network of its own.")
    hidden: tuple[PositiveInt, ...] = Field(
        min_length=1, description="Units of the hidden layers of each flavour's network."
    )
    activation: str | None = Field(
        default="tanh", description="Applied to the outputs of the hidden layers."
    )
    output_activation: str | None = Field(
        default=None, description="Applied to the output; none is linear."
    )
    kernel_initializer: KerasObject = Field(
        default="glorot_normal",
        description="A Keras initializer of the weights; its seed is set for each network.",
    )
    bias_initializer: KerasObject = Field(
        default="zeros", description="A Keras initializer of the biases."
    )
    kernel_regularizer: KerasObject | None = Field(
        default=None, description="A Keras regularizer of the weights of each network alone."
    )
    bias_regularizer: KerasObject | None = Field(
        default=None, description="A Keras regularizer of the biases of each network alone."
    )
    kernel_constraint: KerasObject | None = Field(
        default=None, description="A Keras constraint on the weights of each network alone."
    )
    bias_constraint: KerasObject | None = Field(
        default=None, description="A Keras constraint on the biases of each network alone."
    )


class VanishAtOneSettings(ComponentSettings):
    """NN(x) - NN(1)."""

    type: Literal["vanish_at_one"] = "vanish_at_one"


class PreprocessingSettings(ComponentSettings):
    """Multiplies each flavour by x^(1-alpha) (1-x)^beta."""

    type: Literal["preprocessing"] = "preprocessing"
    alpha: Mapping[str, Alpha] = Field(
        default={},
        description="Small-x exponent of a flavour, below 2: a number, or a range to draw from "
        "uniformly for each replica. Else NNPDF4.0's range.",
        examples=[{"f": [0.2, 0.6]}],
    )
    beta: Mapping[str, Beta] = Field(
        default={},
        description="Large-x exponent of a flavour, not negative: a number, or a range, likewise.",
        examples=[{"f": [2, 4]}],
    )
    trained: bool | tuple[str, ...] = Field(
        default=False,
        description="Whose exponents are trained, all or those of some flavours: they start where "
        "they are drawn and never leave their range.",
    )


class RotationSettings(ComponentSettings):
    """From a fit basis to the evolution basis."""

    type: Literal["rotation"] = "rotation"
    basis: Literal[tuple(FIT_BASES)] = Field(  # type: ignore[valid-type]
        description="The basis of what reaches the layer."
    )


class Sampled(ComponentSettings):
    """A number that each replica draws from a normal distribution."""

    value: FiniteFloat = Field(description="The mean.")
    error: FiniteFloat = Field(
        ge=0, description="One standard deviation; 0 gives all replicas the value."
    )


Rule = Literal["momentum", "v", "v3", "v8", "v15", "v_open_charm", "t3", "t8"]


class SumRulesSettings(ComponentSettings):
    """Normalizes flavours such that sum rules hold."""

    type: Literal["sum_rules"] = "sum_rules"
    rules: Literal["all"] | tuple[Rule, ...] = Field(
        default="all",
        description="The sum rules to impose; all: momentum, v, v3, v8, and v15 if there is one.",
    )
    t3: Sampled = Field(
        default=Sampled(value=1.2756, error=0.0013),
        description="The triplet axial charge, drawn from a normal distribution for each replica.",
    )
    t8: Sampled = Field(
        default=Sampled(value=0.585, error=0.025), description="The octet axial charge, likewise."
    )
    nodes: int = Field(
        default=32,
        ge=8,
        le=256,
        description="Quadrature nodes; they join the one network evaluation of a step.",
    )
