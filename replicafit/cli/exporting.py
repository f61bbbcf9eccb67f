"""The command export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from replicafit.cli.terminal import installed
from replicafit.components import Exporter, RuncardSection
from replicafit.errors import PluginError, RuncardError
from replicafit.plugins import Registry

if TYPE_CHECKING:
    from replicafit.results.records import RunRecord


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
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A value in place of the runcard's, in a section of a plugin, such as "
    "theory.m_charm=1.51; repeatable.",
)
def export(folder: Path, format_name: str, name: str | None, settings: tuple[str, ...]) -> None:
    """Writes the fit in DIR in another format, such as an LHAPDF set."""
    from rich.console import Console
    from rich.progress import Progress

    from replicafit.results.folder import FitFolder

    registry = installed()
    exporter = _format(registry, format_name)
    fit, console = FitFolder(folder), Console()
    sections = _sections(fit.run(), settings, registry)
    numbers, finished = fit.selected(), fit.finished()
    if not fit.complete():
        click.echo(f"The fit is unfinished: {len(finished)} replicas are written so far.")
    left_out = len(finished) - len(numbers)
    if left_out:
        click.echo(f"Left out, as diverged or not selected: {left_out} of {len(finished)}.")
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Writing {format_name}", total=None)
        written = fit.export(
            exporter, name, lambda n, of: bar.update(task, completed=n, total=of), sections
        )
    click.echo(f"{len(numbers)} replicas written to '{written}'")


def _sections(run: RunRecord, settings: tuple[str, ...], registry: Registry) -> dict[str, Any]:
    """The sections of plugins in the runcard of ``run`` that ``settings`` change, changed.

    Raises:
        RuncardError: a setting is none of such a section.
    """
    from replicafit.runcard import Override, canonical, load_setup

    if not settings:
        return {}
    overrides = [Override.setting(given) for given in settings]
    known = registry.names(RuncardSection)
    for override in overrides:
        if override.key[0] not in known:
            raise RuncardError(
                f"'{override.option}' would change the fit, not its export. Give keys of "
                f"{' or '.join(known) or 'sections of plugins, of which none is installed'}."
            )
    folder = Path(run.runcard_folder)
    text = yaml.safe_dump(run.runcard, sort_keys=False)
    card = canonical(load_setup(folder / "run.json", overrides, registry, text=text).runcard)
    return {override.key[0]: card[override.key[0]] for override in overrides}


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
