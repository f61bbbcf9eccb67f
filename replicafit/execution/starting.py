"""Starts the engine in a process: quietly, and with one thread for linear algebra."""

from __future__ import annotations

import gc
import importlib
from contextlib import AbstractContextManager
from typing import Any

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
    """
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
