"""Command ``new-plugin``: writes a plugin to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.plugin import Command, hookimpl


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """The one command of this plugin."""
    return [
        Command(
            name="new-plugin",
            command="replicafit_scaffold.commands:new_plugin",
            summary="writes a plugin to begin with",
        )
    ]
