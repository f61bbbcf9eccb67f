"""Who trains: what ``--executor`` names. Imports no Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor as Futures
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from replicafit.components import ExecutorType, load_target
from replicafit.errors import ExecutionError
from replicafit.plugins import Registry
from replicafit.results.records import Execution
from replicafit.runcard import Setup

if TYPE_CHECKING:
    from replicafit.execution.plans import Plan
    from replicafit.execution.sink import Sink

LANES = "lanes"
NO_LIMIT = 2**31
FORMERLY = ("in-process", "processes")
"""Names of executors whose place lanes have taken."""


class Executor:
    """Trains replicas of a fit; plugins bring their own (``ExecutorType``).

    Attributes:
        name: as on the command line.
    """

    name = ""

    def ready(self, setup: Setup, tell: Callable[[str], None]) -> None:
        """Makes sure that somebody can train, before anything is written.

        Args:
            setup: what is to be fitted.
            tell: called with what the user should know if this takes long.

        Raises:
            ExecutionError: nobody can.
        """

    def train(self, plans: Sequence[Plan], numbers: Sequence[int], sink: Sink) -> None:
        """Trains the replicas ``numbers`` and delivers them to ``sink`` in any order.

        Returns when all are delivered or given up (``sink.given_up``), or ``sink.stopping``.
        """
        raise NotImplementedError

    def record(self) -> Execution:
        """For ``run.json``: who trained so far."""
        return Execution(executor=self.name)

    def futures(self) -> Futures | None:
        """Where functions may run side by side, for plugins; None for here."""
        return None


class Lanes(Executor):
    """Trains in this process, in a thread for each core or GPU (``replicafit.execution.lanes``).

    Attributes:
        count: of lanes; as many as there are cores or GPUs if None.
    """

    def __init__(self, count: int | None = None) -> None:
        self.name = f"{LANES}:{count}" if count else LANES
        self.count = count

    def train(self, plans: Sequence[Plan], numbers: Sequence[int], sink: Sink) -> None:
        """Architecture by architecture."""
        from replicafit.execution.lanes import train

        for plan in plans:
            own = [number for number in plan.network.numbers if number in set(numbers)]
            if own and not sink.stopping:
                train(plan, own, self.lanes, sink)

    def record(self) -> Execution:
        """For ``run.json``: how many lanes."""
        return Execution(executor=self.name, workers=[{"lanes": self.lanes}])

    @property
    def lanes(self) -> int:
        """How many there are; asks Keras for GPUs."""
        from replicafit.training.backend import backend

        return self.count or len(backend().accelerators()) or cores()


def cores() -> int:
    """How many cores this process may use: by its affinity and its control group."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _cgroup_limit()))


def _cgroup_limit() -> int:
    """Whole cores of the time that the control group of this process may use."""
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2, 1
        try:
            found = [Path("/sys/fs/cgroup", file).read_text(encoding="utf-8") for file in files]
        except OSError:
            continue
        match " ".join(found).split():
            case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period):
                return max(1, int(quota) // int(period))
    return NO_LIMIT


@contextmanager
def executor_for(
    given: str | None, registry: Registry, tell: Callable[[str], None]
) -> Iterator[Executor]:
    """The executor that ``--executor`` names, until the block ends.

    Args:
        given: ``NAME`` or ``NAME:ADDRESS``; lanes on all cores if nothing is given.
        tell: called with what the user should know.

    Raises:
        ExecutionError: it names none, or it cannot be reached.
    """
    name, _, address = (LANES if given is None else given).partition(":")
    if name in FORMERLY:
        tell(
            f"--executor {given}: one process now trains in lanes, one for each core, instead of "
            f"several processes. Leave it away, or give {LANES}:N."
        )
        name, address = LANES, "" if address.isdecimal() and int(address) > 0 else address
    if name == LANES and (not address or (address.isdecimal() and int(address) > 0)):
        yield Lanes(int(address) if address else None)
        return
    if name not in registry.names(ExecutorType):
        forms = [f"{e.name}:{e.form}" for e in registry.all(ExecutorType)]
        raise ExecutionError(
            f"Invalid value for --executor: '{given}'. Give {LANES}, {LANES}:N"
            + "".join(f" or {form}" for form in forms)
            + f".{registry.remedy(ExecutorType, name)}"
        )
    kind = registry.get(ExecutorType, name)
    with ExitStack() as stack:
        with kind.at_fault("when it was opened"):
            executor = stack.enter_context(load_target(kind.open)(address))
            if not isinstance(executor, Executor):
                raise TypeError(f"{executor!r} is no replicafit.plugin.Executor")
        yield executor
