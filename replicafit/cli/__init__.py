"""The commands: the only place that prints, exits, or catches ``ReplicafitError``."""

from __future__ import annotations

import sys

import click

from replicafit.cli.exit_codes import INTERRUPTED, REFUSED
from replicafit.cli.extending import new_plugin, plugins
from replicafit.cli.fitting import check, run, verify
from replicafit_report.commands import closure, compare, export, report
from replicafit.cli.runcards import diff, explain, init, migrate, schema
from replicafit_scan.commands import scan
from replicafit.errors import ReplicafitError


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
    commands=[
        *(run, check, export, verify, scan, report, compare, closure),
        *(plugins, new_plugin, schema, explain, diff, migrate, init),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="replicafit")
def commands() -> None:
    """Fits many Monte Carlo replicas of a neural-network function at once."""
