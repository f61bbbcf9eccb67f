"""The commands: the only place that prints, exits, or catches ``ReplicafitError``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import click

from replicafit.components import Exporter
from replicafit.errors import OutputError, PluginError, ReplicafitError
from replicafit.execution import IN_PROCESS, crew_for
from replicafit.execution.starting import import_engine_quietly, one_blas_thread
from replicafit.plugins import Choice, Registry, load_registry

RUNCARD = click.argument("card", metavar="CARD", type=click.Path(path_type=Path, dir_okay=False))
INTERRUPTED = 130


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _several(*decorators: Decorator) -> Decorator:
    """One decorator of several."""
    return lambda command: reduce(lambda made, each: each(made), reversed(decorators), command)


OVERRIDES = _several(
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="A value in place of the runcard's, such as training.max_steps=500; repeatable. KEY "
        "is dotted, a position in a list by its number from 0 (model.layers.1.units); VALUE is "
        "YAML. Relative paths in it are relative to the current folder.",
    ),
    click.option("--seed", metavar="N", help="In place of the runcard's seed."),
    click.option(
        "--replicas",
        metavar="1-10",
        help="A count, or a first and last replica number, in place of the runcard's.",
    ),
)
"""Options that take the place of the runcard's keys."""


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
    registry = _registry(card)
    runcard = _load(card, registry, _overrides(settings, seed, replicas, t0))
    with crew_for(executor, registry) as crew:
        import_engine_quietly()
        from replicafit.export.folder import FitFolder
        from replicafit.fit import Output

        written = Output(FitFolder(output or Path(card.stem)), resume, checkpoint_every)
        more = _more_watchers(runcard, written, tensorboard)
        _run(runcard, registry, card, written, crew, more, quiet)


def _more_watchers(runcard: Any, output: Any, tensorboard: bool) -> list[Any]:
    """Who watches a fit beside the display and progress.jsonl."""
    if not tensorboard:
        return []
    from replicafit.tensorboard import TensorBoardLog, require_tensorboard

    require_tensorboard()
    return [TensorBoardLog(output.folder.path / "tensorboard", _tally(runcard, output))]


def _overrides(
    settings: tuple[str, ...], seed: str | None, replicas: str | None, t0: str | None = None
) -> list[Any]:
    """What the command line says in place of the runcard."""
    from replicafit.runcard import Override

    found = [Override.setting(given) for given in settings]
    for key, text in (("seed", seed), ("replicas", replicas)):
        found += [] if text is None else [Override.yaml(f"--{key}", key, text)]
    return found + ([] if t0 is None else [Override.text("--t0", "data.t0", t0)])


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

    from replicafit.display import Display, selection_lines, status_line, summary_table
    from replicafit.fit import fit
    from replicafit.progress import ProgressLog, Watchers

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
        sys.exit(1)


def _tally(runcard: Any, output: Any) -> Any:
    """Counts the replicas of a fit, beginning with what earlier runs have written."""
    from replicafit.progress import Tally

    folder = output.folder
    written = set(folder.finished()) & set(runcard.replicas.numbers) if output.resume else set()
    over = {number: folder.result(number)["status"] for number in sorted(written)}
    return Tally(runcard.replicas.wanted, runcard.training.max_steps, over)


@commands.command()
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

    from replicafit.forward.fit_data import data_of
    from replicafit.outline import plan_lines
    from replicafit.penalties.assembly import with_penalty_grids
    from replicafit.planning import measured_machine, plan_networks
    from replicafit.runcard import canonical, canonical_hash

    registry = _registry(card)
    runcard = _load(card, registry, _overrides(settings, seed, replicas))
    data = data_of(runcard, registry, card.parent)
    data = with_penalty_grids(data, runcard, registry, card.parent)
    click.echo(yaml.safe_dump(canonical(runcard), sort_keys=False, width=100), nl=False)
    click.echo(f"\nhash {canonical_hash(runcard)}")
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


@commands.command()
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

    from replicafit.export.folder import FitFolder

    exporter = _format(_registry(), format_name)
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


@commands.command()
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
    registry = _registry(card)
    runcard = _load(card, registry)
    import_engine_quietly()
    from rich.console import Console

    from replicafit.display import verdict_table
    from replicafit.verify import verify as verified

    with one_blas_thread():
        cases = verified(runcard, registry, card.parent, replicas, steps)
    Console().print(verdict_table(cases))
    if not all(case.holds for case in cases):
        click.echo("The independence law is broken.", err=True)
        sys.exit(1)


