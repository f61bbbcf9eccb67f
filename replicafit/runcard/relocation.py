"""Paths that an extended card or an option gives, as paths that the runcard may use.

A relative path means what it means where it is written: in the folder of its own file, or for an
option in the current folder. What reads data knows the runcard's folder alone, so paths from
elsewhere are rewritten once, here: from other cards relative to the runcard, from options absolute.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from replicafit.runcard.models import RelativePath, Runcard
from replicafit.runcard.yaml_source import Mark, OptionMark, YamlSource

Location = tuple[str | int, ...]


def relocated(runcard: Runcard, source: YamlSource, card: Path, words: Collection[str]) -> Runcard:
    """``runcard`` with all paths relative to the folder of ``card``, or absolute.

    Args:
        words: by which plugins know functions; they are no paths.
    """

    def change(given: str, where: Location) -> str:
        return _moved(given, source.mark(where), card)

    changed: Runcard = _Relocation(change, words).of(runcard, ())
    return changed


def _moved(given: str, mark: Mark, card: Path) -> str:
    """The path ``given`` at ``mark`` as the runcard ``card`` may use it."""
    if Path(given).is_absolute():
        return given
    if isinstance(mark, OptionMark):
        return str(Path(given).resolve())
    home, own = Path(mark.name).resolve().parent, card.resolve().parent
    return given if home == own else Path(os.path.relpath(home / given, own)).as_posix()


@dataclass(frozen=True)
class _Relocation:
    change: Callable[[str, Location], str]
    words: Collection[str]

    def of(self, value: Any, where: Location) -> Any:
        """``value``, which stands at ``where``, with its paths moved; itself if nothing moves."""
        if isinstance(value, BaseModel):
            return self._model(value, where)
        if isinstance(value, tuple):
            items = tuple(self.of(item, (*where, i)) for i, item in enumerate(value))
            return value if _unmoved(items, value) else items
        if isinstance(value, Mapping):
            entries = {key: self.of(item, (*where, key)) for key, item in value.items()}
            return value if _unmoved(entries.values(), value.values()) else entries
        return self._path(value, where) if isinstance(value, Path) else value

    def _path(self, value: Path, where: Location) -> Path:
        changed = Path(self.change(str(value), where))
        return value if changed == value else changed

    def _model(self, model: BaseModel, where: Location) -> BaseModel:
        changed = {}
        for name, field in type(model).model_fields.items():
            value, at = getattr(model, name), (*where, name)
            mark = next((m for m in _marks(field) if isinstance(m, RelativePath)), None)
            if mark and isinstance(value, str):
                word = mark.function and value in self.words
                new: Any = value if word else self.change(value, at)
            else:
                new = self.of(value, at)
            if new is not value:
                changed[name] = new
        return model.model_copy(update=changed) if changed else model


def _unmoved(new: Any, old: Any) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))


def _marks(field: Any) -> list[Any]:
    """What marks the type of a field, also within an optional one."""
    inner = getattr(field.annotation, "__args__", ())
    return [*field.metadata, *(m for part in inner for m in getattr(part, "__metadata__", ()))]
