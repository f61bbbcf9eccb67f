"""The shipped files are there, whole, and agree with the catalogue."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_dis.catalogue import DATA_FOLDER, DATASETS, dataset_path
from replicafit_dis.grid import common_grid
from replicafit_dis.theory import FLAVOURS, ISOTRIPLET, TheoryParameters

from replicafit.data import stack
from replicafit.data.dataset import Dataset

Shipped = dict[str, Dataset]
VALENCE = [i for i, flavour in enumerate(FLAVOURS) if flavour.startswith("v")]
MEGABYTE = 1_000_000


def test_every_dataset_has_a_file_and_every_file_a_dataset() -> None:
    assert {path.stem for path in DATA_FOLDER.glob("*.npz")} == set(DATASETS)


def test_files_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA_FOLDER.glob("*.npz")) < 8 * MEGABYTE


def test_temporary_files_are_gone() -> None:
    assert [path.name for path in DATA_FOLDER.glob(".*")] == []


@pytest.mark.parametrize("name", DATASETS)
def test_file_agrees_with_catalogue(shipped: Shipped, name: str) -> None:
    dataset, info = shipped[name], DATASETS[name]
    assert dataset.name == name
    assert dataset.flavours == FLAVOURS
    assert dataset.attributes == {"q0": TheoryParameters().q0}
    assert dataset.operation == info.operation
    assert len(dataset.tables) == len(info.targets)
    assert dataset.metadata["process"] == info.process
    assert dataset.metadata["experiment"] == info.experiment
    assert dataset.metadata["theory"] == TheoryParameters().summary(info.masses)
    assert dataset.metadata["provenance"]["nnpdf_name"] == info.nnpdf_name
    assert dataset.metadata["provenance"]["packages"]["nnpdf-data"] == "4.1.5"


@pytest.mark.parametrize("name", DATASETS)
def test_tables_are_stored_in_float32(name: str) -> None:
    with np.load(dataset_path(name), allow_pickle=False) as file:
        tables = [key for key in file.files if key.startswith("fk_")]
        assert {file[key].dtype for key in tables} == {np.dtype(np.float32)}
        assert file["central"].dtype == np.float64


@pytest.mark.parametrize("name", DATASETS)
def test_kinematics_pass_the_cuts(shipped: Shipped, name: str) -> None:
    q2, x = shipped[name].kinematics["q2"], shipped[name].kinematics["x"]
    y = shipped[name].kinematics["y"]
    assert np.all(q2 >= DATASETS[name].cuts.q2_min)
    # NMC cuts on the nominal x of a bin, and the file has the measured one: 3 per cent apart.
    assert np.all(q2 * (1 - x) / x >= 0.97 * DATASETS[name].cuts.w2_min)
    assert np.all((y >= 0) & (y <= 1))


@pytest.mark.parametrize("name", DATASETS)
def test_grid_is_a_suffix_of_the_common_grid(shipped: Shipped, name: str) -> None:
    grid = shipped[name].x_grid
    np.testing.assert_array_equal(grid, common_grid()[-len(grid) :])
    assert grid[0] < 0.7 * shipped[name].kinematics["x"].min()


@pytest.mark.parametrize("name", DATASETS)
def test_errors_are_positive(shipped: Shipped, name: str) -> None:
    dataset = shipped[name]
    assert np.all(dataset.central > 0)
    assert np.all(dataset.stat >= 0)
    assert len(dataset.sys_add_names) + len(dataset.sys_mult_names) > 0


@pytest.mark.parametrize("name", DATASETS)
def test_symmetries_of_the_tables(shipped: Shipped, name: str) -> None:
    """Photons see no valence; a deuteron per nucleon sees no isotriplet (isospin symmetry).

    Nor do charm and bottom production by photons and Z, which see all light quarks alike.
    """
    info = DATASETS[name]
    seen = info.observable in ("SIGMA_CHARM", "SIGMA_BOTTOM")
    isotriplet = [FLAVOURS.index(flavour) for flavour in ISOTRIPLET]
    for target, table in zip(info.targets, shipped[name].tables, strict=True):
        assert np.all(table[:, VALENCE] == 0) == (info.observable.endswith("_EM") or seen)
        if not seen:
            assert np.all(table[:, isotriplet] == 0) == (target == "deuteron")
        else:
            assert np.max(np.abs(table[:, isotriplet])) < 1e-3 * np.max(np.abs(table))


def test_all_together_have_a_positive_definite_covariance(shipped: Shipped) -> None:
    data = stack(list(shipped.values()))
    spread = np.sqrt(np.diag(data.covariance))
    correlation = data.covariance / np.outer(spread, spread)
    np.linalg.cholesky(correlation - 1e-6 * np.eye(len(spread)))  # the lowest eigenvalue is more
    assert len(data.x_grid) <= 50


def test_hera_sources_are_shared_between_its_datasets(shipped: Shipped) -> None:
    hera = [name for name in shipped if name.startswith("HERA") and "EAVG" not in name]
    shared = [set(shipped[name].shift_names) - {"UNCORR"} for name in hera]
    assert len(set.intersection(*shared)) > 100
