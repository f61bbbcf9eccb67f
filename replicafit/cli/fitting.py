"""Commands that train: run, check, verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from replicafit.cli.exit_codes import FAILED, INTERRUPTED
from replicafit.cli.loading import load, registry_of
from replicafit.cli.options import OVERRIDES, RUNCARD, overrides_of
from replicafit.execution import IN_PROCESS, crew_for
from replicafit.execution.starting import import_engine_quietly, one_blas_thread
from replicafit.plugins import Registry


@click.command()
@RUNCARD
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default a folder of the runcard's name, here. It must be new or "
    "empty, unless the fit resumes.",
)
@OVERRIDES
@click.option(
    "--t0",
    metavar="DIR",
    help="An earlier fit, a function.npz or an LHAPDF grid for the t0 covariance, in place of the "
    "runcard's data.t0; run.json has its full path.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the fit in DIR, begun with the same runcard: finished replicas stay, the batch "
    "that was training goes on from its last checkpoint.",
)
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the state of the fit is saved.",
)
@click.option(
    "--tensorboard", is_flag=True, help="Also write DIR/tensorboard. Needs the package tensorboard."
)
@click.option(
    "--executor",
    default=IN_PROCESS,
    show_default=True,
    metavar="WHO",
    help="Who trains: in-process, processes:4, dask:local:4, dask:tcp://host:8786 or "
    "dask:scheduler.json; ?GPU=1 after an address of Dask for resources that a batch takes.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def run(
    card: Path,
    output: Path | None,
    settings: tuple[str, ...],
    seed: str | None,
    replicas: str | None,
    t0: str | None,
    resume: bool,
    checkpoint_every: float,
    tensorboard: bool,
    executor: str,
    quiet: bool,
) -> None:
    """Fits all replicas of the runcard CARD."""
    registry = registry_of(card)
    runcard = load(card, registry, overrides_of(settings, seed, replicas, t0))
    with crew_for(executor, registry) as crew:
        import_engine_quietly()
        from replicafit.execution.fit import Output
        from replicafit.results.folder import FitFolder

        written = Output(FitFolder(output or Path(card.stem)), resume, checkpoint_every)
        more = _more_watchers(runcard, written, tensorboard)
        _run(runcard, registry, card, written, crew, more, quiet)


def _more_watchers(runcard: Any, output: Any, tensorboard: bool) -> list[Any]:
    """Who watches a fit beside the display and progress.jsonl."""
    if not tensorboard:
        return []
    from replicafit_report.tensorboard import (
        TensorBoardLog,
        require_tensorboard,
    )  # until observers come through hooks

    require_tensorboard()
    return [TensorBoardLog(output.folder.path / "tensorboard", _tally(runcard, output))]


def _run(
    runcard: Any,
    registry: Registry,
    card: Path,
    output: Any,
    crew: Any,
    watchers: list[Any],
    quiet: bool,
) -> None:
    from rich.console import Console

    from replicafit.cli.display import Display, selection_lines, status_line, summary_table
    from replicafit.execution.fit import fit
    from replicafit.results.progress import ProgressLog, Watchers

    console, folder = Console(), output.folder
    if not output.resume:
        folder.refuse_if_taken()
    replicas = runcard.replicas.wanted
    display = Display(console, _tally(runcard, output), quiet)
    log = ProgressLog(folder.progress_file, _tally(runcard, output), display.warning)
    try:
        with display, one_blas_thread():
            watching = Watchers([display, log, *watchers])
            written = fit(runcard, registry, card, output, watching, crew)
    except KeyboardInterrupt:
        done = len(folder.finished())
        further = " Continue with --resume." if folder.run_file.exists() else ""
        click.echo(
            f"Interrupted: {done} of {replicas} replicas are finished, in '{folder.path}'.{further}"
        )
        sys.exit(INTERRUPTED)
    missing = 0 if runcard.replicas.good else len(runcard.replicas.numbers) - len(written)
    if missing:
        click.echo(f"Error: {missing} of {replicas} replicas could not be fitted.", err=True)
    if written and not quiet:
        results = [folder.result(number) for number in written]
        console.print(summary_table(results))
        console.print(f"{status_line(results)}, in '{folder.path}'", markup=False)
        console.print("\n".join(selection_lines(results, runcard.replicas)), markup=False)
    if missing:
        sys.exit(FAILED)


def _tally(runcard: Any, output: Any) -> Any:
    """Counts the replicas of a fit, beginning with what earlier runs have written."""
    from replicafit.results.progress import Tally

    folder = output.folder
    written = set(folder.finished()) & set(runcard.replicas.numbers) if output.resume else set()
    over = {number: folder.result(number)["status"] for number in sorted(written)}
    return Tally(runcard.replicas.wanted, runcard.training.max_steps, over)


@click.command()
@RUNCARD
@OVERRIDES
@click.option(
    "--time",
    "timed",
    is_flag=True,
    help="Measure memory bandwidth and matrix products of this machine for a second, and print the "
    "least time that 1000 steps, and the whole fit, can take.",
)
def check(
    card: Path, settings: tuple[str, ...], seed: str | None, replicas: str | None, timed: bool
) -> None:
    """Checks the runcard CARD, shows it with all defaults filled in, and how it would be fitted."""
    import yaml

    from replicafit.cli.outline import plan_lines
    from replicafit.forward.fit_data import data_of
    from replicafit.forward.penalties import with_penalty_grids
    from replicafit.forward.planning import measured_machine, plan_networks
    from replicafit.runcard import canonical, canonical_hash

    registry = registry_of(card)
    runcard = load(card, registry, overrides_of(settings, seed, replicas))
    data = data_of(runcard, registry, card.parent)
    data = with_penalty_grids(data, runcard, registry, card.parent)
    click.echo(yaml.safe_dump(canonical(runcard), sort_keys=False, width=100), nl=False)
    extended = "".join(f"extends {each.path}\n" for each in runcard.extends)
    click.echo(f"\n{extended}hash {canonical_hash(runcard)}")
    _list(data.datasets, data.n_measured)
    if data.held_out is not None:
        _list(data.held_out.datasets, data.n_measured, note=", held out")
    click.echo(f"{'all':40s} {data.n_data:6d} data on {len(data.x_grid)} grid points")
    with one_blas_thread():
        machine = measured_machine() if timed else None
        for plan in plan_networks(runcard, registry, data, runcard.replicas.numbers):
            click.echo("\n" + "\n".join(plan_lines(plan, machine)))


def _list(datasets: Any, n_measured: Any, note: str = "") -> None:
    for dataset in datasets:
        of = n_measured[dataset.name]
        click.echo(f"{dataset.name:40s} {dataset.n_data:6d} of {of} data{note}")


@click.command()
@RUNCARD
@click.option(
    "--replicas",
    metavar="N",
    type=click.IntRange(min=2),
    default=4,
    show_default=True,
    help="How many replicas, at least 2.",
)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many steps.",
)
def verify(card: Path, replicas: int, steps: int) -> None:
    """Tests the independence law on the runcard CARD: replicas alone, together, beside bad ones."""
    registry = registry_of(card)
    runcard = load(card, registry)
    import_engine_quietly()
    from rich.console import Console

    from replicafit.cli.display import verdict_table
    from replicafit.execution.verify import verify as verified

    with one_blas_thread():
        cases = verified(runcard, registry, card.parent, replicas, steps)
    Console().print(verdict_table(cases))
    if not all(case.holds for case in cases):
        click.echo("The independence law is broken.", err=True)
        sys.exit(FAILED)
