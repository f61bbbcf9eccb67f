"""Dask's workers, through Dask's own executor."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from replicafit.execution.orders import BatchOrder, Refused, Report, worker_name
from replicafit.execution.work import train_batch
from replicafit.execution.workers import Workers

from replicafit.errors import ExecutionError

SECONDS_TO_CONNECT = 10.0
INSTALL = "Dask is not installed: pip install 'replicafit[dask]'."


def train_on_worker(order: BatchOrder) -> Report:
    """``train_batch``, on a worker that has time for one batch only."""
    from distributed import get_worker

    threads = get_worker().state.nthreads
    if threads == 1:
        return train_batch(order)
    return Refused(
        f"The worker on {worker_name()} has {threads} threads, and a batch needs all its cores. "
        "Start it with --nthreads 1."
    )


@contextmanager
def dask_workers(address: str, name: str, resources: Mapping[str, float]) -> Iterator[Workers]:
    """The workers of the scheduler at ``address``.

    Args:
        address: a URL, or the path of a scheduler file.
        name: as on the command line.
        resources: of Dask, that each batch takes.

    Raises:
        ExecutionError: nobody answers there.
    """
    client = _client(address, name)
    news: SimpleQueue[str] = SimpleQueue()
    client.subscribe_topic("all", lambda event: _pass_on(event[1], news))
    executor = client.get_executor(pure=False, resources=dict(resources) or None)
    hint = f"Start workers with: dask worker {address} --nthreads 1"
    try:
        yield Workers(
            executor=executor,
            name=name,
            count=lambda: len(client.scheduler_info(n_workers=-1)["workers"]),
            hint=hint,
            work=train_on_worker,
            beyond_help=(_killed_worker(),),
            news=news,
        )
    finally:
        executor.shutdown(wait=False)
        if client.status == "running":
            client.unsubscribe_topic("all")  # else the scheduler logs that nobody listens
        client.close()


@contextmanager
def local_dask_workers(count: int, name: str, resources: Mapping[str, float]) -> Iterator[Workers]:
    """A scheduler and ``count`` workers here, for as long as they are needed."""
    try:
        from distributed import LocalCluster
    except ImportError:
        raise ExecutionError(INSTALL) from None
    with (
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            resources=dict(resources),
            dashboard_address=None,
            preload="replicafit.execution.deaf",
            silence_logs=logging.ERROR,
        ) as cluster,
        dask_workers(cluster.scheduler_address, name, resources) as workers,
    ):
        yield workers


def _client(address: str, name: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ExecutionError(INSTALL) from None
    given = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        return Client(**given, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as cause:
        raise ExecutionError(
            f"No Dask scheduler answers at '{address}' within {SECONDS_TO_CONNECT:g} s ({cause}). "
            f"Start one with 'dask scheduler', and workers with 'dask worker {address} --nthreads "
            f"1', or correct --executor {name}."
        ) from None


def _killed_worker() -> type[BaseException]:
    from distributed.scheduler import KilledWorker

    killed: type[BaseException] = KilledWorker
    return killed


def _pass_on(event: Mapping[str, Any], news: SimpleQueue[str]) -> None:
    """What the scheduler tells of workers that come and go."""
    worker, action = event.get("worker"), event.get("action")
    if action == "add-worker":
        news.put(f"The worker at {worker} joined.")
    elif action == "remove-worker":
        lost = event.get("processing-tasks")
        more = " Another one takes over its batch." if lost else ""
        news.put(f"The worker at {worker} left.{more}")
