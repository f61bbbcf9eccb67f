"""From YAML files and options to a frozen ``Setup``, with errors that point at the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from replicafit.components import FunctionSource
from replicafit.errors import PluginError, RuncardError
from replicafit.plugins import Registry, load_registry, with_files
from replicafit.runcard.composing import runcard_type
from replicafit.runcard.joining import Override, overridden, read_cards
from replicafit.runcard.messages import report
from replicafit.runcard.models import NetworkSettings, Runcard
from replicafit.runcard.relocation import relocated
from replicafit.runcard.yaml_source import OptionMark, Problem, YamlSource

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


GIVEN = "given"
"""The type of datasets from Python."""
NOTHING_GIVEN: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Setup:
    """What is fitted, and how.

    Attributes:
        runcard: with all defaults.
        registry: the plugins, those that the runcard brings along included.
        folder: where the runcard's relative paths begin.
        card: the runcard's file, if it is one.
        given: the datasets of type ``given``, from Python, which ``folder`` does not hold yet;
            ``replicafit.data.Dataset`` by name.
    """

    runcard: Runcard
    registry: Registry
    folder: Path
    card: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    def with_network(self, network: NetworkSettings) -> Setup:
        """The same with one of ``model.networks`` as its model."""
        return replace(self, runcard=self.runcard.with_network(network))


def load_setup(
    card: Path,
    overrides: Sequence[Override] = (),
    registry: Registry | None = None,
    recorded: Mapping[str, str] | None = None,
    *,
    text: str | None = None,
    given: Mapping[str, Any] = NOTHING_GIVEN,
    given_folder: Path = Path(),
) -> Setup:
    """The runcard at ``card``, checked, with its plugins.

    Args:
        card: a YAML file, or what messages are to call ``text``.
        overrides: values that take the place of the card's.
        registry: of the installed plugins; looked for if not given.
        recorded: the SHA-256 that plugin files of the card must have, by plugin; no other is run.
        text: of a card that is in no file; its relative paths begin in the current folder.
        given: datasets from Python, ``replicafit.data.Dataset`` by name. The card may place them
            by ``{type: given, name: NAME}``; the others come after its own.
        given_folder: the folder of the fit, which is to hold them; other relative paths of the
            card become absolute then.

    Raises:
        RuncardError: with file, line and column of every mistake.
    """
    registry = load_registry() if registry is None else registry
    source = read_cards(card, registry, (), text)
    source = reduce(overridden, [*_given_overrides(source, given), *overrides], source)
    known = _with_plugins_of(source, registry, recorded)
    runcard = _checked(source, known, None if given else card)
    if given:
        return Setup(runcard, known, given_folder, None, given)
    return Setup(runcard, known, card.parent, card if text is None else None)


def _given_overrides(card: YamlSource, names: Iterable[str]) -> list[Override]:
    """What adds the datasets ``names``, given from Python, to those of ``card``."""
    data = card.data.get("data", {})
    there = data.get("datasets", []) if isinstance(data, dict) else []
    entries = there if isinstance(there, list) else []
    placed = {e.get("name") for e in entries if isinstance(e, dict) and e.get("type") == GIVEN}
    new = [{"type": GIVEN, "name": name} for name in names if name not in placed]
    if not entries:
        return [Override.yaml("data", "data.datasets", json.dumps(new))] if new else []
    return [
        Override.yaml("data", f"data.datasets.{len(entries) + i}", json.dumps(entry))
        for i, entry in enumerate(new)
    ]


def _with_plugins_of(
    card: YamlSource, registry: Registry, recorded: Mapping[str, str] | None
) -> Registry:
    """``registry`` with the plugins in the files that ``card`` names.

    Raises:
        RuncardError: a file is missing or does not load, with the place that names it.
    """
    names = card.data.get("plugins", ())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return registry  # _checked says what is wrong with it
    for i, name in enumerate(names):
        mark = card.mark(("plugins", i))
        folder = Path() if isinstance(mark, OptionMark) else Path(mark.name).parent
        try:
            registry = with_files(registry, [name], folder, recorded)
        except PluginError as error:
            raise RuncardError(str(Problem(mark, str(error)))) from error
    return registry


def load_runcard(
    path: Path,
    registry: Registry,
    overrides: Sequence[Override] = (),
    written_to: Path | None = None,
) -> Runcard:
    """The runcard in the YAML file ``path``, with components of ``registry``, checked.

    Args:
        overrides: values of the command line that take the place of the card's.
        written_to: the file whose folder relative paths are to start from, if not ``path``.

    Raises:
        RuncardError: with file, line and column of every mistake, and the nearest valid word.
    """
    return _checked(read_cards(path, registry, overrides), registry, written_to or path)


def _checked(source: YamlSource, registry: Registry, card: Path | None) -> Runcard:
    """The runcard in ``source``, with paths for the file ``card``, or for any folder."""
    try:
        runcard = runcard_type(registry).model_validate(source.data)
    except ValidationError as invalid:
        raise RuncardError(report(source, registry, invalid)) from None
    if source.problems:
        raise RuncardError(report(source, registry, None))
    words = [known.form for known in registry.all(FunctionSource)]
    return relocated(runcard, source, card, words)


def runcard_schema(registry: Registry) -> dict[str, Any]:
    """JSON Schema 2020-12 of runcards, for editors; with the components of ``registry``."""
    return {"$schema": JSON_SCHEMA, **runcard_type(registry).model_json_schema()}


def canonical(runcard: Runcard) -> dict[str, Any]:
    """The runcard with all defaults filled in, as plain JSON data."""
    content = runcard.model_dump(mode="json", serialize_as_any=True)
    return {k: v for k, v in content.items() if v is not None or k in Runcard.model_fields}


def canonical_hash(runcard: Runcard) -> str:
    """SHA-256 of the canonical runcard: equal for cards that mean the same fit.

    Without ``replicas``: each is the same however many there are, so that more may join.
    """
    content = {key: value for key, value in canonical(runcard).items() if key != "replicas"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
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
