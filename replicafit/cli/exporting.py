"""The command export."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.cli.loading import registry_of
from replicafit.components import Exporter
from replicafit.errors import PluginError
from replicafit.plugins import Registry


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    required=True,
    help="An exporter of whole fits, such as lhapdf.",
)
@click.option("--name", metavar="NAME", help="What the export is called; by default as DIR.")
def export(folder: Path, format_name: str, name: str | None) -> None:
    """Writes the fit in DIR in another format, such as an LHAPDF set."""
    from rich.console import Console
    from rich.progress import Progress

    from replicafit.results.folder import FitFolder

    exporter = _format(registry_of(), format_name)
    fit, console = FitFolder(folder), Console()
    numbers, finished = fit.selected(), fit.finished()
    if not fit.complete():
        click.echo(f"The fit is unfinished: {len(finished)} replicas are written so far.")
    left_out = len(finished) - len(numbers)
    if left_out:
        click.echo(f"Left out, as diverged or not selected: {left_out} of {len(finished)}.")
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"Writing {format_name}", total=None)
        written = fit.export(exporter, name, lambda n, of: bar.update(task, completed=n, total=of))
    click.echo(f"{len(numbers)} replicas written to '{written}'")


def _format(registry: Registry, name: str) -> Exporter:
    """The exporter of whole fits called ``name``.

    Raises:
        PluginError: there is none.
    """
    formats = [exporter.name for exporter in registry.all(Exporter) if exporter.finish]
    if name in formats:
        return registry.get(Exporter, name)
    why = registry.absence(Exporter, name)
    if name in registry.names(Exporter):
        why = f"The exporter '{name}' writes each replica while a fit runs, and nothing afterwards."
    raise PluginError(f"{why} Formats for --format: {', '.join(formats) or 'none installed'}.")
