"""Built-in optimizers: their settings as a runcard gives them, with Keras' names and defaults.

Every number that a rule uses may be drawn per replica:

    learning_rate: 1.0e-3
    learning_rate: {choice: [1.0e-3, 3.0e-3]}
    learning_rate: {uniform: [1.0e-3, 3.0e-3]}
    learning_rate: {log_uniform: [1.0e-4, 1.0e-2]}

Switches such as ``nesterov`` are the same for all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    WithJsonSchema,
    model_validator,
)

from replicafit.components import ComponentSettings, OptimizerType
from replicafit.components.hookspecs import hookimpl


def _ordered(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    if low > high:
        raise ValueError(f"a range goes from low to high, not from {low} to {high}")
    return interval


def _above_zero(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] <= 0:
        raise ValueError(f"a logarithmic range starts above 0, not at {interval[0]}")
    return interval


Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ordered)]


class Choice(ComponentSettings):
    """One of the values given, each as likely."""

    choice: tuple[FiniteFloat, ...] = Field(
        min_length=1, description="One of the values given, each as likely."
    )


class Uniform(ComponentSettings):
    """A number from low to high."""

    uniform: Range = Field(description="A number from low to high.")


class LogUniform(ComponentSettings):
    """A number from low to high whose logarithm is uniform."""

    log_uniform: Annotated[Range, AfterValidator(_above_zero)] = Field(
        description="A number from low to high whose logarithm is uniform."
    )


Draw = Choice | Uniform | LogUniform
"""What each replica draws for itself."""


def _form(value: Any) -> str | None:
    """The tag of what a hyperparameter is given as; None for what cannot be one."""
    if isinstance(value, Draw):
        value = value.model_dump()
    if not isinstance(value, Mapping):
        return None if isinstance(value, bool) else "number"
    forms = ("choice", "uniform", "log_uniform")
    return next((form for form in forms if set(value) == {form}), None)


PerReplica = Annotated[
    Annotated[FiniteFloat, Tag("number")]
    | Annotated[Choice, Tag("choice")]
    | Annotated[Uniform, Tag("uniform")]
    | Annotated[LogUniform, Tag("log_uniform")],
    Discriminator(
        _form,
        custom_error_type="per_replica",
        custom_error_message="give a number, {choice: [...]}, {uniform: [low, high]} or "
        "{log_uniform: [low, high]}",
    ),
]
"""A number for all replicas, or how each draws its own."""


def _all(allowed: Callable[[float], bool], words: str) -> AfterValidator:
    """Checks every possible value."""

    def check(value: Any) -> Any:
        drawn = isinstance(value, Draw)  # a choice of values, or the ends of a range
        (numbers,) = value.model_dump().values() if drawn else ((value,),)
        wrong = [number for number in numbers if not allowed(number)]
        if wrong:
            raise ValueError(f"must be {words}, and {wrong[0]} is not")
        return value

    return AfterValidator(check)


def _schema(**bounds: float) -> WithJsonSchema:
    """JSON Schema of a number within ``bounds``, or of how each replica draws its own."""
    number = {"type": "number", **bounds}
    draws = {
        "choice": {"type": "array", "items": number, "minItems": 1},
        "uniform": {"type": "array", "items": number, "minItems": 2, "maxItems": 2},
    }
    draws["log_uniform"] = draws["uniform"]
    forms: list[Any] = [
        {"type": "object", "properties": {k: v}, "required": [k], "additionalProperties": False}
        for k, v in draws.items()
    ]
    words = "a draw: {choice}, {uniform} or {log_uniform}"
    return WithJsonSchema({"anyOf": [number, {"anyOf": forms, "words": words}]})


Positive = Annotated[
    PerReplica, _all(lambda x: x > 0, "greater than 0"), _schema(exclusiveMinimum=0)
]
NotNegative = Annotated[PerReplica, _all(lambda x: x >= 0, "0 or greater"), _schema(minimum=0)]
Fraction = Annotated[
    PerReplica,
    _all(lambda x: 0 <= x < 1, "from 0 to less than 1"),
    _schema(minimum=0, exclusiveMaximum=1),
]
ProperFraction = Annotated[
    PerReplica,
    _all(lambda x: 0 < x < 1, "between 0 and 1"),
    _schema(exclusiveMinimum=0, exclusiveMaximum=1),
]


_STEPS: Any = {"unit": "steps"}


class WarmUp(ComponentSettings):
    """What all schedules share."""

    warmup_steps: NonNegativeInt = Field(
        default=0,
        description="Steps in which the factor rises linearly from 0.",
        json_schema_extra=_STEPS,
    )


class ConstantRate(WarmUp):
    """The learning rate stays as it is after the warm-up."""

    type: Literal["constant"] = "constant"


class CosineDecay(WarmUp):
    """Half a period of a cosine after the warm-up, arXiv:1608.03983; constant afterwards."""

    type: Literal["cosine"] = "cosine"
    decay_steps: PositiveInt = Field(
        description="Steps from the warm-up to the final rate.", json_schema_extra=_STEPS
    )
    final_fraction: float = Field(
        default=0.0, ge=0, le=1, description="The final rate over the learning rate."
    )


class ExponentialDecay(WarmUp):
    """After the warm-up, times ``decay_rate`` in every ``decay_steps``, smoothly."""

    type: Literal["exponential"] = "exponential"
    decay_steps: PositiveInt = Field(
        description="Steps in which the learning rate is multiplied by decay_rate.",
        json_schema_extra=_STEPS,
    )
    decay_rate: PositiveFloat = Field(description="Factor on the learning rate in decay_steps.")


def _schedule_type(value: Any) -> str | None:
    """The tag of a schedule; None where there is none that we know."""
    given = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return given if given in ("constant", "cosine", "exponential") else None


RateSchedule = Annotated[
    Annotated[ConstantRate, Tag("constant")]
    | Annotated[CosineDecay, Tag("cosine")]
    | Annotated[ExponentialDecay, Tag("exponential")],
    Discriminator(
        _schedule_type,
        custom_error_type="schedule",
        custom_error_message="give {type: constant}, {type: cosine, decay_steps: ...} or "
        "{type: exponential, decay_steps: ..., decay_rate: ...}",
    ),
]


class OptimizerSettings(ComponentSettings):
    """What all optimizers share; whatever acts on a norm acts on one replica alone."""

    learning_rate: Positive = Field(default=1e-3, description="Step size.")
    schedule: RateSchedule = Field(
        default=ConstantRate(), description="Factor on the learning rate at a replica's own step."
    )
    weight_decay: NotNegative | None = Field(
        default=None,
        description="Before each step, weights shrink by this times the learning rate.",
    )
    clipnorm: Positive | None = Field(
        default=None, description="Largest norm of the gradient of each variable (kernel or bias)."
    )
    global_clipnorm: Positive | None = Field(
        default=None, description="Largest norm of the gradient of all variables together."
    )
    clipvalue: Positive | None = Field(
        default=None, description="Largest magnitude of each element of the gradient."
    )

    @model_validator(mode="after")
    def _clip_in_one_way(self) -> OptimizerSettings:
        ways = ("clipnorm", "global_clipnorm", "clipvalue")
        given = [name for name in ways if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one of them")
        return self


_MOMENTUM = "Share of the last step that is added to the next."
_CENTRED = "Divide by the spread of gradients, not by their size."


class SgdSettings(OptimizerSettings):
    """Gradient descent with momentum, Polyak (1964), or Nesterov's, PMLR 28 (2013) 1139."""

    learning_rate: Positive = Field(default=1e-2, description="Step size.")
    momentum: Fraction = Field(default=0.0, description=_MOMENTUM)
    nesterov: bool = Field(default=False, description="Nesterov's momentum.")


