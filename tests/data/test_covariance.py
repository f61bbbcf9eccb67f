"""Covariances by independent errors and common shifts, beside explicit matrices."""

from __future__ import annotations

import numpy as np
import pytest

from replicafit.data.covariance import Covariance


def random_covariance(d, s, seed=0, size=1.0, without=0):
    """Two groups of data with ``s`` sources each, the first ``without`` no independent error."""
    generator = np.random.default_rng(seed)
    shifts = np.zeros((d, 2 * s))
    shifts[: d // 2, :s] = size * generator.standard_normal((d // 2, s))
    shifts[d // 2 :, s:] = size * generator.standard_normal((d - d // 2, s))
    independent = generator.uniform(0.5, 2, d) ** 2
    independent[:without] = 0
    order = generator.permutation(d)
    return Covariance(independent[order], shifts[order])


@pytest.mark.parametrize(
    "covariance",
    [
        random_covariance(60, 4),
        random_covariance(60, 0),
        random_covariance(60, 40),
        random_covariance(60, 4, size=100),
        random_covariance(60, 4, size=1e6),
        random_covariance(60, 12, without=3),
        random_covariance(2, 1),
        random_covariance(1, 1),
    ],
    ids=["few", "none", "many", "large", "huge", "singular", "two data", "one datum"],
)
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_whitening_is_exact(covariance, share):
    """Against residual^T C^-1 residual, for a selection, to 1e-10 of rounding's own limit."""
    d = len(covariance.independent)
    generator = np.random.default_rng(7)
    columns = covariance.dense @ generator.standard_normal((d, 5))
    used = generator.random(d) < share
    used[generator.integers(d)] = True
    found = covariance.whitened(columns, used)
    assert found.shape == (used.sum(), 5)
    matrix = covariance.dense[np.ix_(used, used)]
    errors = np.sqrt(np.diag(matrix))
    correlation, scaled = matrix / np.outer(errors, errors), columns[used] / errors[:, None]
    expected = scaled.T @ np.linalg.solve(correlation, scaled)
    limit = max(1e-10, 1e-15 * np.linalg.cond(correlation))
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(found.T @ found / scale, expected / scale, rtol=0, atol=limit)


def test_no_data_are_whitened_to_nothing():
    covariance = random_covariance(6, 1)
    assert covariance.whitened(np.ones((6, 2)), np.zeros(6, bool)).shape == (0, 2)
    assert covariance.selected(np.zeros(6, bool)).whitened(np.ones((0, 2)), np.ones(0, bool)).shape


def test_a_source_of_one_datum_correlates_nothing():
    shifts = np.array([[1.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    covariance = Covariance(np.ones(3), shifts)
    np.testing.assert_array_equal(covariance.correlated, [True, True, False])
    np.testing.assert_allclose(covariance.variances, np.diag(covariance.dense))


@pytest.mark.parametrize("rank", [1, 7, 30])
def test_a_matrix_is_added(rank):
    covariance = random_covariance(30, 2)
    sizes = np.geomspace(1e-4, 1e4, 30)[:, None]
    root = sizes * np.random.default_rng(1).standard_normal((30, rank))
    root[::3] = 0
    matrix = root @ root.T
    added = covariance.plus(matrix)
    scale = np.sqrt(np.outer(added.variances, added.variances))
    np.testing.assert_allclose(
        added.dense / scale, (covariance.dense + matrix) / scale, rtol=0, atol=1e-13
    )


def test_variances_that_are_negative_by_rounding_add_nothing():
    covariance = random_covariance(3, 2)
    added = covariance.plus(np.diag([1.0, 0.0, -1e-18]))
    np.testing.assert_allclose(added.dense, covariance.dense + np.diag([1.0, 0, 0]), rtol=1e-14)


def test_regularization_is_clipping(toy_data):
    """C = D V max(l, floor) V^T D."""
    matrix = toy_data.covariance
    errors = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(errors, errors))
    half = errors[:, None] * vectors * np.sqrt(np.maximum(values, 1.3**-2))
    np.testing.assert_allclose(toy_data.errors.regularized(1.3).dense, half @ half.T, rtol=1e-11)


def test_data_times_factors(toy_data):
    factors = np.linspace(0.5, 2, toy_data.n_data)
    expected = toy_data.covariance * np.outer(factors, factors)
    np.testing.assert_allclose(toy_data.errors.scaled(factors).dense, expected, rtol=1e-13)
