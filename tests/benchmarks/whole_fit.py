"""A whole fit as a user runs it, beside a former version, and a step beside a peer, in one run.

    python tests/benchmarks/whole_fit.py tests/benchmarks/dis.yml --beside FORMER_PYTHON \
        [--data DATA_DIR --peer "PEER_PYTHON n3fit_step.py --data DATA_DIR --steps 300"]

Prints wall and processor time of ``replicafit run``, the time to its first word and to the first
step, with one core and with two, and the ratio of each to the version that FORMER_PYTHON has
installed; then what ``steps.py`` prints. Medians of ``--repeat`` runs, taken in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

START = "from replicafit.cli import main; main()"
STEPS = Path(__file__).with_name("steps.py")


@dataclass(frozen=True)
class Figures:
    """One run: seconds; the first step is over with the first look at it."""

    wall: float
    processor: float
    first_word: float
    first_step: float


def run(python: str, cores: str, arguments: list[str]) -> Figures:
    """``replicafit run`` with ``python``, on ``cores``."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "fit"
        command = [python, "-P", "-c", START, "run", *arguments, "-o", str(output)]
        before, start = _processor(), time.perf_counter()
        process = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        first_word = time.perf_counter() - start if process.stdout.read(1) else float("nan")
        process.stdout.read()
        if process.wait():
            sys.exit(f"{shlex.join(command)} failed")
        wall = time.perf_counter() - start
        begun = json.loads((output / "progress.jsonl").read_text().splitlines()[0])["time"]
        first_step = _since(start, begun)
        return Figures(wall, _processor() - before, first_word, first_step)


def _since(start: float, stamp: str) -> float:
    from datetime import datetime

    ago = time.time() - datetime.fromisoformat(stamp).timestamp()
    return time.perf_counter() - ago - start


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(runs: list[Figures]) -> Figures:
    """Of each figure."""
    columns = zip(*(vars(each).values() for each in runs), strict=True)
    return Figures(*map(statistics.median, columns))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card")
    parser.add_argument("--beside", default="", help="Python of the former version")
    parser.add_argument("--beside-card", default="", help="its card, if it is another")
    parser.add_argument("--cores", nargs="+", default=["0", "0,1"])
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--data", default="")
    parser.add_argument("--peer", default="")
    given = parser.parse_args()
    more = [part for one in given.set for part in ("--set", one)]
    now, before = [given.card, *more], [given.beside_card or given.card, *more]
    cases = {f"now, cores {cores}": (sys.executable, cores, now) for cores in given.cores}
    if given.beside:
        cases |= {f"former, cores {c}": (given.beside, c, before) for c in given.cores}
    runs: dict[str, list[Figures]] = {name: [] for name in cases}
    for _ in range(given.repeat):
        for name, (python, cores, arguments) in cases.items():
            runs[name].append(run(python, cores, arguments))
            print(name, runs[name][-1], flush=True)
    print(f"\n{'':20s}   wall s   processor s   first word s   first step s")
    for name, each in runs.items():
        found = median(each)
        print(
            f"{name:20s} {found.wall:8.1f} {found.processor:13.1f} {found.first_word:14.2f}"
            f" {found.first_step:14.1f}"
        )
    if given.beside:
        for cores in given.cores:
            one, other = (median(runs[f"{who}, cores {cores}"]) for who in ("now", "former"))
            print(
                f"now over former, cores {cores}: wall {one.wall / other.wall:.2f}, "
                f"processor {one.processor / other.processor:.2f}"
            )
    if given.data:
        peer = ["--peer", given.peer] if given.peer else []
        command = [sys.executable, str(STEPS), given.data, "--replicas", "1", "10", "50", *peer]
        subprocess.run(["taskset", "-c", "0", *command], check=True)


if __name__ == "__main__":
    main()
