"""What several tests share: the shipped files, a toy PDF, and the reference where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from replicafit_dis.catalogue import DATASETS, dataset_path

from replicafit.data.dataset import Dataset
from replicafit.data.dataset_file import read_dataset

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def shipped() -> dict[str, Dataset]:
    """Every shipped dataset by its name."""
    return {name: read_dataset(dataset_path(name)) for name in DATASETS}


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference files of the format replicafit-dataset/1."""
    root = os.environ.get("REPLICAFIT_REFERENCE", REPOSITORY.parent / "shared" / "reference")
    folder = Path(root) / "dis"
    if not (folder / "nnpdf40_golden.npz").is_file():
        pytest.skip("no reference data: set REPLICAFIT_REFERENCE to the folder that has them")
    return folder


def toy_functions(x: np.ndarray) -> dict[str, np.ndarray]:
    """x f of the Les Houches benchmark (hep-ph/0204316, eq. 30) in the evolution basis, each (n,).

    Meant for 1.41 GeV, taken at 1.65 GeV here; no charm.
    """
    up_valence = 5.1072 * x**0.8 * (1 - x) ** 3
    down_valence = 3.06432 * x**0.8 * (1 - x) ** 4
    down_sea = 0.1939875 * x**-0.1 * (1 - x) ** 6
    up_sea = down_sea * (1 - x)
    strange = 0.4 * (up_sea + down_sea)
    up, down = up_valence + 2 * up_sea, down_valence + 2 * down_sea
    light = up + down
    return {
        "sigma": light + strange,
        "g": 1.7 * x**-0.1 * (1 - x) ** 5,
        "v": up_valence + down_valence,
        "v3": up_valence - down_valence,
        "v8": up_valence + down_valence,
        "v15": up_valence + down_valence,
        "t3": up - down,
        "t8": light - 2 * strange,
        "t15": light + strange,
    }


@pytest.fixture(scope="session")
def toy_predictions(shipped: dict[str, Dataset]) -> dict[str, np.ndarray]:
    """Predictions (d,) of the toy PDF for every dataset."""
    return {name: predict(dataset) for name, dataset in shipped.items()}


def predict(dataset: Dataset) -> np.ndarray:
    """Predictions (d,) of the toy PDF: sum over flavours f and grid points n."""
    functions = toy_functions(dataset.x_grid)
    xf = np.array([functions[flavour] for flavour in dataset.flavours])
    values = [np.einsum("dfn,fn->d", table, xf) for table in dataset.tables]
    result: np.ndarray = values[0] / values[1] if dataset.operation == "RATIO" else values[0]
    return result
