"""The runcard's keys, as pydantic models: frozen, and unknown keys are errors.

Component settings (datasets, layers, penalties, optimizer) are unions discriminated by ``type``;
which types there are depends on the plugins (``replicafit.runcard.composing``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from replicafit.components import ComponentSettings, LayerType, Settings
from replicafit.plugins import Registry
from replicafit.runcard.expressions import condition, quantity
from replicafit.runcard.replica_range import ReplicaRange

Steps = Annotated[int, Field(ge=1, le=10**9, json_schema_extra={"unit": "steps"})]


@dataclass(frozen=True)
class RelativePath:
    """Marks text that is a path relative to the runcard.

    Attributes:
        function: it may also be the word by which a plugin knows a function.
    """

    function: bool = False


FunctionPath = Annotated[
    str,
    RelativePath(function=True),
    WithJsonSchema({"type": "string", "words": "path, or the name of a function"}),
]
"""What ``replicafit.data.known_functions`` reads."""


class ExtendedCard(Settings):
    """A runcard that another one extends, as ``replicafit.runcard.joining`` found it."""

    path: str
    sha256: str


Cut = Annotated[str, AfterValidator(lambda text: condition(text).text)]
"""A condition on the kinematics, such as ``q2 >= 3.49``."""
Quantity = Annotated[str, AfterValidator(lambda text: quantity(text).text)]
"""Computed from the kinematics, such as ``q2 / x``."""


class DatasetEntry(ComponentSettings):
    """What every dataset of a runcard may have, whoever reads it."""

    cuts: tuple[Cut, ...] = Field(
        default=(),
        description="Data are used that pass all of them, beside data.cuts.",
        examples=[["q2 >= 3.49"]],
    )
    weight: float = Field(
        default=1.0,
        gt=0,
        description="Multiplies the chi2 of this dataset in the fit: rows and columns of the "
        "covariance are divided by its square root. Reported chi2 have no weights.",
    )


class ExtraCovarianceSettings(Settings):
    """A covariance matrix from a file, such as theory errors."""

    path: Path = Field(description="A .npz, relative to the runcard.")
    sampled: bool = Field(default=False, description="Whether pseudodata fluctuate with it, too.")


class SplitSettings(Settings):
    """How data are split into training and validation."""

    basis: Literal["data", "diagonal"] = Field(
        default="data",
        description="What is split. data: a part of each dataset trains. diagonal: a part of the "
        "eigenvectors of the correlation matrix of the fit trains; the rest, which is not "
        "correlated with it, validates.",
    )
    shared: bool = Field(default=False, description="All replicas have the same split.")


class ClosureSettings(Settings):
    """A closure test: data are made from a known function."""

    truth: FunctionPath = Field(
        description="What makes the data: a fit's folder, a function.npz, or what a plugin knows "
        "or reads."
    )
    level: Literal[0, 1, 2] = Field(
        description="How often the truth's predictions are fluctuated. 0: they are the data. 1: "
        "once, by the seed, the same for all replicas. 2: and then for each replica, by "
        "pseudodata.",
    )


def _of_a_range(ends: Any) -> Any:
    """Two ends as runcards write them, with None for those at infinity."""
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        raise ValueError("give two ends, such as [0, 8], or [0, null] without an upper one")
    low = None if ends[0] == -math.inf else ends[0]
    high = None if ends[1] == math.inf else ends[1]
    if low is None and high is None:
        raise ValueError("a range has at least one end; leave the key away to find it in the data")
    if isinstance(low, int | float) and isinstance(high, int | float) and not low < high:
        raise ValueError(f"the range must rise, but {low} is not below {high}")
    return (low, high)


Ends = Annotated[tuple[float | None, float | None], BeforeValidator(_of_a_range)]
"""Of a range: None is infinity."""


class DataSettings(Settings):
    """What is fitted."""

    datasets: tuple[Any, ...] = Field(
        min_length=1, description="The datasets, each with a type; their names must differ."
    )
    cuts: tuple[Cut, ...] = Field(
        default=(),
        description="Conditions on the kinematics that all data must pass.",
        examples=[["q2 >= 3.49"]],
    )
    derived: Mapping[str, Quantity] = Field(
        default={},
        description="More kinematics, for cuts, from those that a dataset has: a name and how it "
        "is computed. A dataset without what one needs does not have it.",
        examples=[{"nu": "q2 / x"}],
    )
    x_range: Ends | Mapping[str, Ends] | None = Field(
        default=None,
        description="Where functions are defined, in units of x: its ends, null for infinity at "
        "one of them; of several inputs by name. By default (0, 1] if all grid points of the data "
        "are in it, else from the lowest to the highest.",
        examples=[[0, 8], [0, None], {"energy": [0, None]}],
    )
    t0: FunctionPath | None = Field(
        default=None,
        description="What predicts the values that multiplicative errors multiply in the fit: a "
        "fit's folder, a function.npz, or what a plugin knows or reads. replicafit run --t0 takes "
        "its place.",
        examples=["fits/first"],
    )
    extra_covariances: tuple[ExtraCovarianceSettings, ...] = Field(
        default=(),
        description="Covariance matrices that are added in the fit, such as theory errors.",
    )
    norm_threshold: float | None = Field(
        default=None,
        ge=1,
        description="Eigenvalues of the correlation matrix are raised to at least 1 / "
        "norm_threshold^2 in the fit; NNPDF uses 4 (arXiv:2207.00690).",
        examples=[4],
    )
    training_fraction: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="Fraction of the data of each dataset that a replica trains on, drawn for "
        "each replica; the rest validates. With 1 there are no validation data, and training "
        "chi2 decides when to stop.",
    )
    split: SplitSettings = Field(
        default=SplitSettings(), description="How data are split into training and validation."
    )
    pseudodata: bool | Literal["multiplicative"] = Field(
        default=True,
        description="Fluctuate the data of each replica within their covariance; multiplicative: "
        "with multiplicative errors sampled apart, as NNPDF does; false: fit the measured "
        "values. Closure tests of level 0 and 1 have false.",
    )
    redraw_negative: bool = Field(
        default=False,
        description="Draw pseudodata of cross sections anew until none is negative, each time only "
        "the data that are correlated with a negative one; n3fit's resample_negative_pseudodata. "
        "False: as drawn, so that their mean over replicas is the measured value. With true that "
        "of a cross section of one sigma is 29 % above it.",
    )
    folds: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Groups of datasets by their names, of which one may be held out.",
        examples=[[["A"], ["B"]]],
    )
    hold_out: int | None = Field(
        default=None,
        ge=1,
        description="Which fold, from 1, is not fitted; held_out of result.json has its chi2. "
        "Correlations between its data and fitted data are left out of both.",
    )
    closure: ClosureSettings | None = Field(
        default=None, description="A closure test: data from a known function."
    )

    @model_validator(mode="before")
    @classmethod
    def _replicas_fluctuate_from_level_2_on(cls, value: Any) -> Any:
        """Without a choice of their own, pseudodata are as the closure test's level wants them."""
        if isinstance(value, dict) and isinstance(value.get("closure"), dict):
            return {"pseudodata": value["closure"].get("level") not in (0, 1)} | value
        return value

    @field_validator("datasets", "extra_covariances")
    @classmethod
    def _each_once(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: dict[str, int] = {}
        for i, entry in enumerate(entries, 1):
            if getattr(entry, "path", None) is None:
                continue  # not from a file of its own: names tell entries apart
            told_apart = entry.model_dump_json(exclude={"name", "weight", "sampled"})
            first = seen.setdefault(told_apart, i)
            if first != i:
                raise ValueError(f"entries {first} and {i} are the same data; once is enough")
        return entries

    @field_validator("folds")
    @classmethod
    def _apart(cls, folds: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        names = [name for fold in folds for name in fold]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"folds share no dataset, but {twice[0]} is named twice")
        return folds

    @field_validator("hold_out")
    @classmethod
    def _one_of_the_folds(cls, hold_out: int | None, info: ValidationInfo) -> int | None:
        count = len(info.data.get("folds", ()))
        if hold_out is not None and hold_out > count:
            raise ValueError(f"there are {count} folds, and they count from 1")
        return hold_out

    @field_validator("closure")
    @classmethod
    def _with_or_without_pseudodata(
        cls, closure: ClosureSettings | None, info: ValidationInfo
    ) -> ClosureSettings | None:
        fluctuates = bool(info.data.get("pseudodata", True))
        if closure is not None and (closure.level == 2) != fluctuates:
            raise ValueError(
                f"level {closure.level} {'needs' if closure.level == 2 else 'has no'} pseudodata; "
                "leave the key pseudodata away, or choose another level"
            )
        return closure


class StartFrom(Settings):
    """Weights of an earlier fit, to start from instead of random ones."""

    fit: Annotated[str, RelativePath()] = Field(
        description="Folder of the earlier fit, relative to the runcard; its card exports network."
    )
    replica: int | None = Field(
        default=None, ge=1, description="One replica for all; else each starts from its own number."
    )


_FolderOrStart = BeforeValidator(
    lambda value: {"fit": value} if isinstance(value, str) else value,
    json_schema_input_type=str | StartFrom,
)


class NetworkSettings(Settings):
    """One architecture."""

    flavours: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Names of the functions that the last network layer puts out, in order; by "
        "default those that the data need. Layers that follow may change them.",
        examples=[["f"]],
    )
    layers: tuple[Any, ...] = Field(
        default=(), description="The layers from x to the functions, each with a type."
    )
    start_from: Annotated[StartFrom, _FolderOrStart] | None = Field(
        default=None,
        description="Start from the trained weights of an earlier fit with the same layers, "
        "instead of random ones. What is not trained, such as fixed exponents, is drawn anew.",
        examples=["fits/first"],
    )

    @field_validator("flavours")
    @classmethod
    def _distinct(cls, flavours: tuple[str, ...] | None) -> tuple[str, ...] | None:
        twice = sorted({f for f in flavours or () if (flavours or ()).count(f) > 1})
        if twice:
            raise ValueError(f"flavours must be distinct; given twice: {', '.join(twice)}")
        return flavours

    def of(self, functions: tuple[str, ...]) -> Self:
        """With the ``functions`` that data need, where the card names none."""
        return self if self.flavours else self.model_copy(update={"flavours": functions})

    @property
    def networks(self) -> tuple[NetworkSettings, ...]:
        """The architectures to choose from; itself without a choice."""
        return (self,)


