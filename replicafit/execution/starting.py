"""Starts the engine in a process: quietly, and with one thread for linear algebra."""

from __future__ import annotations

import gc
import importlib
import os
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from replicafit.errors import ExecutionError
from replicafit.execution.executors import cores
from replicafit.quiet import quiet_start


def one_blas_thread() -> AbstractContextManager[Any]:
    """Linear algebra on the host in one thread: batches are prepared while others train.

    Threads that wait for a busy core cost far more than they bring (decision 0006).
    """
    from threadpoolctl import threadpool_limits

    limited: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limited


def import_engine_quietly() -> bool:
    """Starts Keras and its backend without their start-up notes, unless that fails.

    False if the backend has computed in this process before, with threads and flags of its own.

    Raises:
        ExecutionError: it has begun in the process that this one was forked from.
    """
    if _begun_in() != os.getpid():
        raise ExecutionError(
            "This process was forked from one in which the engine had begun, and lacks its "
            "threads: a fit would never end. Start processes with "
            "multiprocessing.get_context('spawn')."
        )
    collecting = gc.isenabled()
    gc.disable()  # a tenth of what the import takes: nothing of it becomes garbage
    try:
        with quiet_start():
            backend = importlib.import_module("replicafit.training.backend").backend()
            importlib.import_module("replicafit.execution.lanes")
            anew: bool = backend.start(cores())
            backend.accelerators()  # looks for devices, which has notes of its own
    finally:
        if collecting:
            gc.enable()
    return anew


@cache
def _begun_in() -> int:
    """The process in which the engine began."""
    return os.getpid()
