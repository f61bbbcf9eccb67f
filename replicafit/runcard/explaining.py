"""What a key, a section or a component of the runcard is: the lines of ``replicafit explain``."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from replicafit.components import Component, Exporter
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.runcard.facts import facts, gist, meaning
from replicafit.runcard.keys import KIND_AT, Key, Keys, Path

SECTIONS = {("data",), ("model",), ("training",)}


def explain(registry: Registry, asked: str) -> Iterator[str]:
    """Lines about a key, a section or a component.

    Args:
        registry: the plugins, whose components are explained as the built-in ones.
        asked: a dotted key, with the ``type`` of a component in the place of its position, such as
            ``model.layers.multi_dense.units``; or the end of one, if there is only one such.

    Raises:
        RuncardError: there is no such key, or several.
    """
    keys = Keys(registry)
    path = _found(keys, tuple(asked.split(".")) if asked else ())
    key = next((key for key in keys.all if key.path == path), None)
    if key is not None:
        yield from _about_key(keys, key)
    component = keys.component_at(path)
    if key is None and component is not None:
        yield from _about_component(keys, path, *component)
    yield from _below(keys, path)


def _found(keys: Keys, asked: Path) -> Path:
    known = {path for key in keys.all for path in (key.path, key.path[:-1])}
    known |= set(_component_paths(keys))
    if asked in known:
        return asked
    ends = sorted(path for path in known if path[-len(asked) :] == asked)
    if len(ends) == 1:
        return ends[0]
    given = ".".join(asked)
    if ends:
        told = ", ".join(".".join(path) for path in ends)
        raise RuncardError(f"'{given}' may be any of: {told}. Give the one you mean.")
    words = {word for path in known for word in (".".join(path), path[-1] if path else "")}
    near = get_close_matches(given, words, 1) or get_close_matches(asked[-1], words, 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise RuncardError(
        f"There is no key '{given}' in a runcard.{hint} `replicafit explain` alone lists the keys."
    )


def _component_paths(keys: Keys) -> Iterator[Path]:
    for where, kind in KIND_AT.items():
        if kind is not Exporter:
            yield from ((*where, name) for name in keys.registry.names(kind))


def _about_key(keys: Keys, key: Key) -> Iterator[str]:
    yield ".".join(key.path)
    yield f"    {meaning(key)}"
    component = keys.component_at(key.path)
    origin = keys.origin(*component) if component else None
    if key.path in SECTIONS or (len(key.path) == 1 and origin):
        if origin:
            yield f"    {'of':8s} {origin}"
        return
    known = facts(keys, key)
    for word, text in (*vars(known).items(), ("of", origin)):
        if text:
            yield f"    {word:8s} {text}"


def _about_component(
    keys: Keys, path: Path, kind: type[Component], component: Component
) -> Iterator[str]:
    yield ".".join(path)
    yield f"    {component.summary}"
    yield f"    {'of':8s} {keys.origin(kind, component)}"


def _below(keys: Keys, path: Path) -> Iterator[str]:
    """One line for each key and component right below ``path``."""
    for key in keys.all:
        if key.path[:-1] == path and key.name != "type":
            yield f"    {'.'.join(key.path):40s}  {gist(key)}".rstrip()
    kind = KIND_AT.get(path)
    for component in keys.registry.all(kind) if kind not in (None, Exporter) else ():
        yield f"    {'.'.join((*path, component.name)):40s}  {component.summary}".rstrip()
