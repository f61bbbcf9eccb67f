"""Workers as ``replicafit.execution.fit.fit`` takes them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicafit.errors import ExecutionError
from replicafit.execution.dispatch import Dispatch
from replicafit.execution.fit import Output, Run
from replicafit.execution.orders import Ready, Refused
from replicafit.execution.plans import Capacity
from replicafit.execution.workers import Workers

SECONDS_BEFORE_A_HINT = 10.0
"""Without any worker, until it is said how to start one."""


@dataclass(frozen=True)
class Crew:
    """Workers that were asked what they have to train on.

    Attributes:
        workers: who trains.
        asked: the answer of the first of them.
    """

    workers: Workers
    asked: Future[Any]

    def capacity(self, tell: Callable[[str], None]) -> Capacity:
        """What the first worker that answers has to train on, and how many there are.

        Args:
            tell: told if none is there yet; then this waits for one.

        Raises:
            ExecutionError: it has other versions, or cannot start the backend.
        """
        if not wait([self.asked], SECONDS_BEFORE_A_HINT).done and not self.workers.count():
            tell(f"No worker is there yet; waiting for one. {self.workers.hint}")
        answer = self.workers.answer(self.asked)
        if isinstance(answer, Ready):
            return Capacity(answer.memory, max(1, self.workers.count()))
        if isinstance(answer, Refused):
            raise ExecutionError(answer.reason)
        raise ExecutionError(f"A worker of '{self.workers.name}' cannot start: {answer.cause}")

    def train(self, run: Run, output: Output, card: Path) -> bool:
        """Has all batches of ``run`` trained that are left; whether all of them succeeded."""
        with Dispatch.of(self.workers, run, output, card) as dispatch:
            dispatch.train()
        return not dispatch.failures
