"""Real data and real tables: the reference files, written as FK tables and read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.reader import read

from replicafit.data import Dataset, read_dataset
from replicafit.data.covariance import covariance
from replicafit.data.cuts import passing, select
from replicafit.forward.predictions import predict
from replicafit.plugins import load_registry

REPOSITORY = Path(__file__).parents[3]
CUTS = ("q2 >= 3.49", "q2 * (1 - x) / x >= 12.5")
DATASETS = {
    "SLAC_NC_P_EM-F2": ("SLAC_NC_NOTFIXED_P_EM-F2", "legacy_dw", "SLAC_NC_EM_P_F2", 211),
    "SLAC_NC_D_EM-F2": ("SLAC_NC_NOTFIXED_D_EM-F2", "legacy_dw", "SLAC_NC_EM_D_F2", 211),
    "HERA_CC_318GEV_EP-SIGMARED": (
        *("HERA_CC_318GEV_EP-SIGMARED", "legacy", "HERA_CC_318GEV_EP_SIGMARED", 39),
    ),
}
"""By the name of the reference file: dataset, variant, table and number of data."""


@pytest.fixture(scope="module")
def reference() -> Path:
    """The folder of reference files of the format replicafit-dataset/1."""
    root = os.environ.get("REPLICAFIT_REFERENCE", REPOSITORY.parent / "shared" / "reference")
    folder = Path(root) / "dis"
    if not (folder / "nnpdf40_golden.npz").is_file():
        pytest.skip("no reference data: set REPLICAFIT_REFERENCE to the folder that has them")
    return folder


@pytest.mark.parametrize("name", DATASETS)
def test_data_and_predictions_of_nnpdf40(
    toy: Any, tmp_path: Path, reference: Path, name: str
) -> None:
    """After NNPDF's cuts: the same data, covariance and predictions of NNPDF4.0."""
    expected = read_dataset(reference / f"{name}.npz")
    real, variant, table, n_data = DATASETS[name]
    settings = NnpdfSettings(name=real, variant=variant, tables=".", cache="cache")
    path = tmp_path / f"{table}.pineappl.lz4"
    toy.make(path, n_data, x=toy.x[-2:])
    kept = passing(read(settings, tmp_path), CUTS)
    write(toy, path, expected, kept)
    dataset = select(read(settings, tmp_path), kept)
    np.testing.assert_array_equal(dataset.central, expected.central)
    found, wanted = covariance([dataset]).dense, covariance([expected]).dense
    errors = np.sqrt(np.diag(wanted))
    np.testing.assert_allclose(
        found / np.outer(errors, errors), wanted / np.outer(errors, errors), rtol=0, atol=1e-12
    )
    with np.load(reference / "nnpdf40_golden.npz") as golden:
        order = [golden["flavours"].tolist().index(flavour) for flavour in dataset.flavours]
        points = np.searchsorted(golden["x_grid"], dataset.x_grid * (1 - 1e-9))
        np.testing.assert_allclose(golden["x_grid"][points], dataset.x_grid, rtol=1e-9)
        values = golden["xf_member_0"][order][:, points].T
        predictions = predict(dataset, load_registry(), values)
        np.testing.assert_allclose(predictions, golden[f"prediction/{name}"], rtol=1e-8)


def write(toy: Any, path: Path, expected: Dataset, kept: np.ndarray) -> None:
    """The table of ``expected``, which acts on x f, as pineappl's, which acts on f."""
    from replicafit_nnpdf.fk_tables import EVOLUTION_BASIS

    numbers = {name: pid for pid, name in EVOLUTION_BASIS.items()}
    channels = [(numbers[flavour],) for flavour in expected.flavours]
    values = np.zeros((len(kept), len(channels), len(expected.x_grid)))
    table = expected.tables[0]
    assert isinstance(table, np.ndarray)
    values[kept] = table * expected.x_grid
    toy.make(
        path,
        len(kept),
        channels,
        x=expected.x_grid,
        q0=expected.attributes["q0"],
        values=values,
        unit_bins=True,
    )
