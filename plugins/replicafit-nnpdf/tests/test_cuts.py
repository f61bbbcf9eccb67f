"""Kinematics as cuts use them: NNPDF's cuts keep as many data as NNPDF4.0 has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.reader import read

from replicafit.data.cuts import passing, select

NNPDF_CUTS = ("q2 >= 3.49", "q2 * (1 - x) / x >= 12.5")
"""arXiv:2109.02653, section 2: without the proton's mass."""


@pytest.mark.parametrize(
    ("name", "variant", "table", "n_data", "left"),
    [
        ("SLAC_NC_NOTFIXED_P_EM-F2", "legacy_dw", "SLAC_NC_EM_P_F2", 211, 33),
        ("SLAC_NC_NOTFIXED_D_EM-F2", "legacy_dw", "SLAC_NC_EM_D_F2", 211, 34),
        ("HERA_CC_318GEV_EP-SIGMARED", "legacy", "HERA_CC_318GEV_EP_SIGMARED", 39, 39),
    ],
)
def test_numbers_of_data(
    toy: Any, tmp_path: Any, name: str, variant: str, table: str, n_data: int, left: int
) -> None:
    """arXiv:2109.02653, section 2, after cuts."""
    toy.make(tmp_path / f"{table}.pineappl.lz4", n_data, x=toy.x[-2:])
    settings = NnpdfSettings(name=name, variant=variant, tables=".", cache="cache")
    dataset = read(settings, tmp_path)
    assert dataset.n_data == n_data
    assert passing(dataset, NNPDF_CUTS).sum() == left


@pytest.mark.parametrize("hadrons", [1, 2])
def test_cutting(workshop: Any, toy: Any, hadrons: int) -> None:
    """Also by variables that only this experiment has; minimum and maximum make a middle."""
    workshop.table("A", 4, toy.dis if hadrons == 1 else toy.pp)
    workshop.measured(4, {"FK_tables": [["A"]]})
    dataset = workshop.read()
    np.testing.assert_array_equal(dataset.kinematics["q2"], [2, 3, 4, 5])
    np.testing.assert_array_equal(dataset.kinematics["sqrts"], [10] * 4)
    kept = passing(dataset, ["q2 > 2.5", "sqrts == 10", "x < 0.1"])
    np.testing.assert_array_equal(kept, [False, True, True, False])
    part = select(dataset, kept)
    np.testing.assert_allclose(toy.predicted(part), toy.predicted(dataset)[kept], rtol=1e-14)