class MomentsSettings(OptimizerSettings):
    """Of the optimizers that keep running means of the gradient and of its size."""

    beta_1: Fraction = Field(default=0.9, description="Memory of the mean gradient.")
    beta_2: Fraction = Field(default=0.999, description="Memory of its size.")
    epsilon: Positive = Field(default=1e-7, description="Added to the size.")


class AdamSettings(MomentsSettings):
    """Adam, arXiv:1412.6980."""

    amsgrad: bool = Field(default=False, description="Divide by the largest size so far.")


class AdamwSettings(AdamSettings):
    """AdamW, arXiv:1711.05101: Adam with weight decay."""

    weight_decay: NotNegative = Field(
        default=4e-3,
        description="Before each step, weights shrink by this times the learning rate.",
    )


class AmsgradSettings(MomentsSettings):
    """AMSGrad, arXiv:1904.09237: Adam that divides by the largest size so far."""


class NadamSettings(MomentsSettings):
    """Nadam, Dozat (2016): Adam with Nesterov momentum."""


class AdamaxSettings(MomentsSettings):
    """Adamax, arXiv:1412.6980: Adam with the infinity norm."""


class RmspropSettings(OptimizerSettings):
    """RMSprop, Tieleman & Hinton (2012)."""

    rho: Fraction = Field(default=0.9, description="Memory of the squared gradient.")
    momentum: Fraction = Field(default=0.0, description=_MOMENTUM)
    epsilon: Positive = Field(default=1e-7, description="Added to the squared size.")
    centered: bool = Field(default=False, description=_CENTRED)


