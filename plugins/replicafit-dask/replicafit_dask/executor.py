"""The executor: sends tasks to the workers of a Dask cluster and puts what they train in place."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures import Executor as Futures
from itertools import pairwise
from typing import Any

from replicafit.plugin import Execution, ExecutionError, Executor, Setup, Sink, canonical
from replicafit_dask.task import Failed, Task, Trained, carry_out, unpack
from replicafit_dask.versions import versions_of

SECONDS_BETWEEN_LOOKS = 0.5
ATTEMPTS = 3
"""Of a task that fails; Dask itself gives that of a worker that dies to another."""


class DaskExecutor(Executor):
    """Trains on the workers of a scheduler.

    Attributes:
        name: as on the command line.
        client: of the scheduler.
        hint: how to start a worker.
        resources: of Dask, that a worker needs for a task.
        lanes: what each worker trains with, as ``--executor`` takes it.
        news: what the scheduler has to say of workers that come and go.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        executor: Futures,
        hint: str,
        resources: Mapping[str, float],
        lanes: str,
        news: Any,
    ) -> None:
        self.name, self.client, self.hint, self.lanes, self.news = name, client, hint, lanes, news
        self.resources, self._futures = resources, executor
        self._setup: Setup | None = None
        self._workers: dict[str, dict[str, str]] = {}

    def futures(self) -> Futures:
        """Dask's own executor."""
        return self._futures

    def ready(self, setup: Setup, tell: Callable[[str], None]) -> None:
        """Waits for the first worker that has the resources.

        Raises:
            ExecutionError: the connection is lost.
        """
        self._setup = setup
        told = False
        while not self._count():
            if not told:
                tell(f"No worker has come to '{self.name}' yet; waiting. {self.hint}")
            told = True
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def train(self, plans: Sequence[Any], numbers: Sequence[int], sink: Sink) -> None:
        """In parts that follow each other, a few for each worker."""
        mine = sink.claim(deque(numbers), len(numbers))
        waiting = {
            self._futures.submit(carry_out, task): (task, 1)
            for task in self._tasks(max(plan.slots for plan in plans), mine, sink)
        }
        try:
            while waiting and not sink.stopping:
                done, _ = wait(waiting, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                while not self.news.empty():
                    sink.warning(self.news.get())
                for future in done:
                    task, attempt = waiting.pop(future)
                    answer = self._answer(future)
                    if isinstance(answer, Trained):
                        self._arrived(answer, task, sink)
                    elif answer.final or attempt == ATTEMPTS:
                        sink.given_up(list(task.numbers), answer.cause)
                    else:
                        sink.warning(f"Trying again: {answer.cause}")
                        waiting[self._futures.submit(carry_out, task)] = (task, attempt + 1)
        finally:
            for future in waiting:
                future.cancel()

    def record(self) -> Execution:
        """For ``run.json``: which workers trained."""
        workers = [{"name": name, **backend} for name, backend in self._workers.items()]
        return Execution(executor=self.name, workers=workers)

    def _tasks(self, slots: int, numbers: Sequence[int], sink: Sink) -> Iterator[Task]:
        setup = self._setup
        assert setup is not None
        runcard = canonical(setup.runcard)
        share = -(-len(numbers) // max(1, self._count()))
        size = min(-(-share // (2 * slots)) * slots, share)
        for part in runs(sorted(numbers), size):
            yield Task(
                runcard=runcard,
                folder=str(setup.folder.resolve()),
                numbers=part,
                versions=versions_of(setup.registry),
                data_hash=sink.folder.run().data_hash,
                executor=self.lanes,
            )

    def _answer(self, future: Future[Any]) -> Trained | Failed:
        """What a worker answered.

        Raises:
            ExecutionError: no answer will come from anybody, or a worker has no replicafit-dask.
        """
        try:
            answer: Trained | Failed = future.result()
        except CancelledError:
            raise self._lost() from None
        except ImportError as cause:  # raised where the task is unpacked
            raise ExecutionError(
                f"A worker of '{self.name}' cannot read tasks ({cause}). Install the same "
                "replicafit and replicafit-dask there as here, and start the worker again."
            ) from cause
        except Exception as cause:
            return Failed(f"{type(cause).__name__}: {cause}", final=isinstance(cause, _killed()))
        return answer

    def _arrived(self, answer: Trained, task: Task, sink: Sink) -> None:
        self._workers[answer.worker] = answer.backend
        for warning in answer.warnings:
            sink.warning(warning)
        came = unpack(answer.archive, task.numbers, sink.folder)
        for number in came:
            sink.arrived(number)
        if missing := sorted(set(task.numbers) - set(came)):
            sink.given_up(missing, f"the worker on {answer.worker} did not deliver them")
        sink.seen(self.name, ())

    def _count(self) -> int:
        """How many workers have the resources of a task.

        Raises:
            ExecutionError: the connection is lost.
        """
        try:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        except Exception as cause:
            raise self._lost() from cause
        if self.client.status == "closed":
            raise self._lost()
        asked = self.resources.items()
        return sum(all(w["resources"].get(k, 0) >= amount for k, amount in asked) for w in workers)

    def _lost(self) -> ExecutionError:
        return ExecutionError(
            f"The connection to '{self.name}' is lost, and with it what was under way. Start the "
            "scheduler and its workers again, and continue with --resume."
        )


def runs(numbers: Sequence[int], size: int) -> Iterator[range]:
    """``numbers``, ascending, in parts without gaps of at most ``size``."""
    gaps = [i for i, (a, b) in enumerate(pairwise(numbers), 1) if b > a + 1]
    for first, end in pairwise([0, *gaps, len(numbers)]):
        for i in range(first, end, size):
            yield range(numbers[i], numbers[min(i + size, end) - 1] + 1)


def _killed() -> type[BaseException]:
    from distributed.scheduler import KilledWorker

    killed: type[BaseException] = KilledWorker
    return killed
