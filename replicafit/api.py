"""``replicafit.fit``: the recipe of a fit, from a runcard to a folder of replicas.

The command ``run`` calls it too. Keras is imported in the middle, once the runcard is known to be
good.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import yaml

from replicafit.components import Exporter
from replicafit.data import FitData
from replicafit.data.given import given_datasets
from replicafit.errors import OutputError, RuncardError
from replicafit.execution.executors import Executor, executor_for
from replicafit.execution.observers import FitBeginning, Observer, Observers, ProgressLog
from replicafit.execution.outline import fit_lines, misspelt_lines
from replicafit.execution.starting import import_engine_quietly, one_blas_thread
from replicafit.forward.assembly import load_data
from replicafit.forward.planning import NetworkPlan, plan_networks
from replicafit.results.folder import FitFolder
from replicafit.runcard import Override, Setup, canonical, canonical_hash, load_setup

if TYPE_CHECKING:
    from replicafit.results.fit import Fit


def fit(
    card: str | Path | Mapping[str, Any] | Setup,
    *,
    data: Mapping[str, Any] | None = None,
    output: str | Path | None = None,
    replicas: int | str | None = None,
    settings: Mapping[str, Any] | None = None,
    observer: Observer | Sequence[Observer] | None = None,
    executor: str | Executor | None = None,
    resume: bool = False,
    refit: int | Collection[int] = (),
    checkpoint_every: float = 30.0,
) -> Fit:
    """Fits all replicas of a runcard and writes each as soon as it is finished.

    Args:
        card: a runcard: the path of its file, YAML text of several lines, or a mapping; or what
            ``load_setup`` gives.
        data: by the name of a dataset what was measured: a ``Dataset``; x, y and error; or a
            mapping or pandas frame with these columns (``replicafit.data.given``). The fit keeps
            them in files of its folder, and its runcard names them there; they come after those
            of the card, unless it places them by ``{type: given, name: NAME}``.
        output: the fit's folder; by default a temporary one, until the process ends, which
            ``Fit.save`` keeps. It is made once the runcard, its data and its network are known to
            be good. A fit that is there already is joined by replicas that it lacks.
        replicas: in place of the runcard's: a count, or ``"1-10"``.
        settings: values by dotted key in place of the runcard's.
        observer: who is told how the fit goes on, ``()`` for nobody; by default there is a bar on
            terminals and in notebooks.
        executor: who trains: one, or as ``--executor`` takes it; by default lanes on all cores.
        resume: continue the fit in ``output``, begun with the same runcard.
        refit: replica numbers of the fit in ``output``, or one, to fit again.
        checkpoint_every: seconds between two checkpoints.

    Returns:
        The fit, over the replicas that count, those of earlier runs included. Some may be missing
        if an executor gave them up, of which observers heard.

    Raises:
        ReplicafitError: the runcard, its data or the folder cannot be used.
        KeyboardInterrupt: with all that is finished kept in the folder, and that said.
    """
    begun = time.perf_counter()
    refit = frozenset(refit if isinstance(refit, Iterable) else [refit])
    folder = FitFolder(Path(output) if output is not None else _temporary())
    setup = _setup(
        card,
        data,
        replicas,
        settings,
        folder.path,
        folder.plugin_files() if resume or refit else None,
    )
    asked = setup.runcard.replicas.numbers
    if foreign := refit.difference(asked):
        raise OutputError(
            f"Replica {min(foreign)} cannot be fitted again: the runcard has {asked[0]} to "
            f"{asked[-1]}. Give one of them, or other --replicas."
        )
    if resume or refit:
        folder.refuse_if_empty()
    else:
        folder.refuse_if_taken(asked)
    with ExitStack() as stack:
        if observer is None:
            observer = stack.enter_context(_shown(folder, setup.runcard.replicas.wanted))
        watching = Observers([observer] if isinstance(observer, Observer) else list(observer))
        stack.enter_context(one_blas_thread())
        who = executor
        if not isinstance(who, Executor):
            who = stack.enter_context(executor_for(who, setup.registry, watching.warning))
        watching.phase("Reading data")
        found = _data(setup)
        for line in misspelt_lines(found):
            watching.warning(line)
        watching.phase("Starting Keras")
        if not import_engine_quietly():
            watching.warning(
                "Keras has computed in this process before the fit, and keeps the threads it began "
                "with: the last digits may differ from those of a fit in a fresh process."
            )
        from replicafit.execution.fitting import FitInFolder

        running = FitInFolder.begin(setup, found, folder, watching, refit, checkpoint_every, begun)
        who.ready(setup, watching.warning)
        running.write_folder(who)
        watching.each.append(ProgressLog(folder.progress_file, watching.warning))
        watching.fit_begins(
            FitBeginning(
                folder.path,
                setup.runcard.replicas.wanted,
                setup.runcard.training.max_steps,
                dict(running.sink.tally.over),
            )
        )
        with running.sink.open():
            while numbers := running.due():
                who.train(running.plans, numbers, running.sink)
                running.refuse_missing(numbers)
                running.note(who)
        return running.complete(who)


@contextmanager
def _shown(folder: FitFolder, wanted: int) -> Iterator[Observer]:
    """A bar and the verdict on terminals and in notebooks, elsewhere a warning if the fit is bad;
    and what becomes of an interrupted fit.
    """
    from rich.console import Console

    from replicafit.execution.display import NOT_COMPLETE, Display, verdict_lines

    console = Console(stderr=True)
    with Display(console, quiet=not (console.is_terminal or console.is_jupyter)) as display:
        try:
            yield display
        except KeyboardInterrupt:
            display.close()
            console.print(
                f"Interrupted: {len(folder.finished())} of {wanted} replicas are finished, in "
                f"'{folder.path}': replicafit.load_fit has them, and replicafit.fit goes on with "
                "that output and resume=True.",
                markup=False,
            )
            raise
        display.close()
        verdict = folder.run().verdict
        if not display.quiet:
            console.print("\n".join(verdict_lines(verdict) or [NOT_COMPLETE]), markup=False)
        elif verdict is not None and not verdict.good:
            display.warning(f"the fit is bad: {verdict.says}.")


def check(
    card: str | Path | Mapping[str, Any] | Setup,
    *,
    data: Mapping[str, Any] | None = None,
    replicas: int | str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FitPlan:
    """Checks a runcard and its data, without Keras, and says how it would be fitted.

    Args:
        card, data, replicas, settings: as for ``fit``.

    Raises:
        ReplicafitError: the runcard or its data cannot be used.
    """
    setup = _setup(card, data, replicas, settings, Path())
    found = _data(setup)
    with one_blas_thread():
        networks = plan_networks(setup, found, setup.runcard.replicas.numbers)
    return FitPlan(setup, found, tuple(networks))


@dataclass(frozen=True, eq=False)
class FitPlan:
    """How a runcard would be fitted; ``str`` of it says so in words.

    Attributes:
        setup: what is fitted.
        data: of it.
        networks: the plan of each architecture.
    """

    setup: Setup
    data: FitData
    networks: tuple[NetworkPlan, ...]

    @property
    def runcard(self) -> dict[str, Any]:
        """The runcard with all defaults filled in."""
        return canonical(self.setup.runcard)

    @property
    def hash(self) -> str:
        """SHA-256 of that: equal for cards that mean the same fit."""
        return canonical_hash(self.setup.runcard)

    @property
    def n_data(self) -> dict[str, int]:
        """How many data of each dataset are fitted."""
        return {dataset.name: dataset.n_data for dataset in self.data.datasets}

    @property
    def unknown(self) -> tuple[str, ...]:
        """What only a fit can tell: layers that do not say their size."""
        return tuple(dict.fromkeys(name for plan in self.networks for name in plan.unknown))

    def describe(self) -> dict[str, Any]:
        """As plain data, for programs: what ``replicafit check --json`` prints."""
        parts = ((self.data, False), (self.data.held_out, True))
        return {
            "title": self.setup.runcard.title,
            "hash": self.hash,
            "replicas": self.setup.runcard.replicas.wanted,
            "inputs": [one.record() for one in self.data.inputs],
            "functions": list(self.data.flavours),
            "attributes": dict(self.data.attributes),
            "n_data": self.data.n_data,
            "grid_points": len(self.data.x_grid),
            "datasets": [
                {
                    "name": dataset.name,
                    "n_data": dataset.n_data,
                    "n_measured": self.data.n_measured[dataset.name],
                    "held_out": held_out,
                }
                for part, held_out in parts
                for dataset in (() if part is None else part.datasets)
            ],
            "plans": [plan.describe() for plan in self.networks],
            "only_a_fit_can_tell": list(self.unknown),
        }

    def __str__(self) -> str:
        return "\n".join(fit_lines(self))

    def __repr__(self) -> str:
        replicas = self.setup.runcard.replicas.wanted
        return f"<FitPlan: {self.data.n_data} data, {replicas} replicas>"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return f"<pre>{escape(str(self))}</pre>"


def _data(setup: Setup) -> FitData:
    """The data of ``setup``, of which its exporters say that they can export the fit."""
    found, card = load_data(setup), canonical(setup.runcard)
    for name in setup.runcard.export:
        exporter = setup.registry.get(Exporter, name)
        if exporter.check is not None:
            exporter.call("check", card, found.attributes, when="for this runcard")
    return found


def _setup(
    card: str | Path | Mapping[str, Any] | Setup,
    data: Mapping[str, Any] | None,
    replicas: int | str | None,
    settings: Mapping[str, Any] | None,
    folder: Path,
    recorded: Mapping[str, str] | None = None,
) -> Setup:
    """The setup of what ``fit`` is given; ``folder`` is that of the fit."""
    changes = dict(settings or {}) | ({} if replicas is None else {"replicas": replicas})
    if isinstance(card, Setup):
        if changes or data:
            raise RuncardError("A setup is complete: give settings and data to load_setup.")
        return card
    overrides = [
        Override.yaml(f"settings['{key}']", key, _yaml(value)) for key, value in changes.items()
    ]
    text = card if isinstance(card, str) and "\n" in card else None
    if isinstance(card, Mapping):
        text = _yaml(dict(card))
    elif not isinstance(card, str | Path):
        raise RuncardError(
            "A runcard is the path of a YAML file, YAML text of several lines, or a mapping; "
            f"given: a {type(card).__name__}."
        )
    path = Path("runcard") if text is not None else Path(str(card))
    given = given_datasets(data or {})
    return load_setup(path, overrides, None, recorded, text=text, given=given, given_folder=folder)


class _Dumper(yaml.SafeDumper):
    """Writes paths and numbers of numpy, too."""


_Dumper.add_multi_representer(Path, lambda dumper, path: dumper.represent_str(str(path)))
_Dumper.add_multi_representer(
    cast(Any, np.generic), lambda dumper, number: dumper.represent_data(number.item())
)


def _yaml(content: Any) -> str:
    """``content`` of a runcard as YAML.

    Raises:
        RuncardError: something in it is no such content.
    """
    try:
        return yaml.dump(content, Dumper=_Dumper, sort_keys=False)
    except yaml.representer.RepresenterError as cause:
        kind = type(cause.args[-1]).__name__
        raise RuncardError(
            f"A runcard holds mappings, lists, text, numbers and true or false, but here is a "
            f"{kind}. Arrays and frames belong into data."
        ) from None


def _temporary() -> Path:
    """A folder that lives as long as the process."""
    folder = tempfile.mkdtemp(prefix="replicafit-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "fit"
