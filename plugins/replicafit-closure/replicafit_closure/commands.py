"""The command closure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replicafit.plugin import (
    FAILED,
    INTERRUPTED,
    OVERRIDES,
    FitFolder,
    load_registry,
    overrides_of,
)

if TYPE_CHECKING:
    from replicafit.plugin import Override
    from replicafit_closure.estimators import ClosureFit


@click.command()
@click.argument(
    "what",
    metavar="CARD | DIR...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default CARD-closure, here. It must be new or empty, unless the study "
    "resumes.",
)
@OVERRIDES
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the study in DIR: fits and replicas that ended stay, others go on from their "
    "last checkpoints. closure.fits may be larger than before.",
)
@click.option(
    "--lanes",
    metavar="N",
    type=click.IntRange(min=1),
    help="Lanes that the fits share; by default one for each core or GPU.",
)
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With DIR...: a plugin file that the runcards of the fits named, if they need it; its "
    "code runs, if its SHA-256 is the one that the fits recorded. Repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def closure(
    what: tuple[Path, ...],
    output: Path | None,
    settings: tuple[str, ...],
    seed: str | None,
    replicas: str | None,
    resume: bool,
    lanes: int | None,
    plugins: tuple[Path, ...],
    quiet: bool,
) -> None:
    """Tests a method with data made from a known function: bias, variance, coverage.

    Of a runcard CARD, makes as many fits as its section closure says, side by side, each with a
    seed of its own, and judges them. Of folders DIR... of fits, judges these.
    """
    if all(path.is_dir() for path in what):
        if output or settings or seed or replicas or resume or lanes:
            raise click.UsageError("Folders of fits are only judged: give no options but --plugin.")
        _judge(what, plugins)
        return
    if len(what) > 1:
        others = ", ".join(f"'{path}'" for path in what if not path.is_dir())
        raise click.UsageError(f"Give one runcard, or folders of fits; no folders are: {others}.")
    (card,) = what
    if not card.is_file():
        raise click.UsageError(f"There is no runcard and no folder of a fit at '{card}'.")
    overrides = overrides_of(settings, seed, replicas)
    _study(card, overrides, output or Path(f"{card.stem}-closure"), resume, lanes, quiet)


def _study(
    card: Path,
    overrides: Sequence[Override],
    folder: Path,
    resume: bool,
    lanes: int | None,
    quiet: bool,
) -> None:
    from rich.console import Console

    from replicafit_closure.display import StudyDisplay
    from replicafit_closure.study import Study, carried_out

    study = Study.of(card, overrides, folder)
    if not resume:
        study.refuse_unless_free()
    console, runcard = Console(), study.base.runcard
    display = StudyDisplay(console, study.settings.fits, runcard.replicas.wanted, quiet)
    try:
        with display:
            outcomes = carried_out(study, lanes, display.observer, display.fit_ended)
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted: {display.ended} of {study.settings.fits} fits are finished, in "
            f"'{folder}'. Continue with --resume."
        )
        sys.exit(INTERRUPTED)
    fits = [each.fit for each in outcomes if each.fit is not None]
    if fits and not quiet:
        _print(fits)
        click.echo(f"{len(fits)} fits, in '{folder}'\nNext: replicafit report {folder}")
    silent = [each for each in outcomes if each.fit is None]
    for each in silent:
        click.echo(f"Error: {each.reason}", err=True)
    if silent:
        sys.exit(FAILED)


def _judge(folders: tuple[Path, ...], plugins: tuple[Path, ...]) -> None:
    from replicafit_closure.judging import judged

    registry = load_registry()
    _print([judged(path, FitFolder(path).setup(registry, plugins)) for path in folders])


def _print(fits: Sequence[ClosureFit]) -> None:
    from rich.console import Console

    from replicafit_closure.display import closure_lines, closure_table, coverage_table
    from replicafit_closure.estimators import summary

    together, console = summary(fits), Console()
    console.print(closure_table(fits, together))
    if (coverage := coverage_table(together)) is not None:
        console.print(coverage)
    click.echo("\n".join(closure_lines(together)))
