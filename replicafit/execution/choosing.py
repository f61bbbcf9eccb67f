"""``--executor``: from what is written there to the workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from replicafit.errors import ExecutionError
from replicafit.execution.starting import import_engine_quietly
from replicafit.execution.versions import versions_of
from replicafit.plugins import Registry

if TYPE_CHECKING:
    from replicafit.execution.crew import Crew
    from replicafit.execution.workers import Workers

IN_PROCESS = "in-process"
FORMS = (
    f"{IN_PROCESS}, processes:N, dask:local:N, dask:tcp://HOST:PORT, or dask:FILE for the "
    "scheduler file FILE; after dask: also ?RESOURCE=AMOUNT for Dask resources that a batch takes"
)


@contextmanager
def crew_for(given: str, registry: Registry) -> Iterator[Crew | None]:
    """The workers that ``--executor`` names, until the block ends; None to train in this process.

    Raises:
        ExecutionError: it names none, or they cannot be reached.
    """
    if given == IN_PROCESS:
        yield None
        return
    with workers_for(given) as workers:
        asked = workers.ask(versions_of(registry))
        import_engine_quietly()  # while the worker does
        from replicafit.execution.crew import Crew

        yield Crew(workers, asked)


def workers_for(given: str) -> AbstractContextManager[Workers]:
    """The workers that ``given`` names."""
    kind, _, rest = given.partition(":")
    rest, _, query = rest.partition("?")
    if kind == "processes" and not query:
        return _processes(_count(rest, given), given)
    if kind != "dask" or not rest:
        raise ExecutionError(f"Invalid value for --executor: '{given}'. Give {FORMS}.")
    from replicafit_dask.workers import dask_workers, local_dask_workers

    resources = {name: _amount(value, given) for name, value in parse_qsl(query)}
    if rest.startswith("local:"):
        return local_dask_workers(_count(rest.removeprefix("local:"), given), given, resources)
    return dask_workers(rest, given, resources)


@contextmanager
def _processes(count: int, given: str) -> Iterator[Workers]:
    from replicafit.execution.processes import PinnedProcesses, places
    from replicafit.execution.workers import Workers

    executor = PinnedProcesses(places(count))
    try:
        yield Workers(executor, given, count=lambda: count)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _count(text: str, given: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ExecutionError(
            f"Invalid value for --executor: '{given}'. How many workers? Give {FORMS}."
        )
    return int(text)


def _amount(text: str, given: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ExecutionError(
            f"Invalid value for --executor: '{given}': '{text}' is no amount. Give {FORMS}."
        ) from None
