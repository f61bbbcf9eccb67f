"""Commands about plugins: plugins, new-plugin."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from replicafit.cli.exit_codes import FAILED
from replicafit.cli.loading import registry_of, warn_of
from replicafit.execution.starting import import_engine_quietly
from replicafit.plugins import Choice, load_registry


@click.command()
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For programs: name, distribution, version, module, file, api_version, hooks, components, "
    "and status: loaded, or broken, then with reason.",
)
@click.option(
    "--check",
    "checked",
    is_flag=True,
    help="Show in full, with tracebacks, what is wrong; also import all code that descriptions "
    "name. Exit code 1 if anything is.",
)
def plugins(as_json: bool, checked: bool) -> None:
    """Lists the plugins and the components they provide."""
    from replicafit.cli.plugin_listing import plugin_faults, plugin_page, plugin_records

    registry = load_registry(choice=replace(Choice.from_environment(), strict=False))
    if as_json:
        click.echo(json.dumps(plugin_records(registry), indent=1))
    else:
        click.echo(plugin_page(registry), nl=False)
    if not checked:
        warn_of(registry)
        return
    import_engine_quietly()
    faults = plugin_faults(registry)
    for fault in faults:
        click.echo(f"\n{fault}", err=True)
    if faults:
        sys.exit(FAILED)


@click.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option(
    "--kind",
    type=click.Choice(
        ("layer", "dataset", "exporter", "penalty", "optimizer", "observer", "command")
    ),
    default="layer",
    show_default=True,
    help="What the plugin provides.",
)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default replicafit-NAME, here. It must be new or empty.",
)
def new_plugin(name: str, kind: str, output: Path | None) -> None:
    """Writes a plugin to begin with: its code, its tests and a runcard that uses it."""
    from replicafit.testing.scaffold import NewPlugin

    plugin = NewPlugin.of(name, kind, registry_of())
    folder = output or Path(plugin.distribution)
    for file in plugin.write(folder):
        click.echo(f"Written: {file}")
    card = folder / f"{plugin.component}.yml"
    click.echo(f"Next: pip install -e {folder}, then replicafit check {card}")
