"""Commands about fits that are there: export, report, compare, closure."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.cli.loading import registry_of
from replicafit.cli.options import AT_Q, FIT
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


@click.command()
@click.argument("fit", metavar="DIR", type=FIT)
@AT_Q
@click.option(
    "--reference",
    metavar="DIR",
    type=FIT,
    help="Another fit, or an LHAPDF set of replicas: its mean and band are drawn with the "
    "functions, and their ratio.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to write; by default DIR/report.html, anew if it is there.",
)
def report(
    fit: Path, scales: tuple[float, ...], reference: Path | None, output: Path | None
) -> None:
    """Writes one HTML file about the fit, or the scan, in DIR."""
    from replicafit_report import require_libraries

    require_libraries()
    from replicafit_report.page import write_report
    from replicafit_scan.report import is_scan, write_scan_report

    if is_scan(fit):
        click.echo(f"Written: {write_scan_report(fit, output)}")
        return
    click.echo(f"Written: {write_report(fit, output, reference, scales, registry_of())}")


@click.command()
@click.argument("fits", metavar="DIR DIR...", type=FIT, nargs=-1, required=True)
@AT_Q
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("comparison.html"),
    show_default=True,
    help="Where to write.",
)
def compare(fits: tuple[Path, ...], scales: tuple[float, ...], output: Path) -> None:
    """Writes one HTML file that shows fits and LHAPDF sets side by side.

    With distances from the first.
    """
    from replicafit_report import require_libraries

    require_libraries()
    from replicafit_report.comparison import write_comparison

    click.echo(f"Written: {write_comparison(fits, output, scales, registry_of())}")


@click.command()
@click.argument("fits", metavar="DIR...", type=FIT, nargs=-1, required=True)
def closure(fits: tuple[Path, ...]) -> None:
    """Tells how well closure tests in DIR... recover their truth: bias, variance, coverage."""
    from rich.console import Console

    from replicafit_report.closure import closure_fit, summary
    from replicafit.cli.outline import closure_lines, closure_table

    registry = registry_of()
    each = [closure_fit(path, registry) for path in fits]
    together = summary(each)
    Console().print(closure_table(each, together))
    click.echo("\n".join(closure_lines(together)))