class AdagradSettings(OptimizerSettings):
    """Adagrad, Duchi, Hazan & Singer (2011)."""

    initial_accumulator_value: NotNegative = Field(
        default=0.1, description="Squared gradients before the first step."
    )
    epsilon: Positive = Field(default=1e-7, description="Added to the squared size.")


class AdadeltaSettings(OptimizerSettings):
    """Adadelta, arXiv:1212.5701."""

    rho: Fraction = Field(default=0.95, description="Memory of squared gradients and steps.")
    epsilon: Positive = Field(default=1e-7, description="Added to the squared sizes.")


class LionSettings(OptimizerSettings):
    """Lion, arXiv:2302.06675."""

    beta_1: ProperFraction = Field(default=0.9, description="Share of the mean in the step.")
    beta_2: Fraction = Field(default=0.99, description="Memory of the mean.")


_OPTIMIZERS: Mapping[str, tuple[type[OptimizerSettings], str]] = {
    "sgd": (SgdSettings, "gradient descent, with momentum; PMLR 28 (2013) 1139"),
    "adam": (AdamSettings, "arXiv:1412.6980"),
    "adamw": (AdamwSettings, "Adam with weight decay; arXiv:1711.05101"),
    "amsgrad": (AmsgradSettings, "Adam whose steps only shrink; arXiv:1904.09237"),
    "nadam": (NadamSettings, "Adam with Nesterov momentum; Dozat (2016)"),
    "rmsprop": (RmspropSettings, "Tieleman & Hinton (2012)"),
    "adagrad": (AdagradSettings, "Duchi, Hazan & Singer, JMLR 12 (2011) 2121"),
    "adadelta": (AdadeltaSettings, "arXiv:1212.5701"),
    "adamax": (AdamaxSettings, "Adam with the infinity norm; arXiv:1412.6980"),
    "lion": (LionSettings, "steps of one size; arXiv:2302.06675"),
}


@hookimpl
def replicafit_optimizers() -> Sequence[OptimizerType]:
    """The optimizers of replicafit itself."""
    rules = "replicafit.training.optimizers"
    return [
        OptimizerType(name=name, settings=settings, build=f"{rules}:{name}", summary=summary)
        for name, (settings, summary) in _OPTIMIZERS.items()
    ]
