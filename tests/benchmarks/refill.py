"""Replicas per minute with slots refilled as soon as a replica ends, and without, in one run.

taskset -c 0 python tests/benchmarks/refill.py runcards/dis.yml --replicas 40
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.plugins import load_registry
from replicafit.runcard import load_runcard
from replicafit.training.backend import seam
from replicafit.training.batches import PreparedBatch
from replicafit.training.slots import Occupancy, seats_of, train_in_turn


def calls(plan: Plan, advance: object, wave: Sequence[PreparedBatch]) -> Iterator[Occupancy]:
    start = Occupancy.of(wave[0])
    return train_in_turn(advance, start, seats_of(wave[1:]), plan.schedule)


def measure(
    plan: Plan, advance: object, waves: Sequence[Sequence[PreparedBatch]]
) -> tuple[float, float]:
    """Seconds, and which part of the steps computed were steps of a running replica."""
    begin, used, computed = time.process_time(), 0, 0
    for wave in waves:
        before = Occupancy.of(wave[0])
        for now in calls(plan, advance, wave):
            own = now.steps_since(before)
            used, computed = used + own, computed + _computed(before, now)
            before = now
    return time.process_time() - begin, used / computed


def _computed(before: Occupancy, now: Occupancy) -> int:
    """Steps of the call times slots: those of the replica that went furthest."""
    stayed = [a is b for a, b in zip(now.seats, before.seats, strict=True)]
    taken = now.snapshot.state.steps - np.where(stayed, before.snapshot.state.steps, 0)
    return int(taken.max()) * len(stayed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--replicas", type=int, default=40)
    arguments = parser.parse_args()
    registry = load_registry()
    runcard = load_runcard(arguments.card, registry)
    seam().prepare(runcard.precision)
    numbers = tuple(range(1, arguments.replicas + 1))
    (plan,) = make_plans(runcard, registry, arguments.card.parent, numbers)
    batches = [plan.prepare(batch) for batch in plan.network.batches]
    advance = make_engine(plan, batches[0]).compiled()
    next(calls(plan, advance, batches[:1]))  # compiles
    for name, waves in (("one after another", [[b] for b in batches]), ("refilled", [batches])):
        seconds, used = measure(plan, advance, waves)
        rate = 60 * len(numbers) / seconds
        print(
            f"{name:18} {seconds:7.1f} s {rate:6.1f} replicas per minute, {used:.0%} of steps used"
        )


if __name__ == "__main__":
    main()
