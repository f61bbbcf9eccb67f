"""The runcard as installed plugins complete it: settings of their components, by ``type``."""

from __future__ import annotations

from copy import deepcopy
from functools import partial, reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from replicafit.components import (
    ComponentSettings,
    Configured,
    DatasetReader,
    Exporter,
    LayerType,
    OptimizerType,
    Penalty,
    RuncardSection,
)
from replicafit.plugins import Registry
from replicafit.runcard.models import (
    ArchitectureSettings,
    DatasetEntry,
    DataSettings,
    ModelSettings,
    Runcard,
    TrainingSettings,
)


def runcard_type(registry: Registry) -> type[Runcard]:
    """The runcard model whose component settings are those of ``registry``."""
    optimizer: Any = _union(registry, OptimizerType)
    layer: Any = _union(registry, LayerType)
    dataset: Any = _union(registry, DatasetReader, DatasetEntry)
    penalty: Any = _union(registry, Penalty)
    training = _with(TrainingSettings, optimizer=optimizer)
    network: Any = _with(ArchitectureSettings, layers=tuple[layer, ...], training=training | None)
    model = _with(ModelSettings, layers=tuple[layer, ...], choice=tuple[network, ...])
    names = registry.names(Exporter)
    exports: Any = Literal[names] if names else str
    card = _with(
        Runcard,
        data=_with(DataSettings, datasets=tuple[dataset, ...]),
        model=model,
        training=training,
        penalties=tuple[penalty, ...],
        export=Annotated[tuple[exports, ...], AfterValidator(partial(_go_together, registry))],
    )
    sections: Any = {
        each.name: (
            each.model | None,  # nothing where a card does not give it
            Field(default=None, exclude=not each.part_of_fit, description=each.summary),
        )
        for each in registry.all(RuncardSection)
    }
    return cast(type[Runcard], create_model("Runcard", __base__=card, **sections))


def _go_together(registry: Registry, exporters: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses an exporter given twice, or without another whose files it reads."""
    for name in sorted(exporters):
        if exporters.count(name) > 1:
            raise ValueError(f"'{name}' is given twice; once is enough")
    for name in exporters:
        missing = [n for n in registry.get(Exporter, name).needs if n not in exporters]
        if missing:
            raise ValueError(f"'{name}' needs '{missing[0]}' too; add it")
    return exporters


def _with(section: type[BaseModel], **types: Any) -> Any:
    """``section`` with other types for some of its fields, their defaults and words kept."""
    fields: Any = {
        name: (kind, deepcopy(section.model_fields[name]))  # pydantic adds to what it is given
        for name, kind in types.items()
    }
    return create_model(section.__name__, __base__=section, **fields)


def _union(
    registry: Registry, kind: type[Configured], also: type[ComponentSettings] | None = None
) -> Any:
    """The settings of all components of ``kind``, by ``type``, with those of ``also``."""
    settings = [component.settings for component in registry.all(kind)]
    if also is not None:
        settings = [
            create_model(each.__name__, __base__=(each, also), __doc__=each.__doc__)
            for each in settings
        ]
    if len(settings) < 2:
        return settings[0] if settings else _NOTHING_INSTALLED
    return Annotated[reduce(or_, settings), Discriminator("type")]


def _refused(_: Any) -> Any:
    raise PydanticCustomError("nothing_installed", "no installed plugin provides any")


_NOTHING_INSTALLED = Annotated[Any, BeforeValidator(_refused), WithJsonSchema({"not": {}})]
"""Stands where no plugin provides a component of a kind."""
