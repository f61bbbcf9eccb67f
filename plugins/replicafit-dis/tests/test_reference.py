"""Data equal to, and theory close to, an independent computation with charm and bottom masses.

The bounds on the theory are what the README states: measured distances, rounded up a little.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from replicafit_dis.catalogue import DATA_FOLDER, DATASETS, dataset_path
from replicafit_dis.compare import Difference, compare, load_functions

from replicafit.data import read_dataset, stack
from replicafit.data.dataset import Dataset

BOUNDS = {
    "BCDMS_NC_P_EM-F2": (0.3, 0.7),
    "BCDMS_NC_D_EM-F2": (0.35, 0.75),
    "NMC_NC_P_EM-SIGMARED": (0.2, 0.4),
    "NMC_NC_EM_D_OVER_P-F2": (0.05, 0.1),
    "SLAC_NC_P_EM-F2": (0.3, 0.45),
    "SLAC_NC_D_EM-F2": (0.3, 0.45),
    "HERA_NC_225GEV_EP-SIGMARED": (0.12, 0.3),
    "HERA_NC_251GEV_EP-SIGMARED": (0.12, 0.3),
    "HERA_NC_300GEV_EP-SIGMARED": (0.12, 0.3),
    "HERA_NC_318GEV_EP-SIGMARED": (0.3, 2.0),
    "HERA_NC_318GEV_EM-SIGMARED": (0.25, 0.4),
    "HERA_CC_318GEV_EP-SIGMARED": (0.1, 0.4),
    "HERA_CC_318GEV_EM-SIGMARED": (0.1, 0.4),
    "HERA_NC_318GEV_EAVG_CHARM-SIGMARED": (0.2, 0.5),
    "HERA_NC_318GEV_EAVG_BOTTOM-SIGMARED": (0.1, 0.2),
    "NUTEV_CC_FE_NU-SIGMARED": (0.1, 0.2),
    "NUTEV_CC_FE_NB-SIGMARED": (0.1, 0.2),
}
"""Median and 95 per cent quantile of |ours / reference - 1|, in per cent."""


@pytest.fixture(scope="module")
def differences(reference: Path) -> dict[str, Difference]:
    """Ours and the reference with the NNPDF4.0 functions, by dataset."""
    functions = load_functions(reference / "nnpdf40_golden.npz", "xf_member_0")
    return {entry.name: entry for entry in compare(reference, DATA_FOLDER, functions)}


@pytest.mark.parametrize("name", DATASETS)
def test_data_are_equal(differences: dict[str, Difference], name: str) -> None:
    assert differences[name].data_agree
    assert differences[name].n_missing == 0


@pytest.mark.parametrize("name", DATASETS)
def test_theory_is_close(differences: dict[str, Difference], name: str) -> None:
    distance = 100 * differences[name].distance
    median, quantile = BOUNDS[name]
    assert np.median(distance) < median
    assert np.quantile(distance, 0.95) < quantile


@pytest.mark.parametrize("family", ["BCDMS", "NMC", "SLAC", "HERA", "NUTEV"])
def test_covariance_is_equal(shipped: dict[str, Dataset], reference: Path, family: str) -> None:
    names = [name for name in DATASETS if name.startswith(family)]
    theirs = stack([read_dataset(dataset_path(name, reference)) for name in names])
    ours = stack([shipped[name] for name in names])
    positions = {datum: i for i, datum in enumerate(_keys(theirs.datasets))}
    assert len(positions) == theirs.n_data
    rows = np.array([positions[datum] for datum in _keys(ours.datasets)])
    np.testing.assert_allclose(
        ours.covariance, theirs.covariance[np.ix_(rows, rows)], rtol=1e-12, atol=1e-18
    )


def _keys(datasets: tuple[Dataset, ...]) -> list[tuple[str, float, float, float]]:
    """Dataset and kinematics of every datum of ``datasets``."""
    return [
        (dataset.name, x, q2, y)
        for dataset in datasets
        for x, q2, y in zip(
            *(dataset.kinematics[k].round(12).tolist() for k in ("x", "q2", "y")), strict=True
        )
    ]
