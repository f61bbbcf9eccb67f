"""Pseudodata with multiplicative errors apart, negative cross sections, splits of all kinds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from toy import toy_dataset

from replicafit.data import replica_data, stack
from replicafit.errors import DataError
from replicafit.seeds import Seeds

MANY = range(1, 4001)


def with_process(dataset, process, central):
    return dataclasses.replace(
        dataset,
        central=np.full(dataset.n_data, central),
        stat=np.full(dataset.n_data, 1.0),
        sys_mult_percent=np.full((dataset.n_data, 1), 0.1),
        metadata={"process": process},
    )


def test_multiplicative_sampling_has_the_covariance_for_small_errors(toy_data):
    values = replica_data(toy_data, Seeds(0), MANY, 0.5, "multiplicative").values
    scale = np.sqrt(np.outer(*[np.diag(toy_data.covariance)] * 2))
    assert np.abs((np.cov(values.T) - toy_data.covariance) / scale).max() < 0.1
    shift = (values.mean(axis=0) - toy_data.central) / np.sqrt(np.diag(toy_data.covariance))
    assert np.abs(shift).max() < 0.1


def test_a_multiplicative_source_is_one_factor_for_all_its_data(toy_datasets):
    """With nothing else than a normalization, ratios of pseudodata are those of the data."""
    only = dataclasses.replace(
        toy_datasets[0],
        stat=1e-5 * toy_datasets[0].central,
        sys_add=np.zeros((40, 0)),
        sys_add_names=(),
        sys_mult_percent=np.full((40, 1), 10.0),
    )
    values = replica_data(stack([only]), Seeds(0), range(1, 500), 0.5, "multiplicative").values
    factors = values / only.central
    np.testing.assert_allclose(factors, factors[:, :1] * np.ones(40), rtol=1e-3)
    assert factors[:, 0].std() == pytest.approx(0.1, rel=0.15)


def test_uncorrelated_multiplicative_errors_are_a_factor_for_each_datum(toy_datasets):
    own = dataclasses.replace(toy_datasets[0], sys_mult_names=("UNCORR",))
    data = stack([own, toy_datasets[1]])
    values = replica_data(data, Seeds(0), MANY, 0.5, "multiplicative").values
    scale = np.sqrt(np.outer(*[np.diag(data.covariance)] * 2))
    assert np.abs((np.cov(values.T) - data.covariance) / scale).max() < 0.1


def test_extra_covariance_is_sampled(toy_datasets):
    data = stack(toy_datasets)
    extra = np.outer(0.1 * data.central, 0.1 * data.central)
    data = dataclasses.replace(data, sampled_extra=extra)
    scale = np.sqrt(np.outer(*[np.diag(data.covariance + extra)] * 2))
    for how in (True, "multiplicative"):
        values = replica_data(data, Seeds(0), MANY, 0.5, how).values
        assert np.abs((np.cov(values.T) - data.covariance - extra) / scale).max() < 0.1


@pytest.mark.parametrize("how", [True, "multiplicative"])
def test_cross_sections_are_not_negative_but_asymmetries_may_be(how):
    plain = toy_dataset("A", 6)
    section = stack([with_process(plain, "DIS_NC", 1.0)])
    assert (replica_data(section, Seeds(0), range(1, 101), 0.5, how).values >= 0).all()
    for process in ("DYASY", "DIS_NCE_POL", ""):
        other = stack([with_process(plain, process, 1.0)])
        assert (replica_data(other, Seeds(0), range(1, 101), 0.5, how).values < 0).any()


def test_cross_sections_that_are_always_negative_are_named():
    bad = stack([with_process(toy_dataset("A", 6), "DIS_NC", -9.0)])
    with pytest.raises(DataError, match=r"datum \d of A .* measured as -9.* ASY or POL"):
        replica_data(bad, Seeds(0), (1,), 0.5)


@pytest.mark.parametrize("how", [True, "multiplicative"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("diagonal", [False, True])
def test_a_replica_never_depends_on_others(toy_data, how, shared, diagonal):
    data = dataclasses.replace(
        toy_data,
        shared_split=shared,
        whitening=toy_data.fit_errors.whitening() if diagonal else None,
    )
    together = replica_data(data, Seeds(11), (5, 2, 9), 0.7, how)
    alone = replica_data(data, Seeds(11), (2,), 0.7, how)
    np.testing.assert_array_equal(together.values[1], alone.values[0])
    np.testing.assert_array_equal(together.training[1], alone.training[0])
    assert (together.training[0] == together.training[2]).all() == shared
    assert not np.array_equal(together.values[0], together.values[2])


def test_the_diagonal_basis_whitens(toy_data):
    matrix = toy_data.fit_covariance
    rows = toy_data.fit_errors.whitening()
    np.testing.assert_allclose(rows @ matrix @ rows.T, np.eye(len(matrix)), atol=1e-9)


def test_the_diagonal_split_takes_the_fraction_of_the_directions(toy_data):
    data = dataclasses.replace(toy_data, whitening=toy_data.fit_errors.whitening())
    training = replica_data(data, Seeds(1), range(1, 200), 0.7).training
    assert np.all(np.abs(training.sum(axis=1) - 0.7 * data.n_data) < 1)


def test_regularization_bounds_the_inverse_square_root_of_the_correlation(toy_data):
    matrix, errors = toy_data.covariance, np.sqrt(toy_data.errors.variances)
    assert np.linalg.eigvalsh(_correlation(matrix))[0] < 1 / 1.2**2
    raised = toy_data.errors.regularized(1.2).dense / np.outer(errors, errors)
    assert np.linalg.eigvalsh(raised)[0] == pytest.approx(1 / 1.2**2, rel=1e-9)
    np.testing.assert_array_equal(toy_data.errors.regularized(1e3).dense, matrix)


def _correlation(matrix):
    errors = np.sqrt(np.diag(matrix))
    return matrix / np.outer(errors, errors)
