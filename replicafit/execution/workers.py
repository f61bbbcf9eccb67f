"""Workers behind a standard executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from replicafit.errors import ExecutionError
from replicafit.execution.orders import BatchOrder, Failed, Report
from replicafit.execution.work import introduce, train_batch


@dataclass(frozen=True)
class Workers:
    """Workers, and how to reach them.

    Attributes:
        executor: takes orders to them.
        name: as on the command line.
        count: how many there are now.
        hint: how to start one.
        work: what they run.
        beyond_help: exceptions of the executor after which trying again is of no use.
        news: what the executor has to tell of workers, for the user.
    """

    executor: Executor
    name: str
    count: Callable[[], int]
    hint: str = ""
    work: Callable[[BatchOrder], Report] = train_batch
    beyond_help: tuple[type[BaseException], ...] = ()
    news: SimpleQueue[str] = field(default_factory=SimpleQueue)

    def ask(self, versions: Mapping[str, str]) -> Future[Any]:
        """Asks one of them what it has to train on."""
        return self.executor.submit(introduce, dict(versions))

    def submit(self, order: BatchOrder) -> Future[Any]:
        """Sends ``order`` to one of them."""
        return self.executor.submit(self.work, order)

    def answer(self, future: Future[Any]) -> Any:
        """What a worker answered; ``Failed`` if it died.

        Raises:
            ExecutionError: no answer will come from anybody, or a worker has no replicafit.
        """
        try:
            return future.result()
        except CancelledError:
            raise ExecutionError(
                f"The connection to '{self.name}' is lost, and with it the batches under way. "
                "Start the scheduler and its workers again, and continue with --resume."
            ) from None
        except ImportError as cause:  # raised where the order is unpacked
            raise ExecutionError(
                f"A worker of '{self.name}' cannot read orders ({cause}). Install the same "
                "replicafit there as here, and start the worker again."
            ) from cause
        except Exception as cause:
            told = f"{type(cause).__name__}: {cause}".rstrip(": ")
            return Failed(told, told, "", final=isinstance(cause, self.beyond_help))
