"""From a YAML file to a frozen ``Runcard``, with errors that point at the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from replicafit.components import (
    Component,
    DatasetReader,
    Exporter,
    LayerType,
    OptimiserType,
    Penalty,
)
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.runcard.models import Runcard, runcard_type
from replicafit.runcard.yaml_source import YamlSource, read_yaml

Location = tuple[str | int, ...]

_KIND_AT: Mapping[tuple[str, ...], type[Component]] = {
    ("data", "datasets"): DatasetReader,
    ("model", "layers"): LayerType,
    ("penalties",): Penalty,
    ("training", "optimizer"): OptimiserType,
    ("export",): Exporter,
}

_IN_YAML_WORDS = {
    "tuple_type": "give a list, each item after '- ' or in [ ]",
    "model_type": "give keys and values, such as {key: value}",
    "model_attributes_type": "give keys and values, such as {type: name}",
    "too_short": "give at least one",
}
"""What pydantic says of Python types, for people who write YAML."""


def load_runcard(
    path: Path, registry: Registry, overrides: Mapping[str, Any] | None = None
) -> Runcard:
    """The runcard at ``path``, checked.

    Args:
        path: a YAML file.
        registry: the plugins that provide its components.
        overrides: top-level keys that take the place of the file's, such as ``replicas``.

    Raises:
        RuncardError: with file, line and column of every mistake, and the nearest valid word.
    """
    source = read_yaml(path)
    if not isinstance(source.data, dict):
        message = f"A runcard is a mapping of keys to values, not a {type(source.data).__name__}."
        raise RuncardError(source.describe((), message))
    try:
        return runcard_type(registry).model_validate(source.data | dict(overrides or {}))
    except ValidationError as invalid:
        raise RuncardError("\n".join(_messages(source, registry, invalid))) from None


def canonical(runcard: Runcard) -> dict[str, Any]:
    """The runcard with all defaults filled in, as plain JSON data."""
    return runcard.model_dump(mode="json", serialize_as_any=True)


def canonical_hash(runcard: Runcard) -> str:
    """SHA-256 of the canonical runcard: equal for cards that mean the same fit."""
    text = json.dumps(canonical(runcard), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """The keys at which two canonical runcards differ, dotted."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted(ours.keys() | theirs.keys())
        found = [
            differences(ours.get(key), theirs.get(key), f"{where}.{key}" if where else key)
            for key in keys
        ]
        return [name for names in found for name in names]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [n for i, (a, b) in pairs for n in differences(a, b, f"{where}.{i}")]
    return [] if json.dumps(ours) == json.dumps(theirs) else [where]


def _messages(source: YamlSource, registry: Registry, invalid: ValidationError) -> Iterable[str]:
    errors = invalid.errors(include_url=False)
    inside = [error["loc"] for error in errors]
    for error in errors:
        if error["type"] == "too_short" and any(_within(loc, error["loc"]) for loc in inside):
            continue  # pydantic counts the items without the invalid ones
        yield _message(source, registry, error["type"], error["loc"], error)


def _message(
    source: YamlSource, registry: Registry, kind: str, location: Location, error: Mapping[str, Any]
) -> str:
    component = _component_kind(location)
    if kind in ("union_tag_invalid", "union_tag_not_found") and component:
        return _wrong_type(source, registry, component, location, error)
    if kind == "literal_error" and component and location[-1] == "type":
        return source.describe(location, registry.absence(component, str(error["input"])))
    if kind == "literal_error" and component is Exporter:
        return source.describe(location, registry.absence(Exporter, str(error["input"])))
    if kind == "extra_forbidden":
        return source.describe(location, _unknown_key(registry, location), of_key=True)
    if kind == "missing":
        return source.describe(location[:-1], f"'{_dotted(location)}' is missing. Add it.")
    text = _IN_YAML_WORDS.get(kind, error["msg"].removeprefix("Value error, "))
    return source.describe(location, f"'{_dotted(location)}' is {error['input']!r}: {text}.")


def _within(location: Location, parent: Location) -> bool:
    return len(location) > len(parent) and location[: len(parent)] == parent


def _component_kind(location: Location) -> type[Component] | None:
    words = tuple(part for part in location if isinstance(part, str))
    return next((kind for at, kind in _KIND_AT.items() if words[: len(at)] == at), None)


def _wrong_type(
    source: YamlSource,
    registry: Registry,
    kind: type[Component],
    location: Location,
    error: Mapping[str, Any],
) -> str:
    given = error["input"]
    if not isinstance(given, Mapping) or "type" not in given:
        known = ", ".join(registry.names(kind))
        return source.describe(location, f"'{_dotted(location)}' needs a type; known: {known}.")
    return source.describe((*location, "type"), registry.absence(kind, str(given["type"])))


def _unknown_key(registry: Registry, location: Location) -> str:
    allowed = _allowed_keys(registry, location[:-1])
    given = str(location[-1])
    near = get_close_matches(given, allowed, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"'{given}' is not a key here.{hint} Allowed: {', '.join(allowed)}."


def _allowed_keys(registry: Registry, location: Location) -> list[str]:
    """The keys of the model that pydantic's location leads to: fields and types in turn."""
    models: list[type[BaseModel]] = [runcard_type(registry)]
    kind = _component_kind(location)
    for word in (part for part in location if isinstance(part, str)):
        below = [m.model_fields[word].annotation for m in models if word in m.model_fields]
        if below:
            models = [model for annotation in below for model in _models_in(annotation)]
        elif kind is not None and word in registry.names(kind):
            models = [registry.get(kind, word).settings]
        else:
            models = [m for m in models if _type_of(m) == word] or models
    return sorted({name for model in models for name in model.model_fields})


def _models_in(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _type_of(model: type[BaseModel]) -> Any:
    return model.model_fields["type"].default if "type" in model.model_fields else None


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)
