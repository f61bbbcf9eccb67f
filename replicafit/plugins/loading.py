"""Loads plugins one by one: an installed one that fails is noted and stops nobody else.

Plugins may also be Python files beside a runcard, which then needs them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType

from replicafit.components import hookspecs
from replicafit.errors import PluginError
from replicafit.plugins.describing import described, printing_as
from replicafit.plugins.registry import Plugin, Registry
from replicafit.reading import UnreadableError, read_bytes

VARIABLE = "REPLICAFIT_PLUGINS"
BUILT_IN = "builtin"

_MOST_CODE = 2**24
"""Bytes of a plugin file."""


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
    found = []
    for point in choice.of(entry_points):
        origin = (point.dist.name, point.dist.version) if point.dist else ("unknown", "unknown")
        found.append(_loaded(Plugin(point.name, *origin, point.value), point.load))
    registry = Registry(
        plugins=tuple(plugin for plugin in found if plugin.cause is None),
        broken=tuple(plugin for plugin in found if plugin.cause is not None),
    )
    if choice.strict and registry.problems:
        raise PluginError(f"{VARIABLE} is strict, and {'; '.join(registry.problems)}")
    return registry


def _loaded(plugin: Plugin, load: Callable[[], ModuleType]) -> Plugin:
    """``plugin`` with what it provides, or why ``load`` did not import its module."""
    try:
        with printing_as(plugin.name, plugin.distribution):
            return described(plugin, load())
    except KeyboardInterrupt:
        raise
    except BaseException as cause:  # it may fail in any way and take no command along
        return replace(plugin, cause=cause)


def with_files(
    registry: Registry,
    names: Iterable[str],
    folder: Path,
    recorded: Mapping[str, str] | None = None,
) -> Registry:
    """``registry`` with the plugins in Python files beside a runcard. Their code runs.

    Args:
        names: paths of the files as the runcard has them, relative to ``folder``.
        folder: where these paths begin.
        recorded: the SHA-256 that each plugin must have, by its name; no other file is imported.

    Raises:
        PluginError: a file is missing, another than recorded, cannot be imported or is no plugin.
    """
    plugins = tuple(
        _from_file(name, Path(os.path.realpath(folder / name)), recorded) for name in names
    )
    return replace(registry, plugins=registry.plugins + plugins)


def _from_file(name: str, path: Path, recorded: Mapping[str, str] | None) -> Plugin:
    """The plugin in one file, whose module has the file's name, for ``build="name:build"``."""
    try:
        code = read_bytes(path, _MOST_CODE)
    except (OSError, UnreadableError) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise PluginError(f"The plugin file '{name}' cannot be read: {reason}.") from None
    module_name, sha256 = path.stem, hashlib.sha256(code).hexdigest()
    if recorded is not None and recorded.get(module_name) != sha256:
        raise PluginError(
            f"The plugin file '{name}' is not the one that the fit was made with, and its code is "
            "not run: the SHA-256 that run.json recorded is another. Bring the file back as it "
            "was, or begin another fit."
        )
    known = sys.modules.get(module_name) or importlib.util.find_spec(module_name)
    origin = getattr(known, "__file__", None) or getattr(known, "origin", None)
    if known is not None and origin != str(path):
        raise PluginError(
            f"The plugin file '{name}' has the name of the module '{module_name}', which is there "
            "already. Give the file another name."
        )
    plugin = _loaded(
        Plugin(module_name, name, "local", module_name, sha256=sha256),
        lambda: _imported(module_name, path, code),
    )
    if plugin.cause is not None:
        sys.modules.pop(module_name, None)
        failed = f"The plugin file '{name}' does not load: {plugin.reason}"
        raise PluginError(failed) from plugin.cause
    return plugin


def _imported(name: str, path: Path, code: bytes) -> ModuleType:
    """The file as the module ``name``, run again if it was imported before: it may have changed.

    What runs is the ``code`` whose hash is recorded, never a cached form of it.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(code, path, "exec"), vars(module))
    return module
