"""``replicafit.fit``: the recipe of a fit, from a runcard to a folder of replicas.

The command ``run`` calls it too. Keras is imported in the middle, once the runcard is known to be
good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from replicafit.errors import OutputError, RuncardError
from replicafit.execution.executors import Executor, executor_for
from replicafit.execution.observers import FitBeginning, Observer, Observers, ProgressLog
from replicafit.execution.starting import import_engine_quietly, one_blas_thread
from replicafit.forward.fit_data import load_data
from replicafit.results.folder import FitFolder
from replicafit.runcard import Override, Setup, load_setup, setup_of

if TYPE_CHECKING:
    from replicafit.results.fit import Fit


def fit(
    card: str | Path | Mapping[str, Any] | Setup,
    *,
    output: str | Path | None = None,
    replicas: int | str | None = None,
    settings: Mapping[str, Any] | None = None,
    observer: Observer | Sequence[Observer] = (),
    executor: str | Executor | None = None,
    resume: bool = False,
    checkpoint_every: float = 30.0,
) -> Fit:
    """Fits all replicas of a runcard and writes each as soon as it is finished.

    Args:
        card: a runcard's file, its content as a mapping, or what ``load_setup`` gives.
        output: the fit's folder, new or empty unless the fit resumes; by default one of the
            runcard's name, here. It is made once the runcard, its data and its network are known
            to be good.
        replicas: in place of the runcard's: a count, or ``"1-10"``.
        settings: values by dotted key in place of the runcard's.
        observer: who is told how the fit goes on.
        executor: who trains: one, or as ``--executor`` takes it; by default lanes on all cores.
        resume: continue the fit in ``output``, begun with the same runcard.
        checkpoint_every: seconds between two checkpoints.

    Returns:
        The fit with all replicas that are written, those of earlier runs included. Some may be
        missing if an executor gave them up, of which observers heard.

    Raises:
        ReplicafitError: the runcard, its data or the folder cannot be used.
    """
    begun = time.perf_counter()
    each = [observer] if isinstance(observer, Observer) else list(observer)
    watching = Observers(each)
    setup = _setup(card, replicas, settings)
    folder = FitFolder(Path(output) if output is not None else _default_folder(setup))
    if not resume:
        folder.refuse_if_taken()
    with ExitStack() as stack:
        stack.enter_context(one_blas_thread())
        who = executor
        if not isinstance(who, Executor):
            who = stack.enter_context(executor_for(who, setup.registry, watching.warning))
        watching.phase("Reading data")
        data = load_data(setup)
        watching.phase("Starting Keras")
        import_engine_quietly()
        from replicafit.execution.fitting import FitInFolder

        running = FitInFolder.begin(setup, data, folder, watching, resume, checkpoint_every, begun)
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


def _setup(
    card: str | Path | Mapping[str, Any] | Setup,
    replicas: int | str | None,
    settings: Mapping[str, Any] | None,
) -> Setup:
    changes = dict(settings or {}) | ({} if replicas is None else {"replicas": replicas})
    if isinstance(card, Setup):
        if changes:
            raise RuncardError("A setup is complete: give settings and replicas to load_setup.")
        return card
    if isinstance(card, Mapping):
        content = deepcopy(dict(card))
        for key, value in changes.items():
            *above, last = key.split(".")
            inner: Any = content
            for name in above:
                inner = inner[int(name)] if isinstance(inner, list) else inner.setdefault(name, {})
            inner[int(last) if isinstance(inner, list) else last] = value
        return setup_of(content)
    overrides = [
        Override.yaml(f"settings['{key}']", key, yaml.safe_dump(value))
        for key, value in changes.items()
    ]
    return load_setup(Path(card), overrides)


def _default_folder(setup: Setup) -> Path:
    if setup.card is None:
        raise OutputError("Where is the fit to be written? Give output.")
    return Path(setup.card.stem)