@commands.command()
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
    default=IN_PROCESS,
    show_default=True,
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
    from replicafit.scan import refuse_unless_free, require_optuna

    require_optuna()
    folder = output or Path(f"{card.stem}-scan")
    overrides = tuple(_overrides(settings, seed, replicas))
    registry = _registry(card)
    _load(card, registry, overrides)
    if not resume:
        refuse_unless_free(folder)
    with crew_for(executor, registry) as crew:
        import_engine_quietly()
        from replicafit.scan.space import Space

        if crew is not None:
            crew.capacity(click.echo)  # refuses workers with other versions
        workers = None if crew is None else crew.workers.executor
        _scan(Space(card, registry, overrides), folder, storage, resume, workers, quiet)


def _scan(
    space: Any, folder: Path, storage: str | None, resume: bool, workers: Any, quiet: bool
) -> None:
    from rich.console import Console

    from replicafit.scan.display import ScanDisplay, counted, scan_table
    from replicafit.scan.scan import scan as scanned
    from replicafit.scan.study import journal, open_study
    from replicafit.scan.trials import Workshop

    space.refuse_unless_sound()
    folder.mkdir(parents=True, exist_ok=True)
    study, console = open_study(space, storage or journal(folder), resume), Console()
    display = ScanDisplay(console, space.scan.trials, quiet)
    try:
        with one_blas_thread():
            scanned(study, folder, display, Workshop(space), workers)
    except KeyboardInterrupt:
        done = counted(study.outcomes())
        click.echo(f"Interrupted: {done}, in '{folder}'. Continue with --resume.")
        sys.exit(INTERRUPTED)
    if not quiet:
        outcomes = study.outcomes()
        console.print(scan_table(outcomes, space.scan.objective))
        console.print(f"{counted(outcomes)}, in '{folder}'", markup=False)


FIT = click.Path(path_type=Path, file_okay=False)
AT_Q = click.option(
    "--at-q",
    "scales",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    metavar="Q",
    help="A scale in GeV to show functions at, evolved by a plugin; repeatable. By default, "
    "a report shows 100 beside q0, a comparison the q0 of the fits.",
)


@commands.command()
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
    from replicafit.report import require_libraries

    require_libraries()
    from replicafit.report.page import write_report
    from replicafit.report.scan import is_scan, write_scan_report

    if is_scan(fit):
        click.echo(f"Written: {write_scan_report(fit, output)}")
        return
    click.echo(f"Written: {write_report(fit, output, reference, scales, _registry())}")


@commands.command()
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
    from replicafit.report import require_libraries

    require_libraries()
    from replicafit.report.comparison import write_comparison

    click.echo(f"Written: {write_comparison(fits, output, scales, _registry())}")


@commands.command()
@click.argument("fits", metavar="DIR...", type=FIT, nargs=-1, required=True)
def closure(fits: tuple[Path, ...]) -> None:
    """Tells how well closure tests in DIR... recover their truth: bias, variance, coverage."""
    from rich.console import Console

    from replicafit.closure import closure_fit, summary
    from replicafit.outline import closure_lines, closure_table

    registry = _registry()
    each = [closure_fit(path, registry) for path in fits]
    together = summary(each)
    Console().print(closure_table(each, together))
    click.echo("\n".join(closure_lines(together)))


@commands.command()
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For programs: name, distribution, version, module, file, api_version, hooks, components, "
    "and status: loaded, or broken, then with reason.",
)
@click.option(
    "--check",
    "checked",
    is_flag=True,
    help="Show in full, with tracebacks, what is wrong; also import all code that descriptions "
    "name. Exit code 1 if anything is.",
)
def plugins(as_json: bool, checked: bool) -> None:
    """Lists the plugins and the components they provide."""
    from replicafit.plugin_listing import plugin_faults, plugin_lines, plugin_records

    registry = load_registry(choice=replace(Choice.from_environment(), strict=False))
    if as_json:
        click.echo(json.dumps(plugin_records(registry), indent=1))
    else:
        click.echo("\n".join(plugin_lines(registry)))
    if not checked:
        _warn_of(registry)
        return
    import_engine_quietly()
    faults = plugin_faults(registry)
    for fault in faults:
        click.echo(f"\n{fault}", err=True)
    if faults:
        sys.exit(1)


@commands.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to write; by default replicafit-NAME, here. It must be new or empty.",
)
def new_plugin(name: str, output: Path | None) -> None:
    """Writes a plugin to begin with: a layer type NAME, its tests and a runcard that uses it."""
    from replicafit.new_plugin import Names, write_plugin

    names = Names.of(name, _registry())
    folder = output or Path(names.distribution)
    for file in write_plugin(names, folder):
        click.echo(f"Written: {file}")
    click.echo(f"Next: pip install -e {folder}, then replicafit check {folder / names.card}")


@commands.command()
def schema() -> None:
    """Prints the JSON Schema of runcards, installed plugins included."""
    from replicafit.runcard import runcard_schema

    click.echo(json.dumps(runcard_schema(_registry()), indent=1))


