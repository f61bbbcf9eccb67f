"""What one plugin module says of itself, checked."""

from __future__ import annotations

import inspect
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import fields, replace
from functools import partial
from types import ModuleType
from typing import Any

import pluggy

from replicafit.components import (
    KINDS,
    Component,
    Preset,
    RuncardSection,
    Settings,
    hookspecs,
    load_target,
)
from replicafit.errors import PluginError, did_you_mean
from replicafit.plugins.registry import TAKEN, Plugin
from replicafit.quiet import ALONE

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("replicafit_"))
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def described(plugin: Plugin, module: ModuleType) -> Plugin:
    """``plugin`` with what its ``module`` says of itself.

    Raises:
        PluginError: it is for another version of the hooks, or a hook of it is wrong.
    """
    wanted = getattr(module, "REPLICAFIT_API_VERSION", None)
    if wanted not in (None, hookspecs.API_VERSION):
        raise PluginError(
            f"it was written for version {wanted!r} of the hooks, and this replicafit has version "
            f"{hookspecs.API_VERSION}. Install versions of both that go together"
        )
    _refuse_unknown_hooks(module)
    ours = plugin.distribution == hookspecs.PROJECT
    origin = "" if ours else f"plugin '{plugin.name}' ({plugin.distribution} {plugin.version})"
    components = tuple(replace(each, origin=origin) for each in _collect(module))
    names = [(KINDS[type(c)], c.name) for c in components]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise PluginError(f"it provides the {twice[0][0]} '{twice[0][1]}' twice")
    return replace(
        plugin,
        components=components,
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
            hint = did_you_mean(name, HOOKS, cutoff=0.5)
            raise PluginError(f"'{name}' is no hook.{hint} Hooks: {', '.join(HOOKS)}")
        if looks_like and not marked:
            raise PluginError(
                f"{name}() is not marked as a hook. Put @hookimpl of replicafit.plugin before it"
            )


def _collect(module: object) -> Iterator[Component]:
    """The components one plugin module provides."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(sys.modules[hookspecs.__name__])
    try:
        manager.register(module)
    except pluggy.PluginValidationError as cause:
        raise PluginError(" ".join(str(cause).split())) from None
    called = {caller.name for caller in manager.get_hookcallers(module) or ()}
    for hook in filter(called.__contains__, HOOKS):
        provided = getattr(module, hook)()  # by itself: pluggy passes over None
        if not isinstance(provided, list | tuple):
            raise PluginError(f"{hook}() must return a list of descriptions, not {provided!r}")
        for item in provided:
            if type(item) not in KINDS:
                raise PluginError(f"{hook}() returned {item!r}, which describes no component")
            name, word = item.name, KINDS[type(item)]
            section = type(item) is RuncardSection
            if not isinstance(name, str) or not re.fullmatch(r"[^\W\d_][\w.:-]*", name):
                raise PluginError(
                    f"{hook}(): {name!r} cannot be a name; take letters, digits, _ and -, a letter "
                    "first"
                )
            if name in TAKEN.get(type(item), ()) or (section and hasattr(Settings, name)):
                raise PluginError(
                    f"{hook}(): replicafit itself has the {word} '{name}'; choose another name"
                )
            _refuse_odd_fields(item)
            yield item


_WANTED: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "str": (lambda value: isinstance(value, str), "text"),
    "int": (lambda value: type(value) is int, "an integer"),
    "tuple": (lambda value: isinstance(value, tuple | list), "a tuple"),
    "Callable": (callable, "a callable"),
    "Target": (
        lambda value: callable(value) or (isinstance(value, str) and _TARGET.fullmatch(value)),
        'a callable or "package.module:attribute"',
    ),
}
"""Of the fields of a description, by the type that they are declared with."""


def _refuse_odd_fields(item: Component) -> None:
    for each in fields(item):
        value, declared = getattr(item, each.name), str(each.type)
        suits, words = _WANTED.get(re.split(r"\W", declared)[0], (lambda _: True, ""))
        if not (suits(value) or (value is None and declared.endswith("| None"))):
            raise PluginError(f"'{item.name}' has {each.name}={value!r}; give {words}")


def faults(plugin: Plugin) -> dict[str, BaseException]:
    """What is wrong with the code and the settings that ``plugin`` names, by their names.

    Imports the code that its descriptions name, Keras with it.
    """
    failed: dict[str, BaseException] = {}
    for component in plugin.components:
        tried: dict[str, Callable[[], Any]] = {
            f"'{value}', which cannot be imported": partial(load_target, value)
            for value in (
                getattr(component, f.name) for f in fields(component) if f.type[:6] == "Target"
            )
            if isinstance(value, str)
        }
        if isinstance(component, Preset):
            tried[f"card '{component.card}', which cannot be read"] = (
                lambda preset=component: preset.path.read_bytes()  # type: ignore[misc]
            )
        model = getattr(component, "settings", getattr(component, "model", None))
        if model is not None:
            schema = f"settings of '{component.name}' that no JSON Schema describes"
            tried[schema] = model.model_json_schema
        for what, attempt in tried.items():
            try:
                with printing_as(plugin.name, plugin.distribution):
                    attempt()
            except KeyboardInterrupt:
                raise
            except BaseException as cause:
                failed[what] = cause
    return failed


class _UnderItsName(io.TextIOBase):
    """Standard output of a plugin: standard error, each line under the plugin's name."""

    def __init__(self, title: str) -> None:
        self.title, self.begins = title, True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            sys.stderr.write(f"{self.title if self.begins else ''}{line}")
            self.begins = line.endswith("\n")
        return len(text)


@contextmanager
def printing_as(name: str, distribution: str) -> Iterator[None]:
    """What a plugin prints inside goes to standard error: standard output is the command's."""
    with ALONE, redirect_stdout(_UnderItsName(f"plugin '{name}' of '{distribution}': ")):
        yield
