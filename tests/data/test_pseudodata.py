"""Pseudodata with multiplicative errors apart, negative cross sections, splits of all kinds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from toy import toy_dataset

from replicafit.data import replica_data, stack
from replicafit.data.replica_data import acceptance, fluctuated
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


def of_one_sigma(count=32):
    """Cross sections of one sigma each, without correlations."""
    plain = toy_dataset("A", count)
    alone = {"sys_add": np.zeros((count, 0)), "sys_add_names": ()}
    alone |= {"sys_mult_percent": np.zeros((count, 0)), "sys_mult_names": ()}
    return stack([dataclasses.replace(with_process(plain, "DIS_NC", 1.0), **alone)])


@pytest.mark.parametrize("how", [True, "multiplicative"])
def test_cross_sections_are_drawn_anew_where_the_card_says_so_asymmetries_never(how):
    plain = toy_dataset("A", 6)
    section = stack([with_process(plain, "DIS_NC", 1.0)])
    some = range(1, 101)
    as_drawn = replica_data(section, Seeds(0), some, 0.5, how).values
    anew = replica_data(section, Seeds(0), some, 0.5, how, redraw=True).values
    assert (anew >= 0).all()
    fine = (as_drawn >= 0).all(axis=1)
    assert 0 < fine.sum() < 100
    np.testing.assert_array_equal(anew[fine], as_drawn[fine])
    for process in ("DYASY", "DIS_NCE_POL", ""):
        other = stack([with_process(plain, process, 1.0)])
        assert (replica_data(other, Seeds(0), some, 0.5, how, redraw=True).values < 0).any()


@pytest.mark.parametrize("how", [True, "multiplicative"])
def test_only_what_is_correlated_with_a_negative_datum_is_drawn_anew(how):
    near_zero, far = (
        with_process(toy_dataset(name, 6), "DIS_NC", value)
        for name, value in (("A", 1.0), ("B", 100.0))
    )
    own = [
        dataclasses.replace(
            d, sys_add_names=("CORR",) * d.sys_add.shape[1], sys_mult_names=("CORR",)
        )
        for d in (near_zero, far)
    ]
    data = stack(own)
    assert len(np.unique(data.blocks)) == 2
    some = range(1, 51)
    as_drawn = replica_data(data, Seeds(0), some, 0.5, how).values
    anew = replica_data(data, Seeds(0), some, 0.5, how, redraw=True).values
    changed = as_drawn != anew
    assert changed[:, :6].any()
    assert not changed[:, 6:].any()


def test_what_links_data_are_shared_sources_and_extra_covariances():
    a, b, c = (toy_dataset(name, 3) for name in "ABC")
    a, b = (dataclasses.replace(d, sys_mult_names=("LUMI",)) for d in (a, b))
    each = [dataclasses.replace(d, sys_add=np.zeros((3, 0)), sys_add_names=()) for d in (a, b, c)]
    data = stack(each)
    _, blocks = np.unique(data.blocks, return_inverse=True)
    assert blocks.tolist() == [0] * 6 + [1] * 3
    extra = np.eye(9)
    extra[0, 8] = extra[8, 0] = 0.5
    assert len(np.unique(dataclasses.replace(data, sampled_extra=extra).blocks)) == 1


def test_many_cross_sections_of_one_sigma_find_a_draw_each():
    """All at once pass in 0.4 % of draws, so that one replica in 60 found none in 1000."""
    data = of_one_sigma()
    found = replica_data(data, Seeds(1), range(1, 101), 0.5, redraw=True)
    assert found.undrawn == ()
    assert (found.values >= 0).all()
    truncated = 1 + np.exp(-0.5) / np.sqrt(2 * np.pi) / 0.8413447
    assert found.values.mean() == pytest.approx(truncated, abs=0.05)
    assert replica_data(data, Seeds(1), range(1, 101), 0.5).values.mean() == pytest.approx(
        1, abs=0.05
    )


def test_a_replica_without_a_draw_takes_no_other_along():
    bad = stack([with_process(toy_dataset("A", 6), "DIS_NC", -9.0)])
    found = replica_data(bad, Seeds(0), (1, 2), 0.5, redraw=True)
    assert found.undrawn == (1, 2)
    np.testing.assert_array_equal(found.values, [bad.central] * 2)
    with pytest.raises(DataError, match=r"datum \d of A .* measured as -9.* ASY or POL"):
        fluctuated(bad, Seeds(0).generator(1, "pseudodata"), True, redraw=True)


def test_acceptance_is_that_of_independent_draws():
    odds = acceptance(of_one_sigma(8), Seeds(0), True, draws=2000)
    assert odds.whole == pytest.approx(0.8413**8, abs=0.04)
    assert odds.worst == pytest.approx(0.84, abs=0.03)
    assert odds.without == pytest.approx(0)
    never = acceptance(stack([with_process(toy_dataset("A", 6), "DIS_NC", -9.0)]), Seeds(0), True)
    assert (never.whole, never.datasets) == (0, ("A",))
    assert never.without > 1e-3


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
