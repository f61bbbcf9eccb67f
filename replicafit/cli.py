"""The commands: the only place that prints, exits, or catches ``ReplicafitError``."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from replicafit.components import KINDS
from replicafit.errors import ReplicafitError
from replicafit.plugins import Registry, load_registry

RUNCARD = click.argument("card", metavar="CARD", type=click.Path(path_type=Path, dir_okay=False))
INTERRUPTED = 130


def main() -> None:
    """Entry point of the command ``replicafit``."""
    try:
        commands(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ReplicafitError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="replicafit")
def commands() -> None:
    """Fits many Monte Carlo replicas of a neural-network function at once."""


@commands.command()
@RUNCARD
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write [the runcard's name]."
)
@click.option("--replicas", help="A count, or a first and last replica number such as 1-10.")
@click.option("--resume", is_flag=True, help="Continue a fit that was interrupted.")
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the state of the fit is saved.",
)
def run(
    card: Path, output: Path | None, replicas: str | None, resume: bool, checkpoint_every: float
) -> None:
    """Fits all replicas of the runcard CARD."""
    registry = _registry()
    overrides = {} if replicas is None else {"replicas": replicas}
    runcard = _load(card, registry, overrides)
    _import_engine_quietly()
    _run(runcard, registry, card, output or Path(card.stem), resume, checkpoint_every)


def _run(
    runcard: Any, registry: Registry, card: Path, path: Path, resume: bool, seconds: float
) -> None:
    from rich.console import Console

    from replicafit.display import Display, status_line, summary_table
    from replicafit.export.folder import FitFolder
    from replicafit.fit import Output, fit

    console, folder = Console(), FitFolder(path)
    if not resume:
        folder.refuse_if_taken()
    replicas = len(runcard.replicas.numbers)
    display = Display(console, replicas, runcard.training.max_steps)
    try:
        with display, _one_blas_thread():
            written = fit(runcard, registry, card, Output(folder, resume, seconds), display)
    except KeyboardInterrupt:
        done = len(folder.finished())
        further = " Continue with --resume." if folder.run_file.exists() else ""
        click.echo(
            f"Interrupted: {done} of {replicas} replicas are finished, in '{path}'.{further}"
        )
        sys.exit(INTERRUPTED)
    results = [folder.result(number) for number in written]
    console.print(summary_table(results))
    console.print(f"{status_line(results)}, in '{path}'", markup=False)


def _one_blas_thread() -> AbstractContextManager[Any]:
    """Linear algebra on the host in one thread: batches are prepared while others train.

    Threads that wait for a busy core cost far more than they bring (decision 0006).
    """
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limited


def _import_engine_quietly() -> None:
    """Starts Keras and its backend without their start-up notes, unless that fails.

    The notes are written by C++ straight to file descriptor 2, before any log level acts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            importlib.import_module("replicafit.fit")
            importlib.import_module("replicafit.training.backend").seam().describe()
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@commands.command()
@RUNCARD
def check(card: Path) -> None:
    """Checks the runcard CARD and shows it with all defaults filled in."""
    import yaml

    from replicafit.data import load_data
    from replicafit.runcard import canonical, canonical_hash

    registry = _registry()
    runcard = _load(card, registry, {})
    data = load_data(runcard.data.datasets, registry, card.parent)
    click.echo(yaml.safe_dump(canonical(runcard), sort_keys=False, width=100), nl=False)
    click.echo(f"\nhash {canonical_hash(runcard)}")
    for dataset in data.datasets:
        click.echo(f"{dataset.name:40s} {dataset.n_data:6d} data")
    click.echo(f"{'all':40s} {data.n_data:6d} data on {len(data.x_grid)} grid points")


@commands.command()
@RUNCARD
@click.option("--replicas", type=click.IntRange(min=2), default=4, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), default=1000, show_default=True)
def verify(card: Path, replicas: int, steps: int) -> None:
    """Tests the independence law on the runcard CARD: replicas alone, together, beside bad ones."""
    registry = _registry()
    runcard = _load(card, registry, {})
    _import_engine_quietly()
    from rich.console import Console

    from replicafit.display import verdict_table
    from replicafit.verify import verify as verified

    with _one_blas_thread():
        cases = verified(runcard, registry, card.parent, replicas, steps)
    Console().print(verdict_table(cases))
    if not all(case.holds for case in cases):
        click.echo("The independence law is broken.", err=True)
        sys.exit(1)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def plugins(as_json: bool) -> None:
    """Lists the plugins and the components they provide."""
    registry = load_registry()
    if as_json:
        click.echo(json.dumps(_plugin_list(registry), indent=1))
        return
    for plugin in registry.plugins:
        click.echo(f"{plugin.name} ({plugin.distribution} {plugin.version})")
        for component in plugin.components:
            kind = KINDS[type(component)]
            click.echo(f"    {kind:15s} {component.name:15s} {component.summary}")
    _warn_of_broken(registry)


def _plugin_list(registry: Registry) -> list[dict[str, Any]]:
    loaded = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "module": plugin.module,
            "status": "loaded",
            "components": [
                {"kind": KINDS[type(c)], "name": c.name, "summary": c.summary}
                for c in plugin.components
            ],
        }
        for plugin in registry.plugins
    ]
    broken = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "status": "broken",
            "reason": plugin.reason,
        }
        for plugin in registry.broken
    ]
    return [*loaded, *broken]


@commands.command()
def schema() -> None:
    """Prints the JSON Schema of runcards, installed plugins included."""
    from replicafit.runcard import runcard_type

    click.echo(json.dumps(runcard_type(_registry()).model_json_schema(), indent=1))


def _registry() -> Registry:
    registry = load_registry()
    _warn_of_broken(registry)
    return registry


def _warn_of_broken(registry: Registry) -> None:
    for plugin in registry.broken:
        click.echo(
            f"Warning: plugin '{plugin.name}' of '{plugin.distribution}' did not load: "
            f"{plugin.reason}",
            err=True,
        )


def _load(card: Path, registry: Registry, overrides: dict[str, Any]) -> Any:
    from replicafit.runcard import load_runcard

    return load_runcard(card, registry, overrides)
