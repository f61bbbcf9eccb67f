"""A cross section with an LHAPDF set, by outside tools: neopdf reads the set, pineappl folds it.

    python docs/cross_section.py SET TABLE.pineappl.lz4 [--factor CF_FILE.dat]

SET is the folder of a set of replicas, TABLE an FK table of PineAPPL; prints each bin's mean and
standard deviation over the members. Needs neopdf-hep and pineappl.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from neopdf.pdf import PDF
from pineappl.fk_table import FkTable
from replicafit_nnpdf.cfactors import read_cfactor
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS, evolution_from_partons

LADDER = ("3", "8", "15", "24", "35")
CODES = {
    **{100: "sigma", 200: "v"},
    **{100 + int(n): f"t{n}" for n in LADDER},
    **{200 + int(n): f"v{n}" for n in LADDER},
}
"""The numbers of functions of the evolution basis in tables."""


def read_by(member: PDF) -> Callable[[int, float, float], float]:
    """x f(x, Q2) of a parton, or of a function of the evolution basis, by its number."""
    known, low = set(member.pids()), member.q2_min()  # rounding may be below it

    @cache
    def evolution(x: float, q2: float) -> np.ndarray:
        values = [member.xfxQ2(pid, x, q2) if pid in known else 0.0 for pid in PARTONS]
        return evolution_from_partons(np.array(values))

    def function(pid: int, x: float, q2: float) -> float:
        if pid in CODES:
            return float(evolution(x, max(q2, low))[EVOLUTION.index(CODES[pid])])
        return float(member.xfxQ2(pid, x, max(q2, low)))

    return function


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--factor", type=Path)
    given = parser.parse_args()
    table = FkTable.read(str(given.table))
    factor = read_cfactor(given.factor) if given.factor else 1.0
    found = []
    for file in sorted(given.set.glob(f"{given.set.name}_*.dat"))[1:]:  # the first is the mean
        function = read_by(PDF.mkPDF_lhapdf_file(str(file)))
        found.append(table.convolve(table.convolutions, [function] * len(table.convolutions)))
    values = np.array(found) * factor
    for mean, deviation in zip(values.mean(axis=0), values.std(axis=0, ddof=1), strict=True):
        print(f"{mean:.6g} ± {deviation:.3g}, of {len(values)} members")


if __name__ == "__main__":
    main()
