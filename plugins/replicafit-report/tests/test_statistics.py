"""Distances, correlations, flavours, and the chi2 of a mean prediction."""

from __future__ import annotations

import numpy as np
import pytest
from fit_folder import write_fit
from hypothesis import given
from hypothesis import strategies as st
from replicafit_report.flavours import as_fitted, as_partons, distinct
from replicafit_report.record import read_record
from replicafit_report.statistics import correlations, limits, mean_distance, variance_distance

from replicafit.forward.predictions import chi2

FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")


def test_equal_distributions_are_one_apart():
    generator = np.random.default_rng(1)
    ours, theirs = generator.standard_normal((2, 100, 4000))
    for distance in (mean_distance, variance_distance):
        found = distance(ours, theirs)
        assert np.sqrt((found**2).mean()) == pytest.approx(1, abs=0.1)


def test_one_sigma_is_ten_with_a_hundred_replicas_each():
    generator = np.random.default_rng(2)
    ours, theirs = generator.standard_normal((2, 100, 2000))
    shifted = theirs + np.sqrt(2)  # one sigma, both uncertainties in quadrature
    assert mean_distance(ours, shifted).mean() == pytest.approx(10, rel=0.05)


def test_functions_that_do_not_vary_are_no_distance_apart():
    same = np.ones((5, 3))
    assert not mean_distance(same, same).any()
    assert not variance_distance(same, same).any()


def test_correlations_of_what_moves_together_and_against():
    one = np.random.default_rng(3).standard_normal(50)
    found = correlations(np.stack([one, 2 * one, -one, np.zeros(50)], axis=1))
    np.testing.assert_allclose(found[0], [1, 1, -1, 0], atol=1e-12)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_limits_are_a_range_that_can_be_drawn(values):
    low, high = limits(np.array(values)[None])
    assert np.isfinite([low, high]).all()
    assert low < high


def test_partons_give_back_the_evolution_basis():
    values = np.random.default_rng(4).standard_normal((3, 5, len(FLAVOURS)))
    found = as_partons(np.linspace(0.1, 0.5, 5), FLAVOURS, values)
    assert found is not None
    u, ubar, d, dbar, s, sbar = (found.of(q) for q in ("u", "ū", "d", "d̄", "s", "s̄"))
    column = dict(zip(FLAVOURS, np.moveaxis(values, -1, 0), strict=True))
    cplus, cminus = (column["sigma"] - column["t15"]) / 4, (column["v"] - column["v15"]) / 4
    np.testing.assert_allclose(u + ubar + d + dbar + s + sbar + cplus, column["sigma"])
    np.testing.assert_allclose(u + ubar - d - dbar, column["t3"])
    np.testing.assert_allclose(u + ubar + d + dbar - 2 * (s + sbar), column["t8"])
    np.testing.assert_allclose(u - ubar - d + dbar, column["v3"])
    np.testing.assert_allclose(u - ubar + d - dbar + s - sbar + cminus, column["v"])
    np.testing.assert_allclose(found.of("c"), (cplus + cminus) / 2)
    assert as_partons(np.ones(1), ("f",), np.ones((1, 1, 1))) is None


def test_functions_that_repeat_are_drawn_once():
    values = np.random.default_rng(5).standard_normal((2, 4, 3))
    values[..., 2] = values[..., 0]
    assert distinct(as_fitted(np.ones(4), ("v", "g", "v15"), values)).symbols == ("V", "g")


def test_chi2_of_the_mean_prediction_is_that_of_the_mean(tmp_path, toy_data, registry):
    record = read_record(write_fit(tmp_path / "fit", toy_data, registry))
    predictions = record.predictions
    assert predictions is not None
    residual = toy_data.central - predictions.prediction.mean(axis=0)
    everything = list(predictions.places.values())
    expected = chi2(residual, toy_data.covariance) / toy_data.n_data
    assert predictions.chi2_of_mean(0, everything) == pytest.approx(float(expected))
    place = predictions.places["BB"]
    expected = chi2(residual[place], toy_data.covariance[place, place]) / 25
    assert predictions.chi2_of_mean(2, [place]) == pytest.approx(float(expected))


def test_shifts_minimise_chi2(tmp_path, toy_data, registry):
    """The slow way: chi2 with one nuisance parameter for each correlated source."""
    record = read_record(write_fit(tmp_path / "fit", toy_data, registry))
    predictions = record.predictions
    assert predictions is not None
    variance = predictions.data["uncorrelated"] ** 2
    correlated = toy_data.covariance - np.diag(variance)
    values, vectors = np.linalg.eigh(correlated)
    sources = vectors[:, values > 1e-12] * np.sqrt(values[values > 1e-12])
    residual = toy_data.central - predictions.prediction.mean(axis=0)
    normal = np.eye(sources.shape[1]) + sources.T @ (sources / variance[:, None])
    nuisance = np.linalg.solve(normal, sources.T @ (residual / variance))
    np.testing.assert_allclose(predictions.shift, sources @ nuisance, rtol=1e-6, atol=1e-9)