class ArchitectureSettings(NetworkSettings):
    """One architecture to choose from."""

    training: Any | None = Field(
        default=None, description="How replicas with it are fitted, in place of the card's own."
    )


class ModelSettings(NetworkSettings):
    """The function that is fitted: one architecture, or several to draw from."""

    choice: tuple[Any, ...] = Field(
        default=(),
        description="Several architectures, each with its layers and, if they differ, flavours, in "
        "place of these: every replica draws one, each as likely.",
    )

    @model_validator(mode="after")
    def _layers_or_choice(self) -> ModelSettings:
        if self.choice and (self.layers or self.start_from):
            raise ValueError(
                "give layers and start_from, or a choice of architectures that each have their "
                "own, not both"
            )
        if not all(network.layers for network in self.networks):
            raise PydanticCustomError("no_layers", "give at least one layer under layers")
        return self

    @property
    def networks(self) -> tuple[NetworkSettings, ...]:
        if not self.choice:
            return super().networks
        return tuple(each.of(self.flavours) if self.flavours else each for each in self.choice)


DEFAULT_OPTIMIZER: Any = {"type": "nadam"}


class TrainingSettings(Settings):
    """How it is fitted."""

    optimizer: Any = Field(
        default=DEFAULT_OPTIMIZER, validate_default=True, description="The optimizer."
    )
    max_steps: Steps = Field(
        default=20_000,
        description="Optimizer steps at most.",
    )
    check_every: Steps = Field(
        default=10,
        description="Steps between two evaluations of the validation chi2.",
    )
    patience: Steps = Field(
        default=2000,
        description="Steps without a better validation chi2 before a replica stops.",
    )
    slots: int = Field(
        default=10,
        ge=1,
        description="Replicas in one compiled call, however many are fitted. Another number of "
        "slots is another compiled program, whose replicas equal these to rounding only.",
        json_schema_extra={"unit": "replicas"},
    )
    restart_above: float | None = Field(
        default=None,
        gt=0,
        description="A replica that ends with a validation chi2 per datum above this is stuck: it "
        "begins anew at another start, once, and its result says so; with model.start_from there "
        "is no other. null: none is. Pseudodata of a good fit have about 2.",
        examples=[3.5],
    )


