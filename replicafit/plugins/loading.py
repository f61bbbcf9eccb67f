"""Loads installed plugins one by one: one that fails is noted and stops nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

from replicafit.components import hookspecs
from replicafit.errors import PluginError
from replicafit.plugins.describing import described, printing_as
from replicafit.plugins.registry import BrokenPlugin, Plugin, Registry

VARIABLE = "REPLICAFIT_PLUGINS"
BUILT_IN = "builtin"


@dataclass(frozen=True)
class Choice:
    """Which installed plugins are loaded, as ``REPLICAFIT_PLUGINS`` says.

    Attributes:
        names: of entry points, beside the built-in one; None for all.
        strict: anything that is wrong with a plugin is an error.
    """

    names: frozenset[str] | None = None
    strict: bool = False

    @classmethod
    def from_environment(cls) -> Choice:
        """``strict``, ``off`` or ``name,name``; all without the variable."""
        given = os.environ.get(VARIABLE, "").strip()
        if given in ("", "strict"):
            return cls(strict=given == "strict")
        wanted = frozenset() if given == "off" else frozenset(map(str.strip, given.split(",")))
        return cls(names=wanted - {""})

    def of(self, points: Iterable[metadata.EntryPoint]) -> list[metadata.EntryPoint]:
        """The chosen ones, sorted by name.

        Raises:
            PluginError: one that is named is not installed.
        """
        found = sorted(set(points), key=lambda point: point.name)
        if self.names is None:
            return found
        installed = {point.name for point in found} - {BUILT_IN}
        for name in sorted(self.names - installed - {BUILT_IN}):
            known = ", ".join(sorted(installed)) or "none"
            raise PluginError(
                f"{VARIABLE} names '{name}', which is not installed. Installed: {known}. Give "
                "names separated by commas, strict, or off."
            )
        return [point for point in found if point.name in self.names | {BUILT_IN}]


def load_registry(
    entry_points: Iterable[metadata.EntryPoint] | None = None, choice: Choice | None = None
) -> Registry:
    """Loads every plugin; one that fails is noted.

    Args:
        entry_points: what to load; by default the installed entry points of group ``replicafit``.
        choice: which of these; by default as the environment variable ``REPLICAFIT_PLUGINS`` says.

    Raises:
        PluginError: the choice is strict and something is wrong, or it names what is not there.
    """
    choice = choice or Choice.from_environment()
    if entry_points is None:
        entry_points = metadata.entry_points(group=hookspecs.PROJECT)
    outcomes = [_load(point) for point in choice.of(entry_points)]
    registry = Registry(
        plugins=tuple(o for o in outcomes if isinstance(o, Plugin)),
        broken=tuple(o for o in outcomes if isinstance(o, BrokenPlugin)),
    )
    if choice.strict and registry.problems:
        raise PluginError(f"{VARIABLE} is strict, and {'; '.join(registry.problems)}")
    return registry


def _load(point: metadata.EntryPoint) -> Plugin | BrokenPlugin:
    distribution = version = "unknown"
    try:
        if point.dist:
            distribution, version = point.dist.name, point.dist.version
        with printing_as(point.name, distribution):
            return described(point.load(), point.name, distribution, version, point.value)
    except KeyboardInterrupt:
        raise
    except BaseException as cause:  # it may fail in any way and take no command along
        return BrokenPlugin(point.name, distribution, version, cause, point.value)
