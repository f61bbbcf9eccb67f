"""The plugin door: one hook per kind of component, each returning a sequence of descriptions.

A plugin is a module (entry point group ``replicafit``) with functions of these names, marked with
``hookimpl``::

    from replicafit.components import LayerType
    from replicafit.components.hookspecs import hookimpl

    @hookimpl
    def replicafit_layers():
        return [LayerType(name="sine", settings=SineSettings, build="my_package.sine:build")]

A module may say for which version of this door it was written, ``REPLICAFIT_API_VERSION = 1``; then
one that does not fit is refused with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pluggy

from replicafit.components import KINDS, Component

PROJECT = "replicafit"
API_VERSION = 1
"""Of hooks and descriptions; grows when plugins must change."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

HOOKS: Mapping[str, type[Component]] = MappingProxyType({kind.hook: kind for kind in KINDS})
"""The name of each hook and what it returns a sequence of."""


def _specification() -> Callable[[], Sequence[Component]]:
    def hook() -> Sequence[Component]:
        raise NotImplementedError

    return hookspec(hook)


SPECIFICATIONS = type("Specifications", (), {name: _specification() for name in HOOKS})
"""For pluggy: a hook takes nothing."""
