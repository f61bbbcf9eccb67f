"""Trials per hour: points of one architecture as slots of one batch, beside one by one, in one run.

taskset -c 0 python plugins/replicafit-scan/tests/benchmark.py tests/benchmarks/dis.yml --alone 3

One by one is what a loop around ``replicafit run`` computes: for each trial and fold, data are
read, an engine for one replica is compiled, and the replica is trained. CPU seconds of this
process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from replicafit_scan.space import Point, Space
from replicafit_scan.trials import Trials

from replicafit.execution.plans import make_plans
from replicafit.forward.assembly import load_data
from replicafit.plugins import load_registry
from replicafit.runcard import Override, Setup
from replicafit.training.slots import Line, Slots, replicas_of, train_slots

SETTINGS = (
    "data.folds=[[SLAC_NC_P_EM-F2, BCDMS_NC_D_EM-F2], [BCDMS_NC_P_EM-F2, NMC_NC_P_EM-SIGMARED]]",
    "scan.space={training.optimizer.learning_rate: {log_uniform: [5.0e-4, 5.0e-3]}}",
)


def points(count: int) -> list[Point]:
    rates = np.geomspace(5e-4, 5e-3, count).tolist()
    return [Point(n, {"training.optimizer.learning_rate": r}) for n, r in enumerate(rates)]


def alone(space: Space, point: Point) -> float:
    """The point as fits of their own, one for each fold; what training alone took, CPU seconds."""
    training = 0.0
    for fold in range(1, len(space.base.data.folds) + 1):
        runcard = space.runcard({**point.values, "data.hold_out": fold})
        setup = Setup(runcard, space.registry, space.card.parent)
        (plan,) = make_plans(setup, load_data(setup), (1,))
        (replica,) = replicas_of([plan.prepare((1,))])
        start = Slots.empty(replica, plan.slots)
        calls = train_slots(plan.engine, start, Line(iter([replica])), plan.schedule)
        last = next(calls)  # compiles
        begin = time.process_time()
        for now in calls:
            last = now
        training += time.process_time() - begin
        list(plan.evaluation.results(last.finished(start)))
    return training


def timed(work: Callable[[], object]) -> tuple[float, object]:
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--alone", type=int, default=3, help="of them, one by one")
    arguments = parser.parse_args()
    overrides = tuple(map(Override.setting, SETTINGS))
    space = Space(arguments.card, load_registry(), overrides)
    chosen = points(arguments.trials)
    sample = chosen[:: max(1, len(chosen) // arguments.alone)][: arguments.alone]
    each = [timed(lambda point=point: alone(space, point)) for point in sample]
    seconds = sum(total for total, _ in each) / len(sample)
    training = sum(float(t) for _, t in each) / len(sample)
    print(
        f"one by one {3600 / seconds:8.0f} trials per hour ({seconds:.1f} s each, {training:.1f} s "
        f"of them training; mean of {len(sample)})"
    )
    trials = Trials(space)
    together, outcomes = timed(lambda: list(trials.carried_out(chosen)))
    print(
        f"in slots   {3600 * len(chosen) / together:8.0f} trials per hour ({together:.1f} s for "
        f"{len(chosen)} trials)"
    )
    again, _ = timed(lambda: list(trials.carried_out(chosen)))
    print(f"compiled   {3600 * len(chosen) / again:8.0f} trials per hour ({again:.1f} s)")
    steps = [sum(f.steps) for o in outcomes for f in o.folds]
    print(f"steps per trial and fold: {np.mean(steps):.0f}")


if __name__ == "__main__":
    main()
