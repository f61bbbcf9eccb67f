"""Counts the stuck replicas of a fit: those that end with a chi2 per datum no good one has.

    replicafit run tests/benchmarks/dis.yml --replicas 300 --set training.max_steps=2000 \\
        --set 'export=[function]' -o FOLDER
    python tests/benchmarks/stuck.py FOLDER [--above 1.25]

All replicas of the fit are counted, the refused ones too. Those that began anew
(``training.restart_above``) are listed with the chi2 of their second start.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import replicafit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("fit", type=Path)
    parser.add_argument("--above", type=float, default=1.25, help="chi2 per datum of a stuck one")
    asked = parser.parse_args()
    results = replicafit.load_fit(asked.fit).all.results
    chi2 = {r.number: float(r.chi2_per_datum.all or "nan") for r in results}
    stuck = sorted((n for n in chi2 if not chi2[n] <= asked.above), key=lambda n: -chi2[n])
    anew = [r.number for r in results if r.start.anew]
    ordered = sorted(chi2.values())
    print(f"{len(stuck)} of {len(results)} replicas above {asked.above:g}")
    print(f"chi2 per datum: median {ordered[len(ordered) // 2]:.3f}, largest {ordered[-1]:.3f}")
    print(f"drew their start again: {sum(r.start.draw > 1 for r in results)}")
    for name, numbers in (("stuck", stuck), ("began anew", anew)):
        told = ", ".join(f"{n} ({chi2[n]:.3f})" for n in numbers)
        print(f"{name}: {told or 'none'}")


if __name__ == "__main__":
    main()
