"""Every key a runcard may have, sections and component settings alike, with where it belongs.

A key's path names what leads to it, the ``type`` of a component in the place of its position:
``training.patience``, ``model.layers.multi_dense.units``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from replicafit.components import (
    KINDS,
    Component,
    Configured,
    DatasetReader,
    Exporter,
    LayerType,
    OptimizerType,
    Penalty,
    RuncardSection,
)
from replicafit.plugins import Registry
from replicafit.runcard.composing import runcard_type
from replicafit.runcard.models import DatasetEntry

Location = tuple[str | int, ...]
Path = tuple[str, ...]

KIND_AT: Mapping[Path, type[Component]] = {
    ("data", "datasets"): DatasetReader,
    ("model", "layers"): LayerType,
    ("penalties",): Penalty,
    ("training", "optimizer"): OptimizerType,
    ("export",): Exporter,
}


@dataclass(frozen=True)
class Key:
    """One key of a runcard.

    Attributes:
        path: what leads to it, and its own name last.
        owner: the settings it is one of.
        component: whose setting it is; None in a section of the runcard itself.
        container: the path of the section or list that holds the component, or the key itself.
    """

    path: Path
    owner: type[BaseModel]
    component: Component | None
    container: Path

    @property
    def name(self) -> str:
        """As a runcard writes it."""
        return self.path[-1]

    @property
    def field(self) -> FieldInfo:
        """Its type, default and meaning."""
        return self.owner.model_fields[self.name]

    @property
    def unit(self) -> str | None:
        """Of its number, if it has one."""
        extra = self.field.json_schema_extra
        unit = extra.get("unit") if isinstance(extra, dict) else None
        return str(unit) if unit else None


class Keys:
    """All keys that runcards may have with the plugins of a registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.all = tuple(_keys(registry, runcard_type(registry)))
        self._by_path = {key.path: key for key in self.all}

    def at(self, location: Location) -> Key | None:
        """The key at pydantic's ``location``, or the nearest that holds it."""
        path = path_of(location)
        ends = range(len(path), 0, -1)
        return next((self._by_path[path[:n]] for n in ends if path[:n] in self._by_path), None)

    def allowed(self, location: Location) -> list[str]:
        """The names of the keys right below ``location``, which may be a name of one's own."""
        path = path_of(location)
        return sorted({k.name for k in self.all if k.path[:-1] == path}) or self.allowed(path[:-1])

    def component_at(self, location: Location) -> tuple[type[Component], Component] | None:
        """The component whose settings ``location`` leads to, and its kind."""
        path = path_of(location)
        for at, kind in KIND_AT.items():
            names = self.registry.names(kind)
            if path[: len(at)] == at and len(path) > len(at) and path[len(at)] in names:
                return kind, self.registry.get(kind, path[len(at)])
        if path and path[0] in self.registry.names(RuncardSection):
            return RuncardSection, self.registry.get(RuncardSection, path[0])
        return None

    def origin(self, kind: type[Component], component: Component) -> str:
        """The component and the plugin it comes from, in words."""
        plugin = self.registry.provider(kind, component.name)
        return f"{KINDS[kind]} '{component.name}' of plugin '{plugin.name}' ({plugin.distribution})"


def kind_at(location: Location) -> type[Component] | None:
    """The kind of component that ``location`` leads to or into."""
    path = path_of(location)
    return next((kind for at, kind in KIND_AT.items() if path[: len(at)] == at), None)


def path_of(location: Location) -> Path:
    """``location`` without positions; an architecture to choose from is as the only one."""
    path = tuple(part for part in location if isinstance(part, str))
    if path[:2] != ("model", "choice") or not path[2:]:
        return path
    return path[2:] if path[2] == "training" else ("model", *path[2:])


def _keys(
    registry: Registry,
    model: type[BaseModel],
    where: Path = (),
    component: Component | None = None,
    container: Path = (),
) -> Iterator[Key]:
    """The keys of ``model``, which stands at ``where``, and all below them."""
    for name, field in model.model_fields.items():
        path = (*where, name)
        yield Key(path, model, component, container)
        kind = None if component else KIND_AT.get(path)
        if kind is not None:
            for each in registry.all(kind) if issubclass(kind, Configured) else ():
                entry: list[type[BaseModel]] = [DatasetEntry] if kind is DatasetReader else []
                for settings in (each.settings, *entry):
                    yield from _keys(registry, settings, (*path, each.name), each, path)
        elif path not in (("model", "choice"), ("extends",)):
            for below in _models_in(field.annotation):
                tag = below.model_fields["type"].default if "type" in below.model_fields else None
                inside = (*path, tag) if component and tag else path
                yield from _keys(registry, below, inside, component, path)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings that a value of this type may be made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
