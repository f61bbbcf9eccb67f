"""The runcard's keys, as pydantic models: frozen, and unknown keys are errors.

Component settings (datasets, layers, penalties, optimiser) are unions discriminated by ``type``;
which types there are depends on the plugins, so ``runcard_type`` builds the model from a registry.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from replicafit.components import (
    Component,
    ComponentSettings,
    DatasetReader,
    Exporter,
    LayerType,
    OptimiserType,
    Penalty,
)
from replicafit.plugins import Registry

EVOLUTION_FLAVOURS = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplicaRange(_Section):
    """The replica numbers of a fit, from ``first`` to ``last`` included."""

    first: int = Field(ge=1)
    last: int = Field(ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_count_or_pair(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("give a count such as 100, or a first and last number such as 1-10")
        if isinstance(value, int):
            return {"first": 1, "last": value}
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"first": value[0], "last": value[1]}
        if isinstance(value, str):
            pair = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", value)
            if pair:
                return {"first": pair[1] if pair[2] else 1, "last": pair[2] or pair[1]}
            raise ValueError("give a count such as 100, or a first and last number such as 1-10")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> ReplicaRange:
        if self.last < self.first:
            raise ValueError(f"the last replica number {self.last} is below the first {self.first}")
        return self

    @model_serializer
    def _as_pair(self) -> list[int]:
        return [self.first, self.last]

    @property
    def numbers(self) -> tuple[int, ...]:
        """All replica numbers."""
        return tuple(range(self.first, self.last + 1))


class DataSettings(_Section):
    """What is fitted."""

    datasets: tuple[Any, ...] = Field(min_length=1, description="The datasets, each with a type.")
    training_fraction: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Fraction of the data of each dataset used for training; the rest validates.",
    )
    pseudodata: bool = Field(
        default=True,
        description="Fluctuate the data of each replica within their covariance.",
    )


class ModelSettings(_Section):
    """The function that is fitted."""

    flavours: tuple[str, ...] = Field(
        default=EVOLUTION_FLAVOURS,
        min_length=1,
        description="What the last network layer puts out, in order.",
    )
    layers: tuple[Any, ...] = Field(min_length=1, description="The layers, each with a type.")

    @field_validator("flavours")
    @classmethod
    def _distinct(cls, flavours: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({f for f in flavours if flavours.count(f) > 1})
        if twice:
            raise ValueError(f"flavours must be distinct; given twice: {', '.join(twice)}")
        return flavours


class TrainingSettings(_Section):
    """How it is fitted."""

    optimizer: Any
    max_steps: int = Field(default=20_000, ge=1, description="Optimiser steps at most.")
    check_every: int = Field(
        default=10, ge=1, description="Steps between two evaluations of the validation chi2."
    )
    patience: int = Field(
        default=2000, ge=1, description="Steps without a better validation chi2 before stopping."
    )


class Runcard(_Section):
    """All that defines a fit. Together with the plugins it determines every replica."""

    title: str = Field(default="", description="One line for reports.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Start of every random number.")
    replicas: ReplicaRange = Field(
        default=ReplicaRange(first=1, last=100),
        description="How many replicas, or the first and last replica number (1-10).",
    )
    precision: Literal["float32", "float64"] = Field(
        default="float32", description="Numbers on the device; preparation is always float64."
    )
    data: DataSettings
    model: ModelSettings
    penalties: tuple[Any, ...] = Field(default=(), description="Terms added to chi2.")
    training: TrainingSettings
    export: tuple[str, ...] = Field(
        default=("network", "function", "history"), description="What is written per replica."
    )


def runcard_type(registry: Registry) -> type[Runcard]:
    """The runcard model whose component settings are those of ``registry``."""
    data = _with(DataSettings, datasets=_several(registry, DatasetReader))
    model = _with(ModelSettings, layers=_several(registry, LayerType))
    training: Any = create_model(
        "Training", __base__=TrainingSettings, optimizer=(_union(registry, OptimiserType), _NADAM)
    )
    names = registry.names(Exporter)
    exports: Any = Literal[names] if names else str
    card = _with(Runcard, penalties=_several(registry, Penalty), export=tuple[exports, ...])
    whole: Any = create_model(
        "Runcard",
        __base__=card,
        data=(data, ...),
        model=(model, Field(default_factory=lambda: model(layers=DEFAULT_LAYERS))),
        training=(training, Field(default_factory=lambda: training.model_validate({}))),
    )
    return cast(type[Runcard], whole)


def _with(section: type[BaseModel], **types: Any) -> Any:
    """``section`` with other types for some of its fields, their defaults and words kept."""
    fields: Any = {name: (kind, section.model_fields[name]) for name, kind in types.items()}
    return create_model(section.__name__, __base__=section, **fields)


DEFAULT_LAYERS: Any = (
    {"type": "x_logx"},
    {"type": "multi_dense", "units": 25, "activation": "tanh"},
    {"type": "multi_dense", "units": 20, "activation": "tanh"},
    {"type": "multi_dense", "units": len(EVOLUTION_FLAVOURS)},
    {"type": "preprocessing"},
    {"type": "sum_rules"},
)
"""Architecture of NNPDF4.0, arXiv:2109.02653, section 3.2."""

_NADAM: Any = Field(default={"type": "nadam"}, validate_default=True, description="The optimiser.")


def _union(registry: Registry, kind: type[Component]) -> Any:
    """The settings of all components of ``kind``, told apart by ``type``."""
    settings = [component.settings for component in registry.all(kind)]
    if not settings:
        return _NothingInstalled
    return (
        Annotated[reduce(or_, settings), Field(discriminator="type")]
        if settings[1:]
        else settings[0]
    )


def _several(registry: Registry, kind: type[Component]) -> Any:
    union: Any = _union(registry, kind)
    return tuple[union, ...]


class _NothingInstalled(ComponentSettings):
    """Stands where no plugin provides a component of a kind."""

    type: Literal[""]
