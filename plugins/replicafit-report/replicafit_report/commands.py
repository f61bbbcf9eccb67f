"""The commands report, compare and closure."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.cli.loading import registry_of
from replicafit.cli.options import AT_Q, FIT


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
    from replicafit_scan.report import is_scan, write_scan_report

    from replicafit_report.page import write_report

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
    from replicafit_report.closure_text import closure_lines, closure_table

    registry = registry_of()
    each = [closure_fit(path, registry) for path in fits]
    together = summary(each)
    Console().print(closure_table(each, together))
    click.echo("\n".join(closure_lines(together)))
