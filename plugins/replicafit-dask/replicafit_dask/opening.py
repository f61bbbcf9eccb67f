"""From ``--executor dask:ADDRESS`` to an executor; light: a wrong address is told at once."""

from __future__ import annotations

import json
import logging
import math
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from replicafit.plugin import ExecutionError, UnreadableError, read_text

if TYPE_CHECKING:
    from replicafit.plugin import Executor
    from replicafit_dask.executor import DaskExecutor

SECONDS_TO_CONNECT = 5.0
MOST_BYTES = 2**20
"""Of a scheduler file."""
MOST_WORKERS = 1000
"""Of ``local:N``."""
INSTALL = "Dask is not installed. In a clone of replicafit: pip install -e plugins/replicafit-dask."


@contextmanager
def open_executor(address: str) -> Iterator[Executor]:
    """The executor that ``--executor dask:ADDRESS`` names.

    Args:
        address: ``local:N``, a URL or the path of a scheduler file; then ``?RESOURCE=AMOUNT``,
            of Dask, that each task takes.

    Raises:
        ExecutionError: it is none of these, or nobody answers there.
    """
    place, _, asked = address.partition("?")
    name, resources = f"dask:{address}", _resources(asked, address)
    kind, _, count = place.partition(":")
    if kind != "local":
        if not place:
            raise ExecutionError(
                "dask alone says nobody: give dask:local:N, dask:tcp://HOST:PORT or dask:FILE."
            )
        with _connected(place, name, resources) as executor:
            yield executor
        return
    if not (count.isdecimal() and len(count) < 9 and 1 <= int(count) <= MOST_WORKERS):
        raise ExecutionError(
            f"'{name}': give dask:local:N, N the number of workers, at most {MOST_WORKERS}."
        )
    try:
        from distributed import LocalCluster
    except ImportError:
        raise ExecutionError(INSTALL) from None
    with (
        LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            resources=dict(resources),
            dashboard_address=None,
            preload="replicafit_dask.task",
            silence_logs=logging.ERROR,
        ) as cluster,
        _connected(cluster.scheduler_address, name, resources, "lanes:1") as executor,
    ):
        yield executor


@contextmanager
def _connected(
    address: str, name: str, resources: Mapping[str, float], lanes: str = "lanes"
) -> Iterator[DaskExecutor]:
    """The workers of the scheduler at ``address``, a URL or the path of a scheduler file."""
    client = _client(address, name)
    news: SimpleQueue[str] = SimpleQueue()
    client.subscribe_topic("all", lambda event: _pass_on(event[1], news))
    from replicafit_dask.executor import DaskExecutor

    executor = client.get_executor(pure=False, resources=dict(resources) or None)
    given = " ".join(f"{key}={amount:g}" for key, amount in resources.items())
    hint = f"Start workers with: dask worker {address} --nthreads 1"
    hint += f' --resources "{given}"' * bool(given)
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)  # that a connection is lost is said in words
    try:
        yield DaskExecutor(name, client, executor, hint, resources, lanes, news)
    finally:
        executor.shutdown(wait=False)
        if client.status == "running":
            client.unsubscribe_topic("all")  # else the scheduler logs that nobody listens
        client.close()
        log.setLevel(level)


def _client(address: str, name: str) -> Any:
    url = address if "://" in address else _address_in(Path(address))
    try:
        from distributed import Client
    except ImportError:
        raise ExecutionError(INSTALL) from None
    try:
        _refuse_silent(url)
        return Client(url, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except Exception as cause:  # Dask raises anything for what is no address
        raise ExecutionError(
            f"No Dask scheduler answers at '{address}' within {SECONDS_TO_CONNECT:g} s ({cause}). "
            f"Start one with 'dask scheduler', and workers with 'dask worker {address} --nthreads "
            f"1', or correct --executor {name}."
        ) from None


def _refuse_silent(url: str) -> None:
    """Raises OSError or ValueError if nobody listens at ``url``: Dask's client, once it has waited
    in vain, waits again as it is thrown away, and ends in a traceback.
    """
    parts = urlsplit(url)
    if parts.scheme in ("tcp", "tls", "ws", "wss"):
        if not parts.hostname or not parts.port:
            raise ValueError(f"give {parts.scheme}://HOST:PORT")
        socket.create_connection((parts.hostname, parts.port), SECONDS_TO_CONNECT).close()


def _address_in(file: Path) -> str:
    """The address in a scheduler file.

    Raises:
        ExecutionError: it is missing, or something else.
    """
    try:
        return str(json.loads(read_text(file, MOST_BYTES))["address"])
    except FileNotFoundError:
        why = "it is not there"
    except UnreadableError as cause:
        why = str(cause)
    except (ValueError, KeyError, TypeError, RecursionError):
        why = "it has no address of a scheduler"
    raise ExecutionError(
        f"The scheduler file '{file}' cannot be used: {why}. 'dask scheduler --scheduler-file "
        f"{file}' writes it; or give dask:tcp://HOST:PORT or dask:local:N."
    )


def _resources(asked: str, address: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in asked.split("&") if part]
        found = {key: float(amount) for key, amount in pairs}
        if all(0 < amount < math.inf for amount in found.values()):
            return found
        raise ValueError
    except ValueError:
        raise ExecutionError(
            f"dask:{address}: after '?' stands RESOURCE=AMOUNT, such as ?GPU=1; not '{asked}'."
        ) from None


def _pass_on(event: Mapping[str, Any], news: SimpleQueue[str]) -> None:
    """What the scheduler says of workers that come and go."""
    worker, action = event.get("worker"), event.get("action")
    if action == "remove-worker" and event.get("processing-tasks"):
        news.put(f"The worker at {worker} left. Its replicas wait for another one.")
