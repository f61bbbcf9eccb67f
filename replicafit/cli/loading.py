"""The installed plugins, for commands."""

from __future__ import annotations

import click

from replicafit.plugins import Registry, load_registry


def installed() -> Registry:
    """The installed plugins; what is wrong with some is printed."""
    registry = load_registry()
    warn_of(registry)
    return registry


def warn_of(registry: Registry) -> None:
    """Prints what is wrong with plugins."""
    for problem in registry.problems:
        click.echo(f"Warning: {problem}", err=True)
