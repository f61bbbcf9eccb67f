"""The commands: the only place that prints, exits, or catches ``ReplicafitError``."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Any

import click

from replicafit.cli.exporting import export
from replicafit.cli.fitting import check, run, verify
from replicafit.cli.plugin_listing import plugins
from replicafit.cli.runcards import diff, explain, init, schema
from replicafit.cli.terminal import FAILED, INTERRUPTED, REFUSED, installed
from replicafit.components import Command, load_target
from replicafit.errors import DiskError, PluginError, ReplicafitError, did_you_mean
from replicafit.plugins import load_registry
from replicafit.plugins.registry import FOUND_IN

GROUPS: dict[str, tuple[click.Command, ...]] = {
    "Fits": (run, check, verify, export),
    "Runcards": (init, schema, explain, diff),
    "Plugins": (plugins,),
}
"""The commands of replicafit itself, as ``--help`` shows them."""


class Commands(click.Group):
    """The commands of replicafit and of plugins, whose code is imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """All names: its own, and those of plugins."""
        return [*self.commands, *load_registry().names(Command)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Its own, or that of a plugin.

        Raises:
            PluginError: nobody provides it, two plugins do, or its code cannot be imported.
        """
        own = super().get_command(context, name)
        if own is not None or context.resilient_parsing:
            return own
        registry = load_registry()
        known = registry.owner(Command, name) or registry.missing(Command, name)
        if not known and not registry.broken:
            elsewhere = [its for kind, its in FOUND_IN if kind is Command]
            near = did_you_mean(name, [*self.list_commands(context), *elsewhere])
            raise click.UsageError(
                f"There is no command '{name}'.{near} `replicafit --help` lists them."
            )
        component = registry.get(Command, name)
        with component.at_fault("when its code was loaded"):
            command = load_target(component.command)
            if not isinstance(command, click.Command):
                raise TypeError(f"{command!r} is no click.Command")
        return command

    def invoke(self, context: click.Context) -> Any:
        """Runs the command; what fails in that of a plugin has the plugin's name."""
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort, ReplicafitError):
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as cause:
            name = context.invoked_subcommand or ""
            if name in self.commands:
                raise
            failed = load_registry().get(Command, name).failure("when it ran", cause)
            raise PluginError(failed) from cause

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """One list for each group, and one for each plugin that has commands."""
        lists = {
            title: [(str(c.name), c.get_short_help_str(100)) for c in own]
            for title, own in GROUPS.items()
        }
        registry = installed()
        for name in registry.names(Command):
            plugin = registry.provider(Command, name)
            entry = (name, registry.get(Command, name).summary)
            lists.setdefault(f"Of plugin {plugin.name} ({plugin.distribution})", []).append(entry)
        for title, rows in lists.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def main() -> None:
    """Entry point of the command ``replicafit``.

    Letters that the terminal's encoding lacks are written as escapes: ``\\xfc``.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        commands(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ReplicafitError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(FAILED if isinstance(error, DiskError) else REFUSED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    commands=[command for group in GROUPS.values() for command in group],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="replicafit")
def commands() -> None:
    """Fits many Monte Carlo replicas of a neural-network function at once."""
