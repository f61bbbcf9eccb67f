"""What one plugin module says of itself, checked."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import get_args

import pluggy

from replicafit.components import (
    CONFIGURED,
    KINDS,
    Component,
    hookspecs,
    load_target,
)
from replicafit.errors import PluginError
from replicafit.plugins.registry import Plugin

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("replicafit_"))
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def described(
    module: ModuleType, name: str, distribution: str, version: str, module_name: str
) -> Plugin:
    """The plugin that ``module`` is.

    Raises:
        PluginError: it is for another version of the hooks, or a hook of it is wrong.
    """
    wanted = getattr(module, "REPLICAFIT_API_VERSION", None)
    if wanted not in (None, hookspecs.API_VERSION):
        raise PluginError(
            f"it was written for version {wanted} of the hooks, and this replicafit has version "
            f"{hookspecs.API_VERSION}. Install versions of both that go together"
        )
    _refuse_unknown_hooks(module)
    components = _collect(module)
    _refuse_twice(components)
    return Plugin(
        *(name, distribution, version, module_name, components),
        hooks=tuple(hook for hook in HOOKS if hasattr(module, hook)),
        file=getattr(module, "__file__", None),
        api_version=wanted,
    )


def _refuse_unknown_hooks(module: ModuleType) -> None:
    """What looks like a hook must be one: a hook that is never called is a silent loss."""
    for name, value in vars(module).items():
        marked = hasattr(value, f"{hookspecs.PROJECT}_impl")
        looks_like = name.startswith(f"{hookspecs.PROJECT}_") and inspect.isroutine(value)
        if (marked or looks_like) and name not in HOOKS:
            near = get_close_matches(name, HOOKS, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise PluginError(f"'{name}' is no hook.{hint} Hooks: {', '.join(HOOKS)}")
        if looks_like and not marked:
            raise PluginError(
                f"{name}() is not marked as a hook. Put @hookimpl of replicafit.components.hookspecs before it"
            )


def _refuse_twice(components: Sequence[Component]) -> None:
    names = [(KINDS[type(c)], c.name) for c in components]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PluginError(f"it provides the {twice[0][0]} '{twice[0][1]}' twice")


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
        if type(item) in CONFIGURED and not named:
            raise PluginError(
                f"{hook}(): the settings of '{item.name}' need type: Literal['{item.name}']"
            )
    return tuple(provided)


def unloadable(plugin: Plugin) -> dict[str, BaseException]:
    """The code that the descriptions of ``plugin`` name and that cannot be imported, and why."""
    targets = {
        value
        for component in plugin.components
        for value in vars(component).values()
        if isinstance(value, str) and _TARGET.fullmatch(value)
    }
    failed: dict[str, BaseException] = {}
    for target in sorted(targets):
        try:
            load_target(target)
        except (Exception, SystemExit) as cause:
            failed[target] = cause
    return failed
