"""The commands report and compare."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.plugin import load_registry

FIT = click.Path(path_type=Path, file_okay=False)
AT_Q = click.option(
    "--at-q",
    "scales",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    metavar="Q",
    help="A scale to show functions at beside that of the fit, in GeV for parton distributions; "
    "repeatable. Needs a plugin that evolves functions.",
)


@click.command()
@click.argument("fit", metavar="DIR", type=FIT)
@AT_Q
@click.option(
    "--reference",
    metavar="DIR",
    type=FIT,
    help="Another fit, or a set of functions that a plugin reads, such as an LHAPDF set: its mean "
    "and band are drawn with the functions, and their ratio.",
)
@click.option(
    "--figures",
    metavar="DIR",
    type=FIT,
    help="Also write every figure as PDF and PNG, and every table as CSV, into this folder.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write; by default DIR/report.html, anew if it is there.",
)
def report(
    fit: Path,
    scales: tuple[float, ...],
    reference: Path | None,
    figures: Path | None,
    output: Path | None,
) -> None:
    """Writes one HTML file about the fit in DIR."""
    from replicafit_report.page import write_report

    path = write_report(fit, output, reference, scales, load_registry(), figures)
    click.echo(f"Written: {path}")
    if figures is not None:
        click.echo(f"Written: figures and tables in {figures}")


@click.command()
@click.argument("fits", metavar="DIR DIR...", type=FIT, nargs=-1, required=True)
@AT_Q
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("comparison.html"),
    show_default=True,
    help="Where to write.",
)
def compare(fits: tuple[Path, ...], scales: tuple[float, ...], output: Path) -> None:
    """Writes one HTML file that shows fits side by side.

    With distances from the first. A DIR may be a set of functions that a plugin reads.
    """
    from replicafit_report.comparison import write_comparison

    click.echo(f"Written: {write_comparison(fits, output, scales, load_registry())}")
