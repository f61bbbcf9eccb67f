"""What a fit begins with: positivity observables, and the function ``dis_fit`` for t0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from replicafit_dis import known
from replicafit_dis.catalogue import POSITIVITY_FOLDER
from replicafit_dis.grid import common_grid
from replicafit_dis.theory import FLAVOURS, TheoryParameters

from replicafit.data import stack
from replicafit.data.dataset import Dataset
from replicafit.data.dataset_file import read_observable
from replicafit.errors import DataError

Q0 = {"q0": TheoryParameters().q0}
PARTONS = ("GLUON", "UP", "ANTI_UP", "DOWN", "ANTI_DOWN", "STRANGE", "ANTI_STRANGE", "CHARM")
STRUCTURES = ("F2U", "F2D", "F2S", "F2C", "FLL")


@pytest.fixture(scope="module")
def observables() -> dict[str, Dataset]:
    return {path.stem: read_observable(path) for path in POSITIVITY_FOLDER.glob("*.npz")}


def predictions(observable: Dataset, functions: np.ndarray) -> np.ndarray:
    """(d,) from x f (n, f) on the common grid."""
    result: np.ndarray = np.einsum("dfn,nf->d", observable.tables[0], functions)
    return result


def test_observables_are_those_of_one_hadron_in_nnpdf40(observables: dict[str, Dataset]) -> None:
    assert set(observables) == {f"POS_{name}" for name in (*PARTONS, *STRUCTURES)}
    for name, observable in observables.items():
        assert observable.name == name
        assert observable.attributes == Q0
        assert observable.tables[0].shape == (20, len(FLAVOURS), 50)
        np.testing.assert_array_equal(observable.x_grid, common_grid())


def test_quark_and_antiquark_differ_by_the_sign_of_valence(
    observables: dict[str, Dataset],
) -> None:
    valence = np.array([name.startswith("v") for name in FLAVOURS])
    for name in ("UP", "DOWN", "STRANGE"):
        quark, anti = (observables[f"POS_{each}"].tables[0] for each in (name, f"ANTI_{name}"))
        np.testing.assert_allclose(quark[:, ~valence], anti[:, ~valence], atol=1e-6)
        np.testing.assert_allclose(quark[:, valence], -anti[:, valence], atol=1e-2)


def test_they_are_those_of_nnpdf40(observables: dict[str, Dataset], reference: Path) -> None:
    """For NNPDF4.0's own functions; F2 of NNPDF has target-mass corrections at large x."""
    golden = np.load(reference / "nnpdf40_golden.npz")
    x, shown = common_grid(), golden["x_grid"]
    places = [int(np.abs(x - each).argmin()) for each in shown]
    functions = np.zeros((len(x), len(FLAVOURS)))
    functions[places] = golden["xf_member_0"].T
    functions[: min(places)] = functions[min(places)]
    for name, observable in observables.items():
        other = read_observable(reference / "positivity" / f"NNPDF_{name}_40.npz")
        ours, theirs = predictions(observable, functions), predictions(other, functions)
        allowed = {"POS_F2C": 0.015, "POS_FLL": 0.06, "POS_F2S": 0.16}.get(name, 0.06)
        assert np.abs(ours / theirs - 1).max() < allowed, name
        if name.removeprefix("POS_") in PARTONS:
            assert np.median(np.abs(ours / theirs - 1)) < 1e-3, name


def test_the_shipped_fit_describes_the_data(shipped: dict[str, Dataset]) -> None:
    fit, data = known.read("dis_fit", Path(), Q0), stack(list(shipped.values()))
    assert set(fit.flavours) == set(FLAVOURS)
    turn = [fit.flavours.index(name) for name in FLAVOURS]
    found = []
    for dataset in data.datasets:
        functions = fit(dataset.x_grid)[:, turn]
        values = [np.einsum("dfn,nf->d", table, functions) for table in dataset.tables]
        found.append(values[0] / values[1] if dataset.operation == "RATIO" else values[0])
    residual = np.concatenate(found) - data.central
    chi2 = residual @ np.linalg.solve(data.covariance, residual)
    assert chi2 / data.n_data < 1.25


def test_the_shipped_fit_is_positive_where_it_was_kept_so(
    observables: dict[str, Dataset],
) -> None:
    fit = known.read("dis_fit", Path(), Q0)
    turn = [fit.flavours.index(name) for name in FLAVOURS]
    for observable in observables.values():
        assert predictions(observable, fit(common_grid())[:, turn]).min() > -1e-6


def test_the_shipped_fit_is_not_zero_for_rounding_and_nothing_beyond_its_grid() -> None:
    fit, ends = known.read("dis_fit", Path(), Q0), common_grid()[[0, -1]]
    np.testing.assert_array_equal(fit(ends * np.array([1 - 1e-12, 1 + 1e-12])), fit(ends))
    for x in (np.array([1e-7, 0.1]), np.array([0.1, 2.0]), np.full((2, 2), 0.5)):
        with pytest.raises(DataError, match="known for one x from 2e-07 to 1"):
            fit(x)


def test_the_shipped_fit_is_of_one_scale() -> None:
    with pytest.raises(DataError, match=r"at q0 = 1\.65 GeV, but the tables of the data act at 1"):
        known.read("dis_fit", Path(), {"q0": 1.0})
