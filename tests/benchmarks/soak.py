"""Watches the memory of a long run: it must not grow.

    python tests/benchmarks/soak.py CARD [--steps 20000] [--replicas 10]

Trains one batch of the runcard CARD without stopping, and prints the resident memory of the process
after every tenth of the steps.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from replicafit.execution.plans import make_engine, make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import Override, load_setup
from replicafit.training.loop import train


def resident_megabytes() -> float:
    """Memory of this process, from the operating system."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--replicas", type=int, default=10)
    given = parser.parse_args()
    asked = {
        "replicas": given.replicas,
        **dict.fromkeys(("training.max_steps", "training.patience"), given.steps),
        "training.slots": given.replicas,
    }
    setup = load_setup(given.card, [Override.setting(f"{k}={v}") for k, v in asked.items()])
    plan = make_plans(setup, load_data(setup), setup.runcard.replicas.numbers)[0]
    batch = plan.prepare(plan.network.batches[0])
    advance = make_engine(plan, plan.model).compiled()
    next_line = given.steps // 10
    for snapshot in train(advance, batch.state, batch.constants, plan.schedule):
        steps = int(snapshot.state.steps.max())
        if steps >= next_line:
            print(f"{steps:7d} steps  {resident_megabytes():8.1f} MB", flush=True)
            next_line += given.steps // 10


if __name__ == "__main__":
    main()
