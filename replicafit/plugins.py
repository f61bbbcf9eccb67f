"""Collects what all installed plugins provide into one frozen ``Registry``.

Entry points are loaded one by one, each into a fresh plugin manager: a plugin that fails is noted
with its reason and stops only a runcard that names something nobody else provides.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import metadata
from types import MappingProxyType
from typing import TypeVar, get_args

import pluggy

from replicafit import hookspecs
from replicafit.components import KINDS, Component, Exporter, ForwardMap
from replicafit.errors import PluginError

ComponentT = TypeVar("ComponentT", bound=Component)

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("replicafit_"))


@dataclass(frozen=True)
class Plugin:
    """One entry point that loaded: where it comes from and what it provides."""

    name: str
    distribution: str
    version: str
    module: str
    components: tuple[Component, ...]


@dataclass(frozen=True)
class BrokenPlugin:
    """One entry point that did not load, and why."""

    name: str
    distribution: str
    version: str
    cause: BaseException

    @property
    def reason(self) -> str:
        """One line, for a warning."""
        text = str(self.cause).strip().splitlines()
        return f"{type(self.cause).__name__}: {text[0] if text else 'no message'}"


@dataclass(frozen=True)
class Registry:
    """Everything installed plugins provide, with provenance."""

    plugins: tuple[Plugin, ...] = ()
    broken: tuple[BrokenPlugin, ...] = ()
    _providers: Mapping[tuple[type[Component], str], tuple[Plugin, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        providers: dict[tuple[type[Component], str], tuple[Plugin, ...]] = {}
        for plugin in self.plugins:
            for component in plugin.components:
                key = (type(component), component.name)
                providers[key] = (*providers.get(key, ()), plugin)
        object.__setattr__(self, "_providers", MappingProxyType(providers))

    def names(self, kind: type[Component]) -> tuple[str, ...]:
        """The names of all components of ``kind`` that a runcard can use, sorted."""
        found = (n for (k, n), who in self._providers.items() if k is kind and len(who) == 1)
        return tuple(sorted(found))

    def all(self, kind: type[ComponentT]) -> tuple[ComponentT, ...]:
        """All usable components of ``kind``, sorted by name."""
        return tuple(self.get(kind, name) for name in self.names(kind))

    def get(self, kind: type[ComponentT], name: str) -> ComponentT:
        """The component of ``kind`` called ``name``.

        Raises:
            PluginError: nobody provides it, or two distributions do.
        """
        plugin = self.provider(kind, name)
        return next(c for c in plugin.components if type(c) is kind and c.name == name)

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin that provides the component of ``kind`` called ``name``."""
        providers = self._providers.get((kind, name), ())
        if len(providers) == 1:
            return providers[0]
        raise PluginError(self.absence(kind, name))

    def absence(self, kind: type[Component], name: str) -> str:
        """Why ``name`` cannot be used, and what to do."""
        word = KINDS[kind]
        providers = self._providers.get((kind, name), ())
        if len(providers) > 1:
            both = " and ".join(f"'{p.distribution}' {p.version}" for p in providers)
            return f"The {word} '{name}' is provided by {both}. Uninstall one of them."
        near = get_close_matches(name, self.names(kind), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        allowed = ", ".join(self.names(kind)) or "none installed"
        broken = "".join(f" Plugin '{b.name}' did not load ({b.reason})." for b in self.broken)
        return f"No installed plugin provides the {word} '{name}'.{hint} Known: {allowed}.{broken}"


def load_registry(entry_points: Iterable[metadata.EntryPoint] | None = None) -> Registry:
    """Loads every plugin; never raises because of one.

    Args:
        entry_points: what to load; by default all installed entry points of group ``replicafit``.
    """
    if entry_points is None:
        entry_points = metadata.entry_points(group=hookspecs.PROJECT)
    outcomes = [_load(point) for point in sorted(set(entry_points), key=lambda p: p.name)]
    return Registry(
        plugins=tuple(o for o in outcomes if isinstance(o, Plugin)),
        broken=tuple(o for o in outcomes if isinstance(o, BrokenPlugin)),
    )


def _load(point: metadata.EntryPoint) -> Plugin | BrokenPlugin:
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else "unknown"
    try:
        module = point.load()
        components = _collect(module)
    except Exception as cause:  # a plugin may fail in any way; none may take the command along
        return BrokenPlugin(point.name, distribution, version, cause)
    return Plugin(point.name, distribution, version, point.value, components)


def _collect(module: object) -> tuple[Component, ...]:
    """The components one plugin module provides."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(sys.modules[hookspecs.__name__])
    manager.register(module)
    manager.check_pending()
    components: list[Component] = []
    for hook in HOOKS:
        for provided in getattr(manager.hook, hook)():
            components.extend(_checked(hook, provided))
    return tuple(components)


def _checked(hook: str, provided: object) -> tuple[Component, ...]:
    if not isinstance(provided, list | tuple):
        raise PluginError(f"{hook}() must return a list of descriptions, not {provided!r}")
    for item in provided:
        if type(item) not in KINDS:
            raise PluginError(f"{hook}() returned {item!r}, which describes no component")
        field = item.settings.model_fields.get("type")
        named = field is not None and get_args(field.annotation) == (item.name,)
        if type(item) not in (ForwardMap, Exporter) and not named:
            raise PluginError(
                f"{hook}(): the settings of '{item.name}' need type: Literal['{item.name}']"
            )
    return tuple(provided)
