"""Times a training step beside the machine's own limits, and beside a peer in the same run.

    taskset -c 0 python tests/benchmarks/steps.py DATA_DIR --replicas 1 10 50 100 \
        [--peer "PEER_PYTHON n3fit_step.py --data DATA_DIR --steps 300"]

DATA_DIR holds replicafit-dataset/1 files, all of which are fitted. The peer is given
``--replicas R`` and must print ``per replica NUMBER`` (milliseconds per step).
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shlex
import subprocess
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from replicafit.execution.plans import Plan, make_engine, make_plans
from replicafit.forward.assembly import load_data
from replicafit.forward.planning import Machine, measured_machine
from replicafit.plugins import load_registry
from replicafit.runcard import Setup, runcard_type
from replicafit.training.loop import train

CALLS = 5


def plan_for(folder: Path, replicas: int) -> Plan:
    """The fit that is timed: all data, NN 2-25-20-8, preprocessing and sum rules, Nadam."""
    files = sorted(folder.glob("*-*.npz"))
    layers = [
        {"type": "x_logx"},
        {"type": "multi_dense", "units": 25, "activation": "tanh"},
        {"type": "multi_dense", "units": 20, "activation": "tanh"},
        {"type": "multi_dense", "units": 8},
        {"type": "preprocessing"},
        {"type": "sum_rules"},
    ]
    registry = load_registry()
    card = runcard_type(registry).model_validate(
        {
            "seed": 1,
            "replicas": replicas,
            "data": {"datasets": [{"type": "file", "path": str(f.resolve())} for f in files]},
            "model": {
                "flavours": ["sigma", "g", "v", "v3", "v8", "t3", "t8", "t15"],
                "layers": layers,
            },
            "training": {
                "optimizer": {"type": "nadam", "learning_rate": 1e-3, "clipnorm": 6e-6},
                "max_steps": 500 * (CALLS + 1),
                "patience": 10**6,
                "slots": min(replicas, 10),
            },
        }
    )
    setup = Setup(card, registry, folder)
    return make_plans(setup, load_data(setup), card.replicas.numbers)[0]


def ours(folder: Path, replicas: int) -> tuple[float, Plan]:
    """Milliseconds per step and replica: all batches one after another, median of the calls."""
    plan = plan_for(folder, replicas)
    batches = [plan.prepare(batch) for batch in plan.network.batches]
    advance = make_engine(plan, plan.model).compiled()
    total = 0.0
    for batch in batches:
        ticks = [0.0]
        for snapshot in train(advance, batch.state, batch.constants, plan.schedule):
            ticks.append(time.perf_counter())
            steps = snapshot.state.steps.max()
        assert steps == plan.schedule.max_steps
        total += float(np.median(np.diff(ticks[1:]))) / 500
    return 1e3 * total / replicas, plan


def floor(plan: Plan, machine: Machine) -> tuple[float, float]:
    """What the bytes and the arithmetic of a step cost at least, ms per replica.

    Every table is read once forward and once backward; a product of a table with a vector costs two
    operations per element, in each direction. The network costs three times its forward pass.
    """
    slots = plan.slots
    by_bytes = plan.network.seconds_per_step(Machine(machine.bandwidth, float("inf")))
    by_flops = plan.network.seconds_per_step(Machine(float("inf"), machine.flops))
    return 1e3 * by_bytes / slots, 1e3 * by_flops / slots


def peer(command: str, replicas: int) -> float:
    """What the peer prints, ms per step and replica."""
    done = subprocess.run(
        [*shlex.split(command), "--replicas", str(replicas)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(re.findall(r"per replica ([0-9.]+)", done.stdout)[-1])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--peer", default="")
    given = parser.parse_args()
    machine = measured_machine(tries=240)
    bandwidth, flops = machine.bandwidth, machine.flops
    print(f"one core: {bandwidth / 1e9:.1f} GB/s read, {flops / 1e9:.0f} GFlop/s float32 GEMM")
    print("replicas  ms/step/replica   floor (bytes + flops)   peer   ratio   peak memory MB")
    for replicas in given.replicas:
        took, plan = ours(given.data, replicas)
        by_bytes, by_flops = floor(plan, machine)
        other = peer(given.peer, replicas) if given.peer else float("nan")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{replicas:8d}  {took:15.4f}   {by_bytes:.4f} + {by_flops:.4f} ms   "
            f"{other:6.2f}  {other / took:6.1f}   {memory:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
