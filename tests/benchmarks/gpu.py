"""A fit on the accelerator of this machine beside the same fit on its processor, in minutes.

    python tests/benchmarks/gpu.py [tests/benchmarks/dis.yml] --backends jax tensorflow \
        --replicas 100 1000 --slots 100 500

For each backend that is installed and each number of replicas: wall time of ``replicafit run``, the
time to the first step, ms per step and replica, replicas per hour and the memory that the device
used; then once the same on the processor, with the slots of the card. Needs nothing but what
``replicafit run`` needs, and nvidia-smi for the name and memory of a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

ON_PROCESSOR = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
HEAD = f"{'':28s} {'wall s':>8s} {'first step s':>13s} {'ms/step/replica':>16s}"
HEAD += f" {'replicas/h':>11s} {'median chi2':>12s} {'GPU MB':>8s}"


def ask_gpu(what: str) -> str:
    """One line of nvidia-smi; empty without it."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else ""


class Peak(threading.Thread):
    """The most memory that the GPU was seen to use, MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.over = 0, False

    def run(self) -> None:
        """Looks twice a second."""
        while not self.over:
            used = ask_gpu("memory.used")
            self.most = max(self.most, int(used) if used.isdecimal() else 0)
            time.sleep(0.5)


def fit(card: str, settings: list[str], replicas: int, environment: dict[str, str]) -> str:
    """The line of one fit."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "fit"
        options = [part for one in settings for part in ("--set", one)]
        command = [sys.executable, "-m", "replicafit", "run", card, "-q", "-o", str(output)]
        watch, start = Peak(), time.perf_counter()
        watch.start()
        done = subprocess.run(
            [*command, "--replicas", str(replicas), *options],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - start
        watch.over = True
        if done.returncode:
            return f"failed: {done.stderr.strip()[-300:]}"
        run = json.loads((output / "run.json").read_text())
        timing, device = run["timing"], run["backend"]["device"]
        results = [json.loads(f.read_text()) for f in output.glob("replicas/*/result.json")]
        chi2 = sorted(result["chi2_per_datum"]["all"] for result in results)[len(results) // 2]
        begin = timing["setup_s"] + timing["first_step_s"]
        return (
            f"{wall:8.1f} {begin:13.1f} {timing['ms_per_step_and_replica'] or 0:16.4f}"
            f" {3600 * len(results) / wall:11.0f} {chi2:12.3f} {watch.most:8d}  {device}"
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", nargs="?", default="tests/benchmarks/dis.yml")
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--replicas", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--slots", nargs="+", type=int, default=[100, 500])
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    print(f"GPU: {ask_gpu('name,driver_version,memory.total') or 'none'}; {os.cpu_count()} cores")
    print(HEAD, flush=True)
    for backend in given.backends:
        if find_spec(backend) is None:
            print(f"{backend}: not installed")
            continue
        own = {"KERAS_BACKEND": backend}
        for replicas, slots in zip(given.replicas, given.slots, strict=True):
            settings = [*given.set, f"training.slots={slots}"]
            name = f"{backend}, {replicas} in {slots} slots"
            print(f"{name:28s} {fit(given.card, settings, replicas, own)}", flush=True)
        name = f"{backend}, {given.replicas[0]} on processor"
        line = fit(given.card, given.set, given.replicas[0], {**own, **ON_PROCESSOR})
        print(f"{name:28s} {line}", flush=True)


if __name__ == "__main__":
    main()
