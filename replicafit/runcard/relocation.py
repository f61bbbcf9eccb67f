"""Paths that an extended card or an option gives, as paths that the runcard may use.

A relative path means what it means where it is written: in the folder of its own file, or for an
option in the current folder. What reads data knows the runcard's folder alone, so paths from
elsewhere are rewritten once, here: from other cards relative to the runcard, from options absolute.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from replicafit.runcard.models import RelativePath, Runcard
from replicafit.runcard.yaml_source import Location, OptionMark, YamlSource


def relocated(
    runcard: Runcard, source: YamlSource, card: Path | None, words: Collection[str]
) -> Runcard:
    """``runcard`` with all paths relative to the folder of ``card``, or absolute.

    Args:
        card: where it is to be; all paths become absolute if it may be anywhere.
        words: by which plugins know functions; they are no paths.
    """

    def moved(given: str, where: Location, path: RelativePath | None) -> str:
        if Path(given).is_absolute() or (path and path.function and given in words):
            return given
        written = source.mark(where)
        if isinstance(written, OptionMark):
            return os.path.realpath(given)
        home = Path(os.path.realpath(written.name)).parent
        if card is None:
            return str(home / given)
        own = Path(os.path.realpath(card)).parent
        return given if home == own else Path(os.path.relpath(home / given, own)).as_posix()

    changed: Runcard = _with_paths(runcard, moved)
    return changed


def paths_in(settings: Any) -> Mapping[str, str]:
    """All paths in settings, or in several of them, by dotted key."""
    found: dict[str, str] = {}

    def seen(given: str, where: Location, mark: RelativePath | None) -> str:
        return found.setdefault(".".join(where), given)

    _with_paths(settings, seen)
    return found


def _with_paths(
    value: Any,
    changed: Callable[[str, Location, RelativePath | None], str],
    where: Location = (),
    mark: RelativePath | None = None,
) -> Any:
    """``value`` with all its paths ``changed``.

    Args:
        value: settings, or a part of them.
        changed: takes a path, what leads to it, and what marks it as one if it is text.
        where: what leads to ``value``.
        mark: of ``value``.
    """
    if isinstance(value, Path) or (mark and isinstance(value, str)):
        return type(value)(changed(str(value), where, mark))
    if isinstance(value, tuple):
        return tuple(_with_paths(v, changed, (*where, str(i))) for i, v in enumerate(value))
    if isinstance(value, Mapping):
        return {key: _with_paths(v, changed, (*where, str(key))) for key, v in value.items()}
    if not isinstance(value, BaseModel):
        return value
    update: dict[str, Any] = {}
    for name, field in type(value).model_fields.items():
        old = getattr(value, name)
        new = _with_paths(old, changed, (*where, name), _path_mark(field))
        update |= {name: new} if new != old else {}
    return value.model_copy(update=update) if update else value


def _path_mark(field: Any) -> RelativePath | None:
    """What marks a field as a path, also within an optional type."""
    parts = getattr(field.annotation, "__args__", ())
    inner = (mark for part in parts for mark in getattr(part, "__metadata__", ()))
    return next((m for m in (*field.metadata, *inner) if isinstance(m, RelativePath)), None)
