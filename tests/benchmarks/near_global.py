"""A near-global fit of 60 datasets: writes its runcard, or times its step beside a former version.

    python tests/benchmarks/near_global.py ../shared/reference --card near_global.yml
    taskset -c 0 python tests/benchmarks/near_global.py ../shared/reference --replicas 10 \
        [--beside FORMER_PYTHON]

The folder holds ``dis/*.npz`` and ``global/sets/*.npz``, replicafit-dataset/1 files; the network is
that of NNPDF4.0. A step is timed as processor time of calls of 50 steps; beside a former version,
which is another environment's python, the two take turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import yaml

STEPS, CALLS, ROUNDS = 50, 6, 3


def near_global(reference: Path, replicas: int) -> dict[str, Any]:
    """The runcard of a fit to all datasets of the folder."""
    files = [*sorted((reference / "dis").glob("*-*.npz"))]
    files += sorted((reference / "global" / "sets").glob("*.npz"))
    layers = [
        {"type": "x_logx"},
        {"type": "multi_dense", "units": 25, "activation": "tanh"},
        {"type": "multi_dense", "units": 20, "activation": "tanh"},
        {"type": "multi_dense", "units": 8},
        {"type": "preprocessing"},
        {"type": "sum_rules"},
    ]
    return {
        "title": "A near-global fit",
        "seed": 20240601,
        "replicas": replicas,
        "data": {
            "datasets": [{"type": "file", "path": str(file.resolve())} for file in files],
            "training_fraction": 0.75,
        },
        "model": {
            "flavours": ["sigma", "g", "v", "v3", "v8", "t3", "t8", "t15"],
            "layers": layers,
        },
        "training": {
            "optimizer": {"type": "nadam", "learning_rate": 2.6e-3, "clipnorm": 6.0e-6},
            "max_steps": 8000,
            "check_every": 10,
            "patience": 2000,
        },
    }


def measure(reference: Path, replicas: int) -> dict[str, float]:
    """With a slot for each replica: milliseconds of a step per replica, seconds of processor time
    to plan, to prepare the replicas and to compile, and megabytes at most.
    """
    from replicafit.plugins import load_registry
    from replicafit.runcard import runcard_type
    from replicafit.training.loop import train

    card = near_global(reference, replicas)
    card["training"] |= {"max_steps": STEPS * (CALLS + 1), "patience": 10**6}
    former = importlib.util.find_spec("replicafit.assembly") is not None
    if not former:
        card["training"]["slots"] = replicas
    registry = load_registry()
    runcard = runcard_type(registry).model_validate(card)
    numbers = runcard.replicas.numbers
    begin = time.process_time()
    if former:
        plans = importlib.import_module("replicafit.assembly")
        capacity = SimpleNamespace(memory=None, most_slots=lambda _: replicas)
        plan = plans.make_plans(runcard, registry, Path(), numbers, lambda: capacity)[0]
    else:
        plans = importlib.import_module("replicafit.execution.plans")
        setup = importlib.import_module("replicafit.runcard").Setup(runcard, registry, Path())
        data = importlib.import_module("replicafit.forward.assembly").load_data(setup)
        plan = plans.make_plans(setup, data, numbers)[0]
    planned = time.process_time()
    (batch,) = [plan.prepare(batch) for batch in plan.network.batches]
    schedule = replace(plan.schedule, checks_per_call=STEPS // plan.schedule.check_every)
    advance = replace(
        plans.make_engine(plan, batch if former else plan.model), schedule=schedule
    ).compiled()
    ticks = [time.process_time()]
    for _ in train(advance, batch.state, batch.constants, schedule):
        ticks.append(time.process_time())
    return {
        "ms": 1e3 * float(np.median(np.diff(ticks[1:]))) / STEPS / replicas,
        "plan_s": planned - begin,
        "prepare_s": ticks[0] - planned,
        "compile_s": ticks[1] - ticks[0],
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--card", type=Path, help="write the runcard there, and stop")
    parser.add_argument("--beside", help="the python of a former version")
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args()
    if given.card:
        given.card.write_text(yaml.safe_dump(near_global(given.reference, given.replicas)))
        return
    if given.once:
        print(json.dumps(measure(given.reference, given.replicas)))
        return
    pythons = [sys.executable, given.beside] if given.beside else [sys.executable]
    found: dict[str, list[dict[str, float]]] = {python: [] for python in pythons}
    for _ in range(ROUNDS):
        for python in pythons:
            command = [python, __file__, str(given.reference), "--once"]
            command += ["--replicas", str(given.replicas)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[python].append(json.loads(done.stdout.splitlines()[-1]))
    middle = {
        python: {key: float(np.median([r[key] for r in runs])) for key in runs[0]}
        for python, runs in found.items()
    }
    for python, figures in middle.items():
        name = "this version" if python == sys.executable else "the former "
        print(name, "  ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    if given.beside:
        print(f"ratio of ms {middle[given.beside]['ms'] / middle[sys.executable]['ms']:.2f}")


if __name__ == "__main__":
    main()
