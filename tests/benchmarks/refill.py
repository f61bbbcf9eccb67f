"""Replicas per minute with slots refilled as soon as a replica ends, and without, in one run.

taskset -c 0 python tests/benchmarks/refill.py tests/benchmarks/dis.yml --replicas 40
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import load_setup
from replicafit.training.batches import PreparedBatch
from replicafit.training.slots import Line, Slots, replicas_of, train_slots


def begin(plan: Plan, wave: Sequence[PreparedBatch]) -> Slots:
    return Slots.empty(next(replicas_of(wave)), plan.slots)


def calls(plan: Plan, advance: object, wave: Sequence[PreparedBatch]) -> Iterator[Slots]:
    return train_slots(advance, begin(plan, wave), Line(replicas_of(wave)), plan.schedule)


def measure(
    plan: Plan, advance: object, waves: Sequence[Sequence[PreparedBatch]]
) -> tuple[float, float]:
    """Seconds, and which part of the steps computed were steps of a running replica."""
    begin, used, computed = time.process_time(), 0, 0
    for wave in waves:
        before = begin(plan, wave)
        for now in calls(plan, advance, wave):
            own = now.steps_since(before)
            used, computed = used + own, computed + _computed(before, now)
            before = now
    return time.process_time() - begin, used / computed


def _computed(before: Slots, now: Slots) -> int:
    """Steps of the call times slots: those of the replica that went furthest."""
    stayed = [a is b for a, b in zip(now.replicas, before.replicas, strict=True)]
    taken = now.snapshot.state.steps - np.where(stayed, before.snapshot.state.steps, 0)
    return int(taken.max()) * len(stayed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--replicas", type=int, default=40)
    arguments = parser.parse_args()
    setup = load_setup(arguments.card)
    numbers = tuple(range(1, arguments.replicas + 1))
    (plan,) = make_plans(setup, load_data(setup), numbers)
    batches = [plan.prepare(batch) for batch in plan.network.batches]
    advance = make_engine(plan, plan.model).compiled()
    next(calls(plan, advance, batches[:1]))  # compiles
    for name, waves in (("one after another", [[b] for b in batches]), ("refilled", [batches])):
        seconds, used = measure(plan, advance, waves)
        rate = 60 * len(numbers) / seconds
        print(
            f"{name:18} {seconds:7.1f} s {rate:6.1f} replicas per minute, {used:.0%} of steps used"
        )


if __name__ == "__main__":
    main()
