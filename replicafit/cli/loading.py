"""Registry and runcard as the command line names them."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.plugins import Registry, load_registry


def installed() -> Registry:
    """The installed plugins; what is wrong with some is printed."""
    registry = load_registry()
    warn_of(registry)
    return registry


def registry_of(card: Path | None = None) -> Registry:
    """The installed plugins, and those that the runcard ``card`` brings along."""
    registry = installed()
    if card is None:
        return registry
    from replicafit.runcard.loading import registry_for

    return registry_for(card, registry)


def warn_of(registry: Registry) -> None:
    """Prints what is wrong with plugins."""
    for problem in registry.problems:
        click.echo(f"Warning: {problem}", err=True)
