"""Covariances, stacking, pseudodata and splits."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicafit.data import read_dataset, replica_data, stack
from replicafit.errors import DataError
from replicafit.seeds import Seeds


def test_covariance_element_by_element(toy_datasets):
    """The slow, obvious sum over sources."""
    data = stack(toy_datasets)
    rows = [(d, i) for d in toy_datasets for i in range(d.n_data)]
    for a in range(0, len(rows), 7):
        for b in range(len(rows)):
            (da, i), (db, j) = rows[a], rows[b]
            expected = da.stat[i] ** 2 if a == b else 0.0
            for p, name in enumerate(da.shift_names):
                for q, other in enumerate(db.shift_names):
                    same = name == other and (name not in ("CORR", "UNCORR") or da is db)
                    if same and (name != "UNCORR" or i == j) and (p == q or da is not db):
                        expected += da.shifts[i, p] * db.shifts[j, q]
            assert data.covariance[a, b] == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_sources_of_one_name_correlate_datasets(toy_data):
    a, b = toy_data.slices[0], toy_data.slices[1]
    assert np.all(toy_data.covariance[a, b] != 0)


def test_grids_join(toy_data, toy_datasets):
    assert len(toy_data.x_grid) == max(len(d.x_grid) for d in toy_datasets)
    assert np.all(np.diff(toy_data.x_grid) > 0)


def test_a_covariance_that_is_not_positive_definite_names_the_data(toy_datasets):
    bad = toy_datasets[0]
    twin = np.zeros((bad.n_data, 1))
    stat = bad.stat.copy()
    stat[[4, 9]] = 0
    sys_add, twin[[4, 9]] = np.zeros((bad.n_data, 1)), 1.0
    bad = dataclasses.replace(
        bad,
        stat=stat,
        sys_add=sys_add + twin,
        sys_add_names=("CORR",),
        sys_mult_percent=np.zeros((bad.n_data, 0)),
        sys_mult_names=(),
    )
    with pytest.raises(DataError, match=r"dataset A is not positive definite.* 4, 9 "):
        stack([bad, toy_datasets[1]])


def test_two_sources_of_one_name_in_a_dataset(toy_datasets):
    bad = dataclasses.replace(toy_datasets[0], sys_add_names=("NORM_A", "SHARED"))
    with pytest.raises(DataError, match="two systematics named 'NORM_A'"):
        stack([bad])


def test_a_dataset_given_twice(toy_datasets):
    with pytest.raises(DataError, match="A is given twice"):
        stack([toy_datasets[0], toy_datasets[0]])


def test_tables_of_another_scale(toy_datasets):
    other = dataclasses.replace(toy_datasets[1], attributes={"q0": 1.0})
    with pytest.raises(DataError, match=r"q0 = 1\.65,.*at 1\.0\."):
        stack([toy_datasets[0], other])


def test_a_replica_is_the_same_whoever_is_beside_it(toy_data):
    seeds = Seeds(11)
    together = replica_data(toy_data, seeds, (1, 2, 3), 0.7)
    alone = replica_data(toy_data, seeds, (2,), 0.7)
    np.testing.assert_array_equal(together.values[1], alone.values[0])
    np.testing.assert_array_equal(together.training[1], alone.training[0])
    assert not np.array_equal(together.values[0], together.values[1])


def test_pseudodata_have_the_covariance(toy_data):
    many = replica_data(toy_data, Seeds(0), range(1, 3001), 0.5).values
    deviation = np.cov(many.T) - toy_data.covariance
    scale = np.sqrt(np.outer(*[np.diag(toy_data.covariance)] * 2))
    assert np.abs(deviation / scale).max() < 0.12
    without = replica_data(toy_data, Seeds(0), (1,), 0.5, pseudodata=False)
    np.testing.assert_array_equal(without.values[0], toy_data.central)


def test_the_split_does_not_depend_on_other_datasets(toy_datasets):
    both = replica_data(stack(toy_datasets[:2]), Seeds(4), (1,), 0.6).training[0]
    one = replica_data(stack(toy_datasets[1:2]), Seeds(4), (1,), 0.6).training[0]
    np.testing.assert_array_equal(both[toy_datasets[0].n_data :], one)


@settings(max_examples=25, deadline=None)
@given(fraction=st.floats(0.05, 1.0), number=st.integers(1, 10**6))
def test_the_split_takes_the_fraction_of_each_dataset(toy_datasets, fraction, number):
    data = stack(toy_datasets)
    training = replica_data(data, Seeds(1), (number,), fraction).training[0]
    for place, dataset in zip(data.slices, toy_datasets, strict=True):
        assert abs(training[place].sum() - fraction * dataset.n_data) < 1


def test_a_replica_always_trains_on_something(toy_datasets):
    own = replica_data(stack(toy_datasets[2:]), Seeds(1), range(1, 50), 0.001)
    assert (own.training.sum(axis=1) == 1).all()
    assert len(np.unique(own.training.argmax(axis=1))) > 5


def test_the_digest_knows_the_data(toy_datasets):
    data = stack(toy_datasets)
    assert data.digest == stack(toy_datasets).digest
    other = dataclasses.replace(toy_datasets[0], central=toy_datasets[0].central * 1.01)
    assert data.digest != stack([other, *toy_datasets[1:]]).digest
    tables = (toy_datasets[0].tables[0] * 1.01,)
    assert (
        data.digest
        != stack([dataclasses.replace(toy_datasets[0], tables=tables), *toy_datasets[1:]]).digest
    )


def test_a_grid_point_or_a_flavour_given_twice(toy_datasets):
    dataset = toy_datasets[0]
    grid = dataset.x_grid.copy()
    grid[3] = grid[4]
    with pytest.raises(DataError, match="has a point twice"):
        stack([dataclasses.replace(dataset, x_grid=grid)])
    flavours = ("g", *dataset.flavours[1:])
    with pytest.raises(DataError, match="have a flavour twice"):
        stack([dataclasses.replace(dataset, flavours=flavours)])


def test_a_dataset_with_one_datum_trains_in_a_share_of_the_replicas(toy_datasets):
    one = toy_datasets[0]
    cut = dataclasses.replace(
        one,
        central=one.central[:1],
        stat=one.stat[:1],
        sys_add=one.sys_add[:1],
        sys_mult_percent=one.sys_mult_percent[:1],
        kinematics={k: v[:1] for k, v in one.kinematics.items()},
        tables=tuple(t[:1] for t in one.tables),
    )
    both = stack([cut, toy_datasets[1]])
    training = replica_data(both, Seeds(1), range(1, 401), 0.75).training
    assert 0.67 < training[:, 0].mean() < 0.83


def test_golden_chi2(reference):
    """chi2 of NNPDF4.0's predictions, in total and per dataset, to 1e-8."""
    files = sorted((reference / "dis").glob("*-*.npz"))
    data = stack([read_dataset(file) for file in files])
    golden = json.loads((reference / "dis" / "nnpdf40_golden.json").read_text())
    predictions = np.load(reference / "dis" / "nnpdf40_golden.npz")
    member = golden["member_0"]
    shift = np.concatenate([predictions[f"prediction/{d.name}"] for d in data.datasets])
    shift = shift - data.central
    total = shift @ np.linalg.solve(data.covariance, shift) / data.n_data
    assert total == pytest.approx(member["chi2_per_datum"], rel=1e-8)
