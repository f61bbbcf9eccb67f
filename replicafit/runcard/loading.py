"""From YAML files and options to a frozen ``Runcard``, with errors that point at the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from replicafit.components import FunctionSource
from replicafit.errors import RuncardError
from replicafit.plugins import Registry
from replicafit.runcard.joining import Cards, Override, read_cards
from replicafit.runcard.messages import report
from replicafit.runcard.models import Runcard, runcard_type
from replicafit.runcard.relocation import relocated

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def load_runcard(
    path: Path | Cards,
    registry: Registry,
    overrides: Sequence[Override] = (),
    written_to: Path | None = None,
) -> Runcard:
    """The runcard at ``path``, checked.

    Args:
        path: a YAML file, or what was read of it.
        registry: the plugins that provide its components.
        overrides: values of the command line that take the place of the card's.
        written_to: the file whose folder relative paths are to start from, if not ``path``.

    Raises:
        RuncardError: with file, line and column of every mistake, and the nearest valid word.
    """
    cards = path if isinstance(path, Cards) else read_cards(path, registry)
    source = cards.joined(overrides)
    try:
        runcard = runcard_type(registry).model_validate(source.data)
    except ValidationError as invalid:
        raise RuncardError(report(source, registry, invalid)) from None
    if source.problems:
        raise RuncardError(report(source, registry, None))
    words = [known.form for known in registry.all(FunctionSource)]
    return relocated(runcard, source, written_to or cards.path, words)


def runcard_schema(registry: Registry) -> dict[str, Any]:
    """JSON Schema 2020-12 of runcards, for editors; with the components of ``registry``."""
    return {"$schema": JSON_SCHEMA, **runcard_type(registry).model_json_schema()}


def canonical(runcard: Runcard) -> dict[str, Any]:
    """The runcard with all defaults filled in, as plain JSON data."""
    content = runcard.model_dump(mode="json", serialize_as_any=True)
    return {k: v for k, v in content.items() if v is not None or k in Runcard.model_fields}


def canonical_hash(runcard: Runcard) -> str:
    """SHA-256 of the canonical runcard: equal for cards that mean the same fit."""
    text = json.dumps(canonical(runcard), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Difference:
    """A key at which two canonical runcards differ; ``None`` for a value that is not there."""

    key: str
    ours: Any
    theirs: Any


def compared(ours: Any, theirs: Any, where: str = "") -> list[Difference]:
    """Where two canonical runcards differ, by dotted keys."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = list(dict.fromkeys([*ours, *theirs]))
        pairs = [(key, ours.get(key), theirs.get(key)) for key in keys]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = [(str(i), a, b) for i, (a, b) in enumerate(zip(ours, theirs, strict=True))]
    else:
        same = json.dumps(ours) == json.dumps(theirs)
        return [] if same else [Difference(where, ours, theirs)]
    found = [compared(a, b, f"{where}.{key}" if where else key) for key, a, b in pairs]
    return [difference for differences in found for difference in differences]


def differences(ours: Any, theirs: Any) -> list[str]:
    """The keys at which two canonical runcards differ, dotted and sorted."""
    return sorted(difference.key for difference in compared(ours, theirs))
