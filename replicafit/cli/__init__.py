"""The commands: the only place that prints, exits, or catches ``ReplicafitError``."""

from __future__ import annotations

import sys

import click

from replicafit.cli.exit_codes import INTERRUPTED, REFUSED
from replicafit.cli.exporting import export
from replicafit.cli.extending import new_plugin, plugins
from replicafit.cli.fitting import check, run, verify
from replicafit.cli.runcards import diff, explain, init, schema
from replicafit.components import Command, load_target
from replicafit.errors import ReplicafitError
from replicafit.plugins import load_registry


class Commands(click.Group):
    """The commands of replicafit and of plugins, whose code is imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(context), *load_registry().names(Command)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Its own, or that of a plugin."""
        own = super().get_command(context, name)
        if own is not None or name not in (registry := load_registry()).names(Command):
            return own
        command: click.Command = load_target(registry.get(Command, name).command)  # type: ignore[assignment]
        return command


def main() -> None:
    """Entry point of the command ``replicafit``."""
    try:
        commands(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ReplicafitError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(REFUSED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    commands=[run, check, export, verify, plugins, new_plugin, schema, explain, diff, init],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="replicafit")
def commands() -> None:
    """Fits many Monte Carlo replicas of a neural-network function at once."""
