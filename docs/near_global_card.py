"""Writes the runcard of a near-global fit: 60 datasets of one and of two hadrons, 2905 data.

    python docs/near_global_card.py REFERENCE CARD.yml [--positivity DIR] [--t0 FIT_DIR]

REFERENCE holds ``dis/*.npz``, ``dis/positivity/*.npz`` and ``global/sets/*.npz``, files of
replicafit-dataset/1; DIR more positivity observables. Everything is as NNPDF4.0 has it (the preset)
but for the steps: 5000 at a rate that falls from 0.03 in place of 17,000 at 0.0026.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import yaml

STEPS, RATE = 5000, 0.03


def near_global(files: list[str], positivity: list[str], t0: str | None) -> dict[str, Any]:
    """The runcard of a fit to the datasets ``files``."""
    cosine = {"type": "cosine", "decay_steps": STEPS, "final_fraction": 0.01}
    return {
        "extends": "replicafit_pdf:nnpdf40",
        "title": "A near-global fit",
        "seed": 20240601,
        "replicas": 100,
        "data": {
            "datasets": [{"type": "file", "path": file} for file in files],
            **({"t0": t0} if t0 else {}),
        },
        "penalties": [
            {"type": "positivity", "path": positivity, "initial": 184.8, "maximum": 1e6},
            {"type": "integrability", "flavours": ["t3", "t8"], "initial": 10, "maximum": 100},
        ],
        "training": {
            "optimizer": {"learning_rate": RATE, "clipnorm": 6.073e-6, "schedule": cosine},
            "max_steps": STEPS,
            "check_every": 25,
            "patience": STEPS,
            "slots": 25,
        },
        "export": ["network", "function", "history", "data", "predictions"],
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", type=Path)
    parser.add_argument("card", type=Path)
    parser.add_argument("--positivity", type=Path, action="append", default=[])
    parser.add_argument("--t0", type=Path)
    given = parser.parse_args()

    def seen(path: Path) -> str:
        return os.path.relpath(path, given.card.parent)

    files = sorted((given.reference / "dis").glob("*-*.npz"))
    files += sorted((given.reference / "global" / "sets").glob("*.npz"))
    positivity = [given.reference / "dis" / "positivity", *given.positivity]
    t0 = seen(given.t0) if given.t0 else None
    card = near_global([*map(seen, files)], [*map(seen, positivity)], t0)
    given.card.write_text(yaml.safe_dump(card, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main()
