"""A pool of processes, each on cores and a GPU of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from replicafit.errors import ExecutionError

GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Place:
    """Where one process works: ``cores`` by number, and its ``gpu``, if there are any."""

    cores: tuple[int, ...]
    gpu: str | None = None

    def take(self) -> None:
        """Confines this process to it, before a backend is imported; ends it with its parent."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client decides what an interruption is
        if self.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self.cores)
        if self.gpu is not None:
            os.environ[GPUS] = self.gpu
        threading.Thread(target=_end_with_parent, daemon=True).start()


def places(count: int) -> tuple[Place, ...]:
    """``count`` places that share the cores and GPUs that this process may use.

    Raises:
        ExecutionError: there are GPUs, but not for all.
    """
    gpus = _gpus()
    if gpus and count > len(gpus):
        raise ExecutionError(
            f"processes:{count} needs as many GPUs, and here are {len(gpus)}: a GPU trains one "
            f"batch at a time. Give at most processes:{len(gpus)}, or hide them with {GPUS}=''."
        )
    cores = _cores()
    shares = [cores[i * len(cores) // count : (i + 1) * len(cores) // count] for i in range(count)]
    return tuple(
        Place(tuple(share) or (cores[i % len(cores)],), gpus[i] if gpus else None)
        for i, share in enumerate(shares)
    )


class PinnedProcesses(Executor):
    """One process for each place.

    Each is a pool of its own, filled by a thread: when a process dies only its own batch is lost,
    and the next one finds a new process there.
    """

    def __init__(self, where: Sequence[Place]) -> None:
        self._free: SimpleQueue[_Seat] = SimpleQueue()
        self._seats = [_Seat(place) for place in where]
        for seat in self._seats:
            self._free.put(seat)
        self._threads = ThreadPoolExecutor(len(where))

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """``function(*args, **kwargs)`` in the next process that is free."""
        return self._threads.submit(self._do, function, args, kwargs)

    def _do(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        seat = self._free.get()  # as many as threads: there is one
        try:
            return seat.pool().submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            seat.empty()
            raise BrokenProcessPool("the process died: killed, or out of memory") from None
        finally:
            self._free.put(seat)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes, at once without ``wait``."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for seat in self._seats:
            seat.close(kill=not wait)


class _Seat:
    """A place with its process, started when it is needed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._pool: ProcessPoolExecutor | None = None
        self._pid: int | None = None

    def pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # backends do not survive a fork
            self._pool = ProcessPoolExecutor(1, context, initializer=self.place.take)
            self._pid = self._pool.submit(os.getpid).result()
        return self._pool

    def empty(self) -> None:
        self._pool = self._pid = None

    def close(self, kill: bool) -> None:
        pool, pid = self._pool, self._pid
        if kill and pid is not None:
            os.kill(pid, signal.SIGTERM)
        if pool is not None:
            pool.shutdown()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _gpus() -> list[str]:
    """As the CUDA libraries number them; no backend is asked, which would occupy them."""
    if GPUS in os.environ:
        return [name for name in os.environ[GPUS].split(",") if name.strip()]
    return [str(i) for i, _ in enumerate(sorted(Path("/dev").glob("nvidia[0-9]*")))]
