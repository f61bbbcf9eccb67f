"""Kills real runs at random moments, continues them, and compares bit by bit.

    python tests/faults/killer.py --kills 100 --seed 1 --log kills.jsonl

Every trial fits one small card: ``run`` is killed (SIGKILL) a few times, at a random time from its
start on or right after something appears in the folder, and begun again as its user would: with
``--resume`` if there is a ``run.json``, else as the first time. The fit must then equal one that
was left in peace: all numbers of all replicas. With ``--jobs 2`` two jobs work in the folder at
once and are killed in turn.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from small_fit import CARD, write_data

COMMAND = [sys.executable, "-m", "replicafit"]
MOMENTS = {
    "first file": "*",
    "runcard.yml": "runcard.yml",
    "measured.npz": "measured.npz",
    "run.json": "run.json",
    "job": "jobs/*-*",
    "claim": "jobs/*/000*",
    "checkpoint": "jobs/*/newer.npz",
    "second checkpoint": "jobs/*/older.npz",
    "half a file": "**/.*~*",
    "first replica": "replicas/replica_*",
    "several replicas": "replicas/replica_0004",
    "last replica": "replicas/replica_0006",
}
"""What may appear in the folder before a kill."""


@dataclass
class Killer:
    """Kills runs in ``place`` and counts.

    Attributes:
        place: a folder of its own.
        random: decides everything.
        seconds: that a run in peace takes.
        log: where each kill is noted.
    """

    place: Path
    random: random.Random
    log: Path | None = None
    seconds: float = 60.0
    kills: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def prepare(self) -> Path:
        """A card, its data, and the fit in peace."""
        write_data(self.place)
        (self.place / "card.yml").write_text(CARD)
        begun = time.monotonic()
        self.finish(self.place / "peace")
        self.seconds = time.monotonic() - begun
        return self.place / "peace"

    def start(self, folder: Path, *options: str) -> subprocess.Popen[str]:
        """The command as its user would give it."""
        more = ["--resume"] if (folder / "run.json").exists() else []
        command = [*COMMAND, "run", "card.yml", "-o", str(folder), *more, *options]
        return subprocess.Popen(
            [*command, "--checkpoint-every", "0", "--quiet"],
            cwd=self.place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, folder: Path, *options: str) -> None:
        """Runs to the end."""
        process = self.start(folder, *options)
        said, _ = process.communicate(timeout=900)
        if process.returncode:
            raise AssertionError(f"exit code {process.returncode}: {said}")

    def kill(self, process: subprocess.Popen[str], folder: Path) -> None:
        """Kills ``process`` at a moment of its run, unless it ends before."""
        begun, moment = time.monotonic(), self.random.choice(["any time", *MOMENTS])
        delay = self.random.uniform(0, 0.05)
        if moment == "any time":
            delay = self.random.uniform(0, self.seconds)
        else:
            before = set(folder.glob(MOMENTS[moment]))
            while process.poll() is None and not set(folder.glob(MOMENTS[moment])) - before:
                time.sleep(0.004)
                if time.monotonic() - begun > 0.9 * self.seconds:
                    moment, delay = "late", 0.0
                    break
        while process.poll() is None and delay > 0:
            time.sleep(min(delay, 0.02))
            delay -= 0.02
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[0]
        if process.returncode != -signal.SIGKILL:  # it was at its end before
            if process.returncode:
                raise AssertionError(f"exit code {process.returncode}: {said}")
            return
        self.kills += 1
        self.moments[moment] += 1
        if self.log is not None:
            here = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))
            note = {
                "kill": self.kills,
                "moment": moment,
                "after_s": round(time.monotonic() - begun, 2),
                "replicas": sum(name.endswith("result.json") for name in here),
                "resumable": "run.json" in here,
            }
            with self.log.open("a") as stream:
                stream.write(json.dumps(note) + "\n")

    def trial(self, folder: Path) -> None:
        """A fit that is killed some times and then finished."""
        for _ in range(self.random.randint(1, 9)):
            self.kill(self.start(folder), folder)
        self.finish(folder)

    def trial_of_jobs(self, folder: Path) -> None:
        """Two jobs in one folder, killed in turn, then finished by one of them."""
        ranges = self.random.choice([("1-3", "4-6"), ("1-6", "1-6"), ("1-4", "3-6")])
        for _ in range(self.random.randint(1, 3)):
            both = [self.start(folder, "--replicas", numbers) for numbers in ranges]
            self.random.shuffle(both)
            for process in both:
                self.kill(process, folder)
        self.finish(folder, "--replicas", "1-6")


def differences(ours: Path, theirs: Path) -> list[str]:
    """What differs between two fits, bit by bit, or is left over in ``ours``."""
    found = [f"{path} is left over" for path in sorted(ours.rglob(".*"))]
    found += ["jobs are left over"] if (ours / "jobs").exists() else []
    names = [sorted(p.name for p in (fit / "replicas").iterdir()) for fit in (ours, theirs)]
    if names[0] != names[1]:
        return [*found, f"replicas {names[0]}"]
    for name in names[0]:
        a, b = (fit / "replicas" / name for fit in (ours, theirs))
        records = [json.loads((each / "result.json").read_text()) for each in (a, b)]
        for record in records:
            del record["files"], record["checksum"]  # a network's file has the time in it
        if records[0] != records[1]:
            found.append(f"{name}/result.json differs")
        for file in sorted(b.glob("*.npz")):
            with np.load(a / file.name) as x, np.load(file) as y:
                if any(x[key].tobytes() != y[key].tobytes() for key in y.files):
                    found.append(f"{name}/{file.name} differs")
    runs = [json.loads((fit / "run.json").read_text()) for fit in (ours, theirs)]
    if runs[0]["selection"] != runs[1]["selection"] or runs[0]["hash"] != runs[1]["hash"]:
        found.append("run.json differs")
    return found


def main() -> None:
    """Kills until enough were killed, and says what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1)
    parser.add_argument("--minutes", type=float, default=10**6, help="stop by then")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    deadline, trials, equal = time.monotonic() + 60 * given.minutes, 0, 0
    with tempfile.TemporaryDirectory() as place:
        killer = Killer(Path(place), random.Random(given.seed), given.log)
        peace = killer.prepare()
        print(f"seed {given.seed}; a run in peace takes {killer.seconds:.0f} s", flush=True)
        while killer.kills < given.kills and time.monotonic() < deadline:
            trials += 1
            folder = Path(place) / f"fit_{trials}"
            try:
                (killer.trial if given.jobs == 1 else killer.trial_of_jobs)(folder)
                found = differences(folder, peace)
            except AssertionError as fault:
                found = [str(fault)]
            equal += not found
            killer.faults += [f"trial {trials}: {each}" for each in found]
            print(f"{killer.kills} kills, {equal} of {trials} fits equal", *found, flush=True)
    print(f"moments: {dict(killer.moments)}")
    print(f"{killer.kills} kills in {trials} fits: {equal} equal bit by bit", *killer.faults)
    sys.exit(bool(killer.faults))


if __name__ == "__main__":
    main()