@commands.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """Tells what KEY of a runcard is: type, default, unit, meaning, example.

    KEY is dotted, with the type of a component in the place of its position, such as
    model.layers.multi_dense.units, or the end of that. Without KEY: the keys at the top level.
    """
    from replicafit.runcard.explaining import explain as explained

    click.echo("\n".join(explained(_registry(), key)))


@commands.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", metavar="B", type=click.Path(path_type=Path, dir_okay=False))
def diff(first: Path, second: Path) -> None:
    """Compares what the runcards A and B mean; exit code 1 if they differ."""
    from replicafit.runcard import canonical, compared

    ours, theirs = (canonical(_load(card, _registry(card))) for card in (first, second))
    found = compared(ours, theirs)
    for difference in found:
        values = (json.dumps(value) for value in (difference.ours, difference.theirs))
        click.echo(f"{difference.key}: {' -> '.join(values)}")
    if found:
        sys.exit(1)
    click.echo("Both mean the same fit.")


@commands.command()
@click.argument("card", metavar="CARD", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The new runcard [CARD-migrated.yml]."
)
@click.option(
    "--theory-folder",
    metavar="DIR",
    help="Of NNPDF's theory, with fastkernel; as seen from the new runcard.",
)
def migrate(card: Path, output: Path | None, theory_folder: str | None) -> None:
    """Translates the n3fit runcard CARD into one of ours; tells what it could not carry over."""
    from replicafit.migration import migrated, options_for

    file = output or card.with_name(f"{card.stem}-migrated.yml")
    _refuse_if_there(file)
    done = migrated(_text(card), card.name, options_for(_registry(), theory_folder))
    file.write_text(done.text(), encoding="utf-8")
    click.echo(f"Written: {file}")
    for title, remarks in (("Not exactly", done.changed), ("Left out", done.left_out)):
        click.echo(f"\n{title}:" if remarks else "", nl=bool(remarks))
        for remark in remarks:
            click.echo(f"  {remark.key}: {remark.words}")
    click.echo(f"\nNext: replicafit check {file}")


def _text(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OutputError(f"There is no runcard at '{card}'. Check the path.") from None
    except UnicodeDecodeError:
        raise OutputError(f"'{card}' is no text. Give a runcard of n3fit.") from None


@commands.command()
@click.argument("card", metavar="[FILE]", default="runcard.yml", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Ask nothing.")
def init(card: Path, yes: bool) -> None:
    """Writes a commented runcard to FILE [runcard.yml], and the schema for editors beside it."""
    from replicafit.runcard import runcard_schema, starting

    registry = _registry()
    schema = card.with_suffix(".schema.json")
    for file in (card, schema):
        _refuse_if_there(file)
    start = _start(card, registry, schema.name, ask=not yes)
    card.parent.mkdir(parents=True, exist_ok=True)
    if start.datasets[0].get("path") == starting.EXAMPLE_DATA:
        _write_example(card.parent / starting.EXAMPLE_DATA)
    schema.write_text(json.dumps(runcard_schema(registry), indent=1) + "\n", encoding="utf-8")
    card.write_text(start.text(), encoding="utf-8")
    click.echo(f"Written: {card} and {schema}. Next: replicafit check {card}")


def _start(card: Path, registry: Registry, schema: str, ask: bool) -> Any:
    """What the new card holds, after three questions or none."""
    from replicafit.runcard import starting

    shipped, path, replicas, title = starting.shipped_datasets(registry), "", 20, card.stem
    if ask:
        without = "data that plugins ship" if shipped else "an invented example"
        path = click.prompt(f"Your data, .csv or .npz (none: {without})", "", show_default=False)
        replicas = click.prompt("How many replicas", replicas, type=click.IntRange(min=1))
        title = click.prompt("Title", title)
    example = ({"type": "csv", "path": starting.EXAMPLE_DATA, "error": "error"},)
    datasets = (starting.entry_for(path),) if path else shipped or example
    return starting.Start(title, replicas, datasets, starting.is_physics(datasets), schema)


def _write_example(file: Path) -> None:
    from replicafit.runcard.starting import example_data

    _refuse_if_there(file)
    file.write_text(example_data(), encoding="utf-8")


def _refuse_if_there(file: Path) -> None:
    if file.exists():
        raise OutputError(f"'{file}' exists already. Give another name, or remove it.")


def _registry(card: Path | None = None) -> Registry:
    """The installed plugins, and those that the runcard ``card`` brings along."""
    registry = load_registry()
    _warn_of(registry)
    if card is None:
        return registry
    from replicafit.runcard.local_plugins import registry_for

    return registry_for(card, registry)


def _warn_of(registry: Registry) -> None:
    for problem in registry.problems:
        click.echo(f"Warning: {problem}", err=True)


def _load(card: Path, registry: Registry, overrides: Sequence[Any] = ()) -> Any:
    from replicafit.runcard import load_runcard

    return load_runcard(card, registry, overrides)
