"""The command ``new-plugin``."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.plugin import load_registry
from replicafit_scaffold.writing import SCAFFOLDS, NewPlugin


@click.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option(
    "--kind",
    type=click.Choice(tuple(SCAFFOLDS)),
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
    plugin = NewPlugin.of(name, kind, load_registry())
    folder = output or Path(plugin.distribution)
    for file in plugin.write(folder):
        click.echo(f"Written: {file}")
    card = folder / f"{plugin.component}.yml"
    click.echo(f"Next: pip install -e {folder}, then replicafit check {card}")
