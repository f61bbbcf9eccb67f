"""Worker processes: hoppet has one global state in a process, so it runs in these only."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


def workers(tasks: int) -> ProcessPoolExecutor:
    """As many processes as there are cores, begun anew: a fork would copy threads of a fit."""
    return ProcessPoolExecutor(
        max_workers=min(tasks, cores()),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=os.putenv,  # before hoppet is imported: its greeting comes when it is caught
        initargs=("GFORTRAN_UNBUFFERED_PRECONNECTED", "y"),
    )


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
