"""A runcard with all that its words mean: the value that every stage of a fit starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from replicafit.errors import RuncardError
from replicafit.plugins import Registry, load_registry, with_files
from replicafit.runcard.joining import Override
from replicafit.runcard.loading import load_runcard
from replicafit.runcard.local_plugins import registry_for
from replicafit.runcard.messages import report
from replicafit.runcard.models import NetworkSettings, Runcard, runcard_type
from replicafit.runcard.yaml_source import parse


@dataclass(frozen=True, eq=False)
class Setup:
    """What is fitted, and how.

    Attributes:
        runcard: with all defaults.
        registry: the plugins, those that the runcard brings along included.
        folder: where the runcard's relative paths begin.
        card: the runcard's file, if it is one.
    """

    runcard: Runcard
    registry: Registry
    folder: Path
    card: Path | None = None

    def with_runcard(self, runcard: Runcard) -> Setup:
        """The same with another runcard."""
        return replace(self, runcard=runcard)

    def with_network(self, network: NetworkSettings) -> Setup:
        """The same with one of ``model.networks`` as its model."""
        return self.with_runcard(self.runcard.with_network(network))


def load_setup(
    card: Path, overrides: Sequence[Override] = (), registry: Registry | None = None
) -> Setup:
    """The runcard at ``card``, checked, with its plugins.

    Args:
        card: a YAML file.
        overrides: values that take the place of the card's.
        registry: of the installed plugins; looked for if not given.

    Raises:
        RuncardError: with file, line and column of every mistake.
    """
    known = registry_for(card, load_registry() if registry is None else registry)
    return Setup(load_runcard(card, known, overrides), known, card.parent, card)


def setup_of(content: Mapping[str, Any], folder: Path = Path()) -> Setup:
    """The runcard with this ``content``, checked; without what it could extend.

    Args:
        content: as a YAML file would give it.
        folder: where its relative paths begin.

    Raises:
        RuncardError: with the key of every mistake.
    """
    source = parse(yaml.safe_dump(dict(content), sort_keys=False), "runcard")
    assert source is not None
    registry = with_files(load_registry(), content.get("plugins", ()), folder)
    try:
        return Setup(runcard_type(registry).model_validate(source.data), registry, folder)
    except ValidationError as invalid:
        raise RuncardError(report(source, registry, invalid)) from None
