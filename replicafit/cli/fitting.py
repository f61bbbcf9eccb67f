"""Commands that train: run, check, verify."""

from __future__ import annotations

import math
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replicafit.cli.options import OVERRIDES, RUNCARD, overrides_of
from replicafit.cli.terminal import FAILED, INCOMPLETE, INTERRUPTED, installed, wrapped
from replicafit.components import Command, ObserverType
from replicafit.execution.starting import import_engine_quietly, one_blas_thread
from replicafit.plugins import Registry
from replicafit.runcard import load_setup
from replicafit.runcard.replica_range import LAST_REPLICA, MOST_REPLICAS

if TYPE_CHECKING:
    from replicafit.plugin import Observer
    from replicafit.results.folder import FitFolder


def _a_number(context: click.Context, option: click.Parameter, seconds: float) -> float:
    """Refuses nan, which is within every range."""
    if math.isnan(seconds):
        raise click.BadParameter(f"'{seconds}' is no number of seconds; give one such as 30.")
    return seconds


@click.command()
@RUNCARD
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default a folder of the runcard's name, here. If it holds the same "
    "fit, replicas that it lacks join it, from several jobs at once if you like.",
)
@OVERRIDES
@click.option(
    "--t0",
    metavar="DIR",
    help="An earlier fit, a function.npz or what a plugin reads for the t0 covariance, in place of "
    "the runcard's data.t0; run.json has its full path.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the fit in DIR, begun with the same runcard: finished replicas stay, those that "
    "were training go on from the last checkpoint, and what is damaged is made again.",
)
@click.option(
    "--refit",
    metavar="NUMBER",
    type=click.IntRange(1, LAST_REPLICA),
    multiple=True,
    help="Fit this replica of the fit in DIR again; repeatable. Goes on with the others, as "
    "--resume does.",
)
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(min=0),
    callback=_a_number,
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the state of the fit is saved.",
)
@click.option(
    "--observer",
    "observers",
    metavar="NAME",
    multiple=True,
    help="Who else follows the fit, of a plugin; repeatable.",
)
@click.option("--tensorboard", is_flag=True, help="The same as --observer tensorboard.")
@click.option(
    "--executor",
    metavar="WHO",
    help="Who trains: lanes:N for N lanes in this process (by default one for each core or GPU), "
    "or what a plugin brings, such as dask:ADDRESS.",
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
    refit: tuple[int, ...],
    checkpoint_every: float,
    observers: tuple[str, ...],
    tensorboard: bool,
    executor: str | None,
    quiet: bool,
) -> None:
    """Fits all replicas of the runcard CARD."""
    from rich.console import Console

    from replicafit.api import fit
    from replicafit.execution.display import Display, closing_lines, summary_table
    from replicafit.results.folder import FitFolder

    console = Console()
    with Display(console, quiet) as display:
        display.phase(f"Reading {card}")
        folder = FitFolder(output or Path(card.stem))
        overrides = overrides_of(settings, seed, replicas, t0)
        recorded = folder.plugin_files() if resume or refit else None
        setup = load_setup(card, overrides, installed(), recorded)
        names = dict.fromkeys((*observers, *(["tensorboard"] if tensorboard else [])))
        watching = [display, *(_observer(name, setup.registry, folder) for name in names)]
        try:
            fitted = fit(
                setup,
                output=folder.path,
                observer=watching,
                executor=executor,
                resume=resume,
                refit=refit,
                checkpoint_every=checkpoint_every,
            )
        except KeyboardInterrupt:
            display.close()
            done = len(folder.finished())
            further = " Continue with --resume." if folder.run_file.exists() else ""
            click.echo(
                f"Interrupted: {done} of {setup.runcard.replicas.wanted} replicas are finished, in "
                f"'{folder.path}'.{further}"
            )
            sys.exit(INTERRUPTED)
    wanted, good = setup.runcard.replicas.wanted, setup.runcard.replicas.good
    missing = 0 if good else len(setup.runcard.replicas.numbers) - len(fitted.finished)
    if missing:
        click.echo(f"Error: {missing} of {wanted} replicas could not be fitted.", err=True)
    if fitted.finished and not quiet:
        console.print(summary_table(fitted, console.width))
        reports = "report" in setup.registry.names(Command)
        click.echo(wrapped(closing_lines(fitted, setup.runcard.replicas, reports)))
    elif (verdict := fitted.verdict) is not None and not verdict.good:
        click.echo(f"Warning: the fit is bad: {verdict.says}.", err=True)
    if fitted.finished and not fitted.results:
        first = "; ".join(next(iter(fitted.refused.values())))
        click.echo(
            f"Error: none of {len(fitted.finished)} replicas is selected (the first: {first}): "
            f"there is no fit to use. run.json in '{folder.path}' has all reasons.",
            err=True,
        )
    if missing or not fitted.results:
        sys.exit(FAILED)
    if fitted.run.execution.not_exported:
        failed = ", ".join(fitted.run.execution.not_exported)
        click.echo(f"Error: not all was exported ({failed}); --resume tries again.", err=True)
        sys.exit(INCOMPLETE)


def _observer(name: str, registry: Registry, folder: FitFolder) -> Observer:
    """The observer of a plugin."""
    from replicafit.execution.observers import Observer

    kind = registry.get(ObserverType, name)
    made: Observer = kind.call("build", folder.path, when="when it was built", gives=Observer)
    object.__setattr__(made, "title", kind.title)  # a frozen one, too
    return made


@click.command()
@RUNCARD
@OVERRIDES
@click.option(
    "--time",
    "timed",
    is_flag=True,
    help="Measure memory bandwidth and matrix products of this machine for a second, and print the "
    "least time that 1000 steps, and the whole fit, can take, and what more slots would save.",
)
@click.option("--defaults", is_flag=True, help="Show the runcard with all defaults filled in, too.")
@click.option("--json", "as_json", is_flag=True, help="Print all that as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def check(
    card: Path,
    settings: tuple[str, ...],
    seed: str | None,
    replicas: str | None,
    timed: bool,
    defaults: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Checks the runcard CARD and its data, and shows how it would be fitted."""
    import json

    import yaml

    from replicafit.api import check as checked
    from replicafit.execution.outline import fit_lines
    from replicafit.forward.planning import measured_machine

    with redirect_stdout(sys.stderr):  # what plugins print
        setup = load_setup(card, overrides_of(settings, seed, replicas), installed())
        plan = checked(setup)
    with one_blas_thread():
        machine = measured_machine() if timed and not (quiet or as_json) else None
    if quiet:
        return
    if as_json:
        content = plan.describe() | ({"runcard": plan.runcard} if defaults else {})
        click.echo(json.dumps(content, indent=1))
        return
    click.echo(wrapped([*fit_lines(plan, machine)]))
    if defaults:
        click.echo("\n" + yaml.safe_dump(plan.runcard, sort_keys=False, width=100), nl=False)


@click.command()
@RUNCARD
@click.option(
    "--replicas",
    metavar="N",
    type=click.IntRange(2, MOST_REPLICAS),
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
    setup = load_setup(card, (), installed())
    import_engine_quietly()
    from rich.console import Console

    from replicafit.execution.display import verdict_table
    from replicafit.execution.verify import verify as verified

    with one_blas_thread():
        cases = verified(setup, replicas, steps)
    Console().print(verdict_table(cases))
    if not all(case.holds for case in cases):
        click.echo("The independence law is broken.", err=True)
        sys.exit(FAILED)