class SelectionSettings(Settings):
    """Which finished replicas count."""

    chi2_per_datum: float | None = Field(
        default=None,
        gt=0,
        description="The largest chi2 per datum of the measured values that a replica may have; by "
        "default only what the other replicas have sets a limit.",
        examples=[3],
    )


class Runcard(Settings):
    """All that defines a fit. Together with the plugins it determines every replica."""

    extends: Annotated[
        tuple[ExtendedCard, ...], WithJsonSchema({"type": "string", "format": "path"})
    ] = Field(
        default=(),
        exclude=True,
        description="A runcard, relative to this one, whose keys hold where this one has none.",
        examples=["base.yml"],
    )
    title: str = Field(default="", description="One line for reports.", examples=["My data"])
    plugins: tuple[Path, ...] = Field(
        default=(),
        description="Python files with components of this project alone. Each is a plugin, "
        "relative to the runcard, and recorded in run.json with its sha256. Its code runs when "
        "the card is read.",
        examples=[["./my_layers.py"]],
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="Start of every random number.",
        json_schema_extra={"words": "integer, from 0 to 2^63 - 1"},
    )
    replicas: ReplicaRange = Field(
        default=ReplicaRange(last=100),
        description="How many replicas (100 means 1 to 100), the first and last replica number "
        "(1-10), or {good: 100}.",
    )
    precision: Literal["float32", "float64"] = Field(
        default="float32",
        description="Numbers on the device; preparation and results are always float64.",
    )
    data: DataSettings = Field(description="What is fitted.")
    model: ModelSettings = Field(
        default=cast(Any, {}), validate_default=True, description="The function that is fitted."
    )
    penalties: tuple[Any, ...] = Field(default=(), description="Terms added to chi2 in the loss.")
    training: TrainingSettings = Field(
        default=cast(Any, {}), validate_default=True, description="How it is fitted."
    )
    selection: SelectionSettings = Field(
        default=SelectionSettings(), description="Which finished replicas count."
    )
    export: tuple[str, ...] = Field(
        default=("network", "function", "history", "data", "predictions"),
        description="What is written for each replica, and of the whole fit.",
    )

    def with_network(self, network: NetworkSettings) -> Runcard:
        """With one of ``model.networks`` as its model, and the training that this one has."""
        own = getattr(network, "training", None)
        training = self.training if own is None else own
        return self.model_copy(update={"model": network, "training": training})


def flavours_along(model: NetworkSettings, registry: Registry) -> tuple[tuple[str, ...], ...]:
    """Names of the functions that reach each layer, and at the end of those that leave the model.

    Before the last network layer these are ``model.flavours``, which must be known: a card may
    leave them to the data (``NetworkSettings.of``).

    Raises:
        ModelError: a layer cannot take the names that reach it, or what comes before it.
    """
    assert model.flavours is not None
    names = [model.flavours]
    for position, item in enumerate(model.layers):
        kind = registry.get(LayerType, item.type)
        if kind.check:
            before = list(zip(model.layers[:position], names, strict=False))
            kind.call("check", item, names[-1], before, when="when it was checked")
        with kind.at_fault("when asked for the names of its functions"):
            names.append(
                tuple(map(str, kind.flavours(item, names[-1]))) if kind.flavours else names[-1]
            )
    return tuple(names)
