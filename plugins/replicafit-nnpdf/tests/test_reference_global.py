"""Real two-hadron data: predictions of NNPDF4.0 from its own tables and C-factors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.commands import nnpdf_file
from replicafit_nnpdf.reader import read

from replicafit.data import Dataset, ProductTable, read_dataset, stack
from replicafit.data.covariance import covariance
from replicafit.data.cuts import passing, select
from replicafit.data.dataset_file import read_observable
from replicafit.forward.predictions import chi2, predict
from replicafit.forward.product_squares import with_squares
from replicafit.forward.squares import Squares
from replicafit.forward.tables import DatasetTables, contracted
from replicafit.plugins import Registry

ROUNDED = 1e-4
"""The reference files leave out what changes predictions by less than 8e-5, and give six digits."""

CUTS = {"D0_WPWM_1P96TEV_ASY": ("abs_eta >= 0.2",)}


@pytest.fixture(scope="module")
def folder(reference: Path) -> Path:
    """Of two-hadron reference data."""
    if not (reference / "global" / "nnpdf40_golden.json").is_file():
        pytest.skip("no two-hadron reference data")
    return reference / "global"


def functions(folder: Path, x_grid: np.ndarray, flavours: Sequence[str]) -> np.ndarray:
    """x f of NNPDF4.0's central member, (n, f)."""
    with np.load(folder / "nnpdf40_functions.npz") as stored:
        points = np.abs(stored["x_grid"][None, :] - x_grid[:, None]).argmin(axis=1)
        np.testing.assert_allclose(stored["x_grid"][points], x_grid, rtol=1e-8)
        rows = [stored["flavours"].tolist().index(flavour) for flavour in flavours]
        return np.asarray(stored["xf_member_0"][rows][:, points].T)


def predicted(folder: Path, dataset: Dataset, registry: Registry) -> np.ndarray:
    """By NNPDF4.0's central member, (d,)."""
    return predict(dataset, registry, functions(folder, dataset.x_grid, dataset.flavours))


def test_predictions_and_chi2_of_nnpdf40(folder: Path, registry: Registry) -> None:
    """38 datasets, of all operations but SMN and SMT."""
    golden = json.loads((folder / "nnpdf40_golden.json").read_text())
    operations = set()
    for name, expected in golden.items():
        dataset = read_dataset(folder / "sets" / f"{name}.npz")
        operations.add(dataset.operation)
        found = predicted(folder, dataset, registry)
        np.testing.assert_allclose(found, expected["predictions"], rtol=ROUNDED, err_msg=name)
        each = chi2(found - dataset.central, covariance([dataset]).dense) / dataset.n_data
        assert each == pytest.approx(expected["chi2_per_datum"], rel=2e-3, abs=2e-4), name
    assert (len(golden), operations) == (38, {"NULL", "RATIO", "ADD", "ASY", "COM"})


@pytest.mark.parametrize(
    "name",
    [
        "ATLAS_TTBAR_7TEV_TOT_X-SEC",
        "CMS_WCHARM_7TEV_WPWM-TOT",
        "D0_WPWM_1P96TEV_ASY",
        "DYE866_Z0_800GEV_DW_RATIO_PDXSECRATIO",
    ],
)
def test_tables_and_cfactors_of_nnpdf(
    folder: Path, registry: Registry, installed: None, tmp_path: Path, name: str
) -> None:
    """NULL, ADD, ASY and RATIO, read from NNPDF's files: data, errors and predictions."""
    expected = read_dataset(folder / "sets" / f"{name}.npz")
    made = expected.metadata["provenance"]
    whole = read(
        NnpdfSettings(
            name=name,
            variant=made["variant"],
            cfactors=made["cfactors"],
            tables=folder / "theory_400" / "fastkernel",
            cache="cache",
        ),
        tmp_path,
    )
    dataset = select(whole, passing(whole, CUTS.get(name, ())))
    assert dataset.operation == expected.operation
    np.testing.assert_array_equal(dataset.central, expected.central)
    np.testing.assert_allclose(
        covariance([dataset]).dense, covariance([expected]).dense, rtol=1e-12
    )
    found, wanted = (predicted(folder, each, registry) for each in (dataset, expected))
    np.testing.assert_allclose(found, wanted, rtol=ROUNDED)


@pytest.mark.parametrize("flavour", ["U", "D", "S"])
def test_nnpdf40_is_positive_in_drell_yan(
    folder: Path, registry: Registry, installed: None, tmp_path: Path, flavour: str
) -> None:
    """The observables of two hadrons that NNPDF4.0 was fitted with."""
    name, tables = f"NNPDF_POS_2P24GEV_DY{flavour}", folder / "theory_400" / "fastkernel"
    arguments = [name, "--tables", str(tables), "--output", str(tmp_path)]
    nnpdf_file.main(arguments, standalone_mode=False)
    observable = read_observable(tmp_path / f"{name}.npz")
    values = predicted(folder, observable, registry)
    assert observable.n_data == 20
    assert (values > -1e-6 * np.abs(values).max()).all()


def combined(dataset: DatasetTables, p: np.ndarray) -> np.ndarray:
    """Predictions (d,) of ``dataset`` from x f (n, f), with squares where it has them."""
    each = []
    for table in dataset.tables:
        if isinstance(table, ProductTable):
            each.append(table.predict(p))
        elif isinstance(table, Squares):
            seen = [np.tensordot(p[b.points].ravel(), b.vectors, 1) for b in table.blocks]
            sums = [(b.signs * s**2).sum(axis=1) for b, s in zip(table.blocks, seen, strict=True)]
            each.append(np.broadcast_to(np.concatenate(sums), table.n_data))
        else:
            each.append(table @ p.ravel())
    assert dataset.combine is not None
    return np.asarray(dataset.combine(*each))


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("float64", 1e-9)])
def test_squares_of_real_tables(
    folder: Path, registry: Registry, precision: str, tolerance: float
) -> None:
    """Predictions of NNPDF4.0's functions, and what a tenth more of one and less of the next makes:
    in standard deviations of each datum, the others given.
    """
    data = stack([read_dataset(path) for path in sorted((folder / "sets").glob("*.npz"))])
    slow = contracted(data, registry, data.flavours)
    fast = with_squares(slow, data, precision)
    errors = 1 / np.sqrt(np.diag(np.linalg.inv(data.fit_errors.dense)))
    p = functions(folder, data.x_grid, data.flavours)
    step = 0.1 * p * (-1) ** np.arange(p.shape[1])

    def value_and_change(tables: DatasetTables) -> np.ndarray:
        above, below = combined(tables, p + step), combined(tables, p - step)
        return np.stack([combined(tables, p), (above - below) / 2])

    for given, form in zip(slow, fast, strict=True):
        difference = value_and_change(form) - value_and_change(given)
        assert np.abs(difference / errors[given.indices]).max() < tolerance, given.name
