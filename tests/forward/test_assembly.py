"""The data of a fit, from runcard to covariances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import yaml
from toy import FLAVOURS, TOY_CARD, toy_function

from replicafit.data import read_dataset, replica_data, stack
from replicafit.errors import DataError, RuncardError
from replicafit.forward.assembly import load_data
from replicafit.forward.chi2 import chi2_of
from replicafit.forward.forms import plan_forms
from replicafit.forward.predictions import chi2, predict, predict_all
from replicafit.runcard import Override, canonical, load_runcard, load_setup
from replicafit.seeds import Seeds
from replicafit.training.backend import backend

X = np.geomspace(1e-4, 1, 150)


@pytest.fixture
def data_for(toy_folder, registry):
    """The data of the toy card with some keys of ``data`` changed."""

    def build(entries=None, **changes):
        card = yaml.safe_load(TOY_CARD)
        card["data"] |= changes
        for place, keys in (entries or {}).items():
            card["data"]["datasets"][place] |= keys
        path = toy_folder / "changed.yml"
        path.write_text(yaml.safe_dump(card))
        return load_data(load_setup(path, registry=registry))

    return build


@pytest.fixture
def stored(toy_folder):
    """A stored function, 10 % above the toy function."""
    values = 1.1 * toy_function(X)
    np.savez(toy_folder / "f.npz", x=X, flavours=np.array(FLAVOURS), values=values, q0=1.65)
    return lambda x: 1.1 * toy_function(x)


def test_by_default_all_covariances_are_the_experimental_one(data_for, toy_data):
    data = data_for()
    np.testing.assert_array_equal(data.covariance, toy_data.covariance)
    assert data.fit_covariance is data.covariance
    assert data.n_measured == {"A": 40, "BB": 25, "RATIO": 12}
    assert (data.whitening, data.held_out, data.sampled_extra) == (None, None, None)


def test_t0_is_the_explicit_double_sum(data_for, toy_datasets, stored, registry):
    data = data_for(t0="f.npz")
    rows = [(d, i) for d in toy_datasets for i in range(d.n_data)]
    t0 = {d.name: predict(d, registry, stored(d.x_grid)) for d in toy_datasets}
    shifts = {
        d.name: np.hstack([d.sys_add, d.sys_mult_percent / 100 * t0[d.name][:, None]])
        for d in toy_datasets
    }
    for a in range(0, len(rows), 7):
        for b in range(len(rows)):
            (da, i), (db, j) = rows[a], rows[b]
            expected = da.stat[i] ** 2 if a == b else 0.0
            for p, name in enumerate(da.shift_names):
                for q, other in enumerate(db.shift_names):
                    if name == other and (name != "CORR" or da is db):
                        expected += shifts[da.name][i, p] * shifts[db.name][j, q]
            assert data.fit_covariance[a, b] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(data.covariance, stack(toy_datasets).covariance)


def test_a_weight_multiplies_the_chi2_of_its_dataset(data_for):
    plain, weighted = data_for(), data_for(entries={1: {"weight": 2.0}})
    residual = np.where(np.arange(plain.n_data) // 40 == 0, 0.0, 1.0)
    residual[plain.slices[2]] = 0.0
    own = plain.slices[1]
    ours = chi2(residual[own], weighted.fit_covariance[own, own])
    assert ours == pytest.approx(2 * chi2(residual[own], plain.covariance[own, own]))
    np.testing.assert_array_equal(weighted.covariance, plain.covariance)


def test_cuts_for_all_and_for_one(data_for, toy_datasets):
    data = data_for(cuts=["x > 0.1"], entries={0: {"cuts": ["x < 0.5", "w2 > 5"]}})
    for dataset, whole in zip(data.datasets, toy_datasets, strict=True):
        x = whole.kinematics["x"]
        kept = x > 0.1
        if whole.name == "A":
            kept &= (x < 0.5) & (10 * (1 - x) / x + 0.938272**2 > 5)
        np.testing.assert_array_equal(dataset.central, whole.central[kept])
    assert data.n_measured["A"] == 40


@pytest.mark.parametrize("sampled", [False, True])
def test_extra_covariance(data_for, toy_folder, sampled):
    """Rows for BB alone, in another order, with cuts."""
    order = np.random.default_rng(0).permutation(25)
    errors = np.linspace(0.1, 1, 25)
    matrix = np.outer(errors, errors)
    np.savez(
        toy_folder / "theory.npz",
        matrix=matrix[np.ix_(order, order)],
        dataset=np.full(25, "BB"),
        datum=order,
    )
    extra = [{"path": "theory.npz", "sampled": sampled}]
    data = data_for(extra_covariances=extra, cuts=["x > 0.1"])
    expected = data.covariance.copy()
    kept = read_dataset(toy_folder / "BB.npz").kinematics["x"] > 0.1
    expected[data.slices[1], data.slices[1]] += matrix[np.ix_(kept, kept)]
    np.testing.assert_allclose(data.fit_covariance, expected, rtol=1e-12)
    if sampled:
        np.testing.assert_allclose(data.covariance + data.sampled_extra, expected, rtol=1e-12)
    else:
        assert data.sampled_extra is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": np.full(25, "B")}, "is for B; the fit has A, BB, RATIO"),
        ({"datum": np.arange(1, 26)}, r"none for 1 of its data \(the first is 0"),
        ({"datum": np.zeros(25, dtype=int)}, "two rows for one datum"),
        ({"matrix": -np.eye(25)}, "negative eigenvalues"),
        ({"matrix": np.triu(np.ones((25, 25)))}, "symmetric"),
        ({"matrix": np.eye(3)}, "must have the shapes"),
    ],
)
def test_extra_covariances_that_cannot_be_used(data_for, toy_folder, change, words):
    good = {"matrix": np.eye(25), "dataset": np.full(25, "BB"), "datum": np.arange(25)}
    np.savez(toy_folder / "bad.npz", **(good | change))
    with pytest.raises(DataError, match=words):
        data_for(extra_covariances=[{"path": "bad.npz"}])


def test_regularization_and_diagonal_basis_are_of_the_fit_covariance(data_for):
    data = data_for(norm_threshold=1.2, split={"basis": "diagonal", "shared": True})
    unit = data.whitening @ data.fit_covariance @ data.whitening.T
    np.testing.assert_allclose(unit, np.eye(data.n_data), atol=1e-9)
    assert not np.allclose(data.fit_covariance, data.covariance)
    assert data.shared_split


def test_a_held_out_fold_is_kept_apart(data_for, toy_datasets):
    data = data_for(folds=[["A"], ["BB", "RATIO"]], hold_out=1)
    assert [d.name for d in data.datasets] == ["BB", "RATIO"]
    assert [d.name for d in data.held_out.datasets] == ["A"]
    np.testing.assert_array_equal(data.held_out.covariance, stack(toy_datasets[:1]).covariance)


def truth_of(data, registry, function):
    return np.concatenate([predict(d, registry, function(d.x_grid)) for d in data.datasets])


def test_closure_level_0_is_the_truth(data_for, registry, stored):
    data = data_for(closure={"truth": "f.npz", "level": 0})
    np.testing.assert_allclose(data.central, truth_of(data, registry, stored), rtol=1e-5)
    own = replica_data(data, Seeds(7), (1, 2), 0.5, pseudodata=False)
    np.testing.assert_array_equal(own.values, [data.central, data.central])


def test_closure_errors_in_per_cent_are_of_the_truth(data_for, registry, stored, toy_datasets):
    exact = data_for(closure={"truth": "f.npz", "level": 0})
    noisy = data_for(closure={"truth": "f.npz", "level": 1})
    np.testing.assert_array_equal(exact.covariance, noisy.covariance)
    truth = truth_of(exact, registry, stored)
    pairs = zip(toy_datasets, exact.slices, strict=True)
    expected = stack([dataclasses.replace(d, central=truth[s]) for d, s in pairs]).covariance
    np.testing.assert_allclose(exact.covariance, expected, rtol=1e-4)


def test_closure_noise_is_one_for_all_and_from_the_seed(data_for, stored, toy_folder, registry):
    one = data_for(closure={"truth": "f.npz", "level": 1})
    two = data_for(closure={"truth": "f.npz", "level": 2})
    held = data_for(closure={"truth": "f.npz", "level": 2}, folds=[["A"]], hold_out=1)
    exact = data_for(closure={"truth": "f.npz", "level": 0})
    np.testing.assert_array_equal(one.central, two.central)
    np.testing.assert_array_equal(one.central[one.slices[0]], held.held_out.central)
    noise = chi2(one.central - exact.central, exact.covariance) / exact.n_data
    assert 0.5 < noise < 1.6
    card = toy_folder / "changed.yml"
    other = load_setup(card, [Override.yaml("--seed", "seed", "8")], registry)
    assert not np.array_equal(load_data(other).central, held.central)


def test_closure_decides_about_pseudodata(data_for, toy_folder, registry):
    for level, fluctuates in ((0, False), (1, False), (2, True)):
        data_for(closure={"truth": "toy_les_houches", "level": level})
        card = load_runcard(toy_folder / "changed.yml", registry)
        assert canonical(card)["data"]["pseudodata"] is fluctuates
    with pytest.raises(RuncardError, match="level 1 has no pseudodata"):
        data_for(closure={"truth": "toy_les_houches", "level": 1}, pseudodata=True)
    with pytest.raises(RuncardError, match="level 2 needs pseudodata"):
        data_for(closure={"truth": "toy_les_houches", "level": 2}, pseudodata=False)


def test_a_truth_without_a_flavour(data_for, toy_folder):
    values = toy_function(X)[:, :2]
    np.savez(toy_folder / "two.npz", x=X, flavours=np.array(FLAVOURS[:2]), values=values, q0=1.65)
    with pytest.raises(DataError, match=r"Dataset A: The tables need t15, t3, .*of sigma, g does"):
        data_for(closure={"truth": "two.npz", "level": 0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"t0": "nowhere"}, r"data\.t0: There is no function at '.*nowhere'"),
        ({"closure": {"truth": "no", "level": 0}}, r"data\.closure\.truth: There is no function"),
        ({"cuts": ["q2 > 50"]}, "none of the 40 data of dataset A: 'q2 > 50' alone keeps 0"),
        ({"folds": [["AA"]]}, "AA"),
    ],
)
def test_what_data_cannot_be(data_for, change, words):
    with pytest.raises(DataError, match=words):
        data_for(**change)


@pytest.mark.parametrize(
    ("entries", "change", "words"),
    [
        ({}, {"cuts": ["q2"]}, r"'q2' is no condition; .*q2 >= 3\.49"),
        ({1: {"cuts": ["q2 >"]}}, {}, "changed.yml:.*'q2 >' is no condition"),
        ({1: {"weight": 0}}, {}, "greater than 0"),
        ({1: {"wieght": 2}}, {}, "Did you mean 'weight'"),
        ({}, {"hold_out": 2, "folds": [["A"]]}, "there are 1 folds"),
        ({}, {"folds": [["A"], ["A", "BB"]]}, "A is named twice"),
        ({}, {"pseudodata": "multiplicativ"}, "pseudodata"),
        ({}, {"closure": {"truth": "toy_les_houches", "level": 3}}, "level"),
    ],
)
def test_runcards_that_cannot_be(data_for, entries, change, words):
    with pytest.raises(RuncardError, match=words):
        data_for(entries=entries, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"t0": "f.npz"},
        {"norm_threshold": 1.2},
        {"extra_covariances": [{"path": "wide.npz", "sampled": True}]},
        {"extra_covariances": [{"path": "narrow.npz"}, {"path": "wide.npz"}], "t0": "f.npz"},
        {"extra_covariances": [{"path": "narrow.npz"}], "norm_threshold": 1.5, "t0": "f.npz"},
    ],
    ids=["t0", "norm_threshold", "extra", "all extra", "everything"],
)
@pytest.mark.parametrize("basis", ["data", "diagonal"])
def test_the_fit_minimises_chi2_with_the_fit_covariance(
    data_for, registry, stored, toy_folder, change, basis
):
    """Training and validation chi2 to 1e-10, with an extra matrix of full rank or of rank 2."""
    backend().prepare("float64")
    generator = np.random.default_rng(5)
    for name, rank in (("wide", 40), ("narrow", 2)):
        root = 0.02 * toy_function(X)[0, 0] * generator.standard_normal((40, rank))
        keys = {"dataset": np.full(40, "A"), "datum": np.arange(40)}
        np.savez(toy_folder / f"{name}.npz", matrix=root @ root.T, **keys)
    data = data_for(entries={0: {"weight": 3.0}}, split={"basis": basis}, **change)
    form = chi2_of(plan_forms(data, registry, FLAVOURS, True, "float64"))
    own = replica_data(data, Seeds(3), (1,), 0.75)
    functions = 0.9 * toy_function(data.x_grid)
    residual = predict_all(data, registry, functions) - own.values[0]
    for selection in (own.training[0], ~own.training[0]):
        if basis == "diagonal":
            expected = ((data.whitening @ residual)[selection] ** 2).sum()
        else:
            part = data.fit_covariance[np.ix_(selection, selection)]
            expected = chi2(residual[selection], part)
        found = float(form(form.terms(selection, own.values[0]), functions[None])[0])
        assert found == pytest.approx(float(expected), rel=1e-10)


def test_golden_chi2_with_and_without_t0(reference, registry, tmp_path):
    """The experimental chi2 of NNPDF4.0 is that of the reference whatever the fit's covariance."""
    import json

    pytest.importorskip("replicafit_lhapdf", reason="it reads the t0 of this test")

    folder = reference / "dis"
    names = sorted(folder.glob("*-*.npz"))
    card = {
        "data": {
            "datasets": [{"type": "file", "path": str(name)} for name in names],
            "t0": str(reference / "lhapdf" / "NNPDF40_nnlo_as_01180"),
        }
    }
    (tmp_path / "card.yml").write_text(yaml.safe_dump(card))
    data = load_data(load_setup(tmp_path / "card.yml", registry=registry))
    golden = json.loads((folder / "nnpdf40_golden.json").read_text())["member_0"]
    with np.load(folder / "nnpdf40_golden.npz") as stored:
        predictions = np.concatenate([stored[f"prediction/{d.name}"] for d in data.datasets])
    residual = predictions - data.central
    total = chi2(residual, data.covariance) / data.n_data
    assert total == pytest.approx(golden["chi2_per_datum"], rel=1e-8)
    t0 = chi2(residual, data.fit_covariance) / data.n_data
    assert t0 != pytest.approx(total, rel=1e-4)
    assert 1.0 < t0 < 1.5
