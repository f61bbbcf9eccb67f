"""Worker processes: hoppet has one global state in a process, so it runs in these only.

They are plain subprocesses: those of ``multiprocessing`` would begin by running the script of
whoever calls replicafit once more, with the fit that is in it.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from replicafit.plugin import OutputError

_SERVE = "from replicafit_lhapdf.processes import serve; serve()"


class Workers(ThreadPoolExecutor):
    """As many processes as there are cores, for at most so many ``tasks``, each with a thread.

    What is submitted are functions of modules. What they raise is raised here; OutputError where
    a process ends.
    """

    def __init__(self, tasks: int) -> None:
        super().__init__(min(tasks, cores()), initializer=self._begin)
        self._of_thread = threading.local()
        self._begun: list[subprocess.Popen[bytes]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:  # type: ignore[override]
        """Has a process call ``function``."""
        return super().submit(self._call, function, arguments)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the threads, and then the processes."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        while self._begun:
            self._begun.pop().communicate()  # at the end of its input it ends

    def _begin(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
            "GFORTRAN_UNBUFFERED_PRECONNECTED": "y",  # hoppet's greeting comes when it is caught
        }
        command, pipe = [sys.executable, "-P", "-c", _SERVE], subprocess.PIPE
        process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe)
        self._of_thread.process = process
        self._begun.append(process)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        process = self._of_thread.process
        try:
            pickle.dump((function, arguments), process.stdin)
            process.stdin.flush()
            failure, result = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise OutputError(
                f"A process that evolves ended with exit code {process.wait()}. Is there enough "
                "memory?"
            ) from None
        if failure is not None:
            raise failure
        return result


def serve() -> None:
    """What such a process does: it answers pickled calls until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it ends it
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what others print is no answer
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: tuple[Exception | None, Any]
        try:
            answer = None, function(*arguments)
        except Exception as cause:
            answer = cause, None
        answers.write(pickle.dumps(answer))
        answers.flush()


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
