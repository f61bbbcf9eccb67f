"""Paths that an extended card or an option gives, as paths that the runcard may use.

A relative path means what it means where it is written: in the folder of its own file, or for an
option in the current folder. What reads data knows the runcard's folder alone, so paths from
elsewhere are rewritten once, here: from other cards relative to the runcard, from options absolute.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from replicafit.runcard.models import RelativePath, Runcard
from replicafit.runcard.yaml_source import Mark, OptionMark, YamlSource


def relocated(
    runcard: Runcard, source: YamlSource, card: Path | None, words: Collection[str]
) -> Runcard:
    """``runcard`` with all paths relative to the folder of ``card``, or absolute.

    Args:
        card: where it is to be; all paths become absolute if it may be anywhere.
        words: by which plugins know functions; they are no paths.
    """

    def moved(value: Any, where: tuple[str | int, ...], path: RelativePath | None = None) -> Any:
        """``value``, which stands at ``where``; itself where nothing moves.

        Args:
            path: what marks text as a path.
        """
        if isinstance(value, Path) or (path and isinstance(value, str)):
            if path and path.function and value in words:
                return value
            changed = type(value)(_as_used_by(str(value), source.mark(where), card))
            return value if changed == value else changed
        if isinstance(value, tuple):
            items = tuple(moved(item, (*where, i)) for i, item in enumerate(value))
            return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
        if isinstance(value, Mapping):
            entries = {key: moved(item, (*where, key)) for key, item in value.items()}
            return entries if any(entries[k] is not v for k, v in value.items()) else value
        if not isinstance(value, BaseModel):
            return value
        fields = type(value).model_fields
        old = {name: getattr(value, name) for name in fields}
        new = {n: moved(v, (*where, n), _path_mark(fields[n])) for n, v in old.items()}
        update = {name: new[name] for name in fields if new[name] is not old[name]}
        return value.model_copy(update=update) if update else value

    whole: Runcard = moved(runcard, ())
    return whole


def paths_in(
    value: Any, key: str = "", path: RelativePath | None = None
) -> Iterator[tuple[str, str]]:
    """All paths in settings, by dotted key.

    Args:
        value: settings, or several of them.
        key: of it.
        path: what marks text as a path.
    """
    if isinstance(value, Path) or (path and isinstance(value, str)):
        yield key, str(value)
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from paths_in(getattr(value, name), f"{key}.{name}", _path_mark(field))
    elif isinstance(value, Mapping | tuple):
        pairs: Any = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, inner in pairs:
            yield from paths_in(inner, f"{key}.{name}" if key else str(name))


def _as_used_by(given: str, mark: Mark, card: Path | None) -> str:
    """The path ``given`` at ``mark`` as the runcard ``card`` may use it."""
    if Path(given).is_absolute():
        return given
    if isinstance(mark, OptionMark):
        return os.path.realpath(given)
    home = Path(os.path.realpath(mark.name)).parent
    if card is None:
        return str(home / given)
    own = Path(os.path.realpath(card)).parent
    return given if home == own else Path(os.path.relpath(home / given, own)).as_posix()


def _path_mark(field: Any) -> RelativePath | None:
    """What marks a field as a path, also within an optional type."""
    parts = getattr(field.annotation, "__args__", ())
    inner = (mark for part in parts for mark in getattr(part, "__metadata__", ()))
    return next((m for m in (*field.metadata, *inner) if isinstance(m, RelativePath)), None)
