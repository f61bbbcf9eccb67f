"""Whether two versions give the same bits: one runcard fitted by each, function.npz compared.

    python tests/benchmarks/same_bits.py CARD --beside OTHER_PYTHON [--set KEY=VALUE ...]

Prints the largest difference of any function of any replica, and exits with 1 unless it is zero.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RUN = "from replicafit.cli import main; main()"


def fitted(python: str, card: Path, output: Path, settings: list[str]) -> Path:
    """The folder of a fit by the environment of ``python``."""
    options = [part for each in settings for part in ("--set", each)]
    command = [python, "-P", "-c", RUN, "run", str(card), "-o", str(output), "-q", *options]
    subprocess.run(command, check=True)
    return output


def differences(ours: Path, theirs: Path) -> dict[int, float]:
    """By replica number the largest difference of any value in ``function.npz``."""
    found = {}
    for file in sorted(theirs.glob("replicas/*/function.npz")):
        with np.load(file) as a, np.load(ours / file.relative_to(theirs)) as b:
            assert list(a["flavours"]) == list(b["flavours"])
            assert np.array_equal(a["x"], b["x"])
            number = int(file.parent.name.removeprefix("replica_"))
            found[number] = float(np.abs(a["values"] - b["values"]).max())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("card", type=Path)
    parser.add_argument("--beside", required=True, metavar="OTHER_PYTHON")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = [
            fitted(python, given.card, Path(place) / name, given.settings)
            for name, python in (("ours", sys.executable), ("theirs", given.beside))
        ]
        found = differences(*folders)
    worst = max(found, key=lambda number: found[number])
    same = sum(difference == 0 for difference in found.values())
    print(
        f"{same} of {len(found)} replicas have the same bits; largest difference "
        f"{found[worst]:.3g} (replica {worst})"
    )
    sys.exit(same != len(found))


if __name__ == "__main__":
    main()
