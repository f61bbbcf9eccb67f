"""The command scan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from replicafit.plugin import (
    FAILED,
    INTERRUPTED,
    OVERRIDES,
    RUNCARD,
    executor_for,
    import_engine_quietly,
    load_setup,
    one_blas_thread,
    overrides_of,
)


@click.command()
@RUNCARD
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default CARD-scan, here. It must be new or empty, unless the scan "
    "resumes.",
)
@OVERRIDES
@click.option(
    "--storage",
    metavar="URL",
    help="Where trials are kept, such as sqlite:///scan.db; by default Optuna's journal "
    "DIR/study.log.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the scan in DIR: trials that ended stay, those that were cut off begin anew. "
    "scan.trials may be larger than before.",
)
@click.option(
    "--executor",
    metavar="WHO",
    help="Who tries the architectures of a generation, side by side: as for run. Workers read "
    "CARD and its data where they are.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def scan(
    card: Path,
    output: Path | None,
    settings: tuple[str, ...],
    seed: str | None,
    replicas: str | None,
    storage: str | None,
    resume: bool,
    executor: str,
    quiet: bool,
) -> None:
    """Searches for better settings: tries the points of the runcard's section scan."""
    from replicafit_scan import refuse_unless_free

    folder = output or Path(f"{card.stem}-scan")
    overrides = tuple(overrides_of(settings, seed, replicas))
    setup = load_setup(card, overrides)
    if not resume:
        refuse_unless_free(folder)
    with executor_for(executor, setup.registry, click.echo) as who:
        import_engine_quietly()
        from replicafit_scan.space import Space

        who.ready(setup, click.echo)
        _scan(Space(card, setup.registry, overrides), folder, storage, resume, who.futures(), quiet)


def _scan(
    space: Any, folder: Path, storage: str | None, resume: bool, workers: Any, quiet: bool
) -> None:
    from rich.console import Console

    from replicafit_scan.display import ScanDisplay, counted, failed_lines, scan_table
    from replicafit_scan.objective import best_words, ranking
    from replicafit_scan.scan import scan as scanned
    from replicafit_scan.study import journal, open_study
    from replicafit_scan.trials import Trials

    space.refuse_unless_sound()
    if not resume:
        folder.mkdir(parents=True, exist_ok=True)
    study, console = open_study(space, storage or journal(folder), resume), Console()
    display = ScanDisplay(console, space.scan.trials, quiet, len(study.outcomes()))
    try:
        with one_blas_thread():
            scanned(study, folder, display, Trials(space), workers)
    except KeyboardInterrupt:
        done = counted(study.outcomes())
        click.echo(f"Interrupted: {done}, in '{folder}'. Continue with --resume.")
        sys.exit(INTERRUPTED)
    outcomes = study.outcomes()
    if not quiet:
        console.print(scan_table(outcomes, space.scan.objective))
        console.print(f"{counted(outcomes)}, in '{folder}'", markup=False)
        if best := ranking(outcomes):
            words = best_words(best[0], space.scan.objective, len(outcomes))
            console.print(words, markup=False, highlight=False)
        if failed := failed_lines(outcomes):
            console.print("\n".join(failed), markup=False, highlight=False)
        if best:
            click.echo(f"Next: replicafit run {folder / 'best.yml'}")
    if not ranking(outcomes):
        click.echo(
            f"Error: no trial is good enough to be the best ({counted(outcomes)}): there is no "
            f"best.yml. scan.json in '{folder}' has the reasons.",
            err=True,
        )
        sys.exit(FAILED)
