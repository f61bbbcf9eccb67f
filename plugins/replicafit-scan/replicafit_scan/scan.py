"""The recipe of a scan: generations of points, in groups of one architecture each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from replicafit.plugin import (
    ExecutionError,
    Override,
    ReplicafitError,
    import_engine_quietly,
    load_setup,
    one_blas_thread,
)
from replicafit_scan.objective import Outcome
from replicafit_scan.results import write_results
from replicafit_scan.space import Point, Space, groups
from replicafit_scan.study import Study, copied, twins

if TYPE_CHECKING:
    from replicafit_scan.trials import Trials


class Watcher(Protocol):
    """Who watches a scan."""

    def generation(self, points: int, architectures: int) -> None:
        """So many points are tried next."""

    def trial(self, outcome: Outcome) -> None:
        """A trial has ended and is kept."""


@dataclass(frozen=True)
class Order:
    """Points that share an architecture: what one worker is given to do. It can be pickled."""

    card: Path
    overrides: tuple[Override, ...]
    points: tuple[Point, ...]


def carry_out(order: Order) -> list[Outcome]:
    """What becomes of the points of ``order``; for another process."""
    import_engine_quietly()
    from replicafit_scan.trials import Trials

    registry = load_setup(order.card, order.overrides).registry
    trials = Trials(Space(order.card, registry, order.overrides))
    with one_blas_thread():
        return list(trials.carried_out(order.points))


def scan(
    study: Study,
    folder: Path,
    watcher: Watcher,
    trials: Trials,
    executor: Executor | None = None,
) -> None:
    """Tries all points that are left and writes results after each generation.

    Args:
        study: remembers.
        folder: where ``scan.json``, ``best.yml`` and ``ensemble.yml`` are written.
        watcher: is told.
        trials: where trials are carried out in this process.
        executor: who carries groups out instead, side by side.
    """
    write_results(study, folder)
    while points := study.next_points():
        same = twins(points, study.outcomes())
        new, refused = groups([p for p in points if p.number not in same], study.space)
        watcher.generation(len(points), len(new))
        values = {point.number: point.values for point in points}
        for number, reason in refused.items():
            _keep(Outcome.refused(number, values[number], reason), study, watcher)
        for outcome in _outcomes(list(new.values()), trials, executor):
            _keep(outcome, study, watcher)
        known = {outcome.number: outcome for outcome in study.outcomes()}
        for number, twin in same.items():
            outcome = known[twin] if isinstance(twin, int) else twin
            _keep(copied(outcome, number), study, watcher)
        write_results(study, folder)


def _keep(outcome: Outcome, study: Study, watcher: Watcher) -> None:
    study.tell(outcome)
    watcher.trial(outcome)


def _outcomes(
    each: Sequence[Sequence[Point]], trials: Trials, executor: Executor | None
) -> Iterator[Outcome]:
    """Groups one after another here, or side by side elsewhere, each as soon as it is done."""
    if executor is None:
        done: Iterable[Iterable[Outcome]] = map(trials.carried_out, each)
    else:
        space = trials.space
        orders = [Order(space.card.resolve(), space.overrides, tuple(points)) for points in each]
        done = map(_answer, as_completed([executor.submit(carry_out, o) for o in orders]))
    for outcomes in done:
        yield from outcomes


def _answer(future: Future[list[Outcome]]) -> list[Outcome]:
    """What a worker says.

    Raises:
        ExecutionError: nothing, as it died or cannot be reached.
    """
    try:
        return future.result()
    except ReplicafitError:
        raise
    except Exception as cause:  # those of Dask and of the worker
        raise ExecutionError(
            f"A worker could not try its trials ({type(cause).__name__}: {cause}). All that have "
            "ended are kept: continue with --resume."
        ) from None
