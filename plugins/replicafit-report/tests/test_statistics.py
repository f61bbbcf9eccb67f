"""Distances, correlations, flavours, and the chi2 of a mean prediction."""

from __future__ import annotations

import numpy as np
import pytest
from fit_folder import write_fit
from hypothesis import given
from hypothesis import strategies as st
from replicafit_report.pictures import drawing, log_axis
from replicafit_report.record import read_record
from replicafit_report.statistics import (
    correlations,
    in_sigmas,
    limits,
    mean_distance,
    variance_distance,
)
from replicafit_report.views import plain

from replicafit.forward.predictions import chi2


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


def test_functions_that_repeat_are_drawn_once():
    values = np.random.default_rng(5).standard_normal((2, 4, 3))
    values[..., 2] = values[..., 0]
    found = plain(("v", "g", "v15"), np.linspace(0.1, 1, 4), values, None).distinct()
    assert found.names == ("v", "g")


def test_sigmas_are_added_in_quadrature():
    ours, theirs = np.random.default_rng(6).standard_normal((2, 4000, 3)) * [[[1.0]], [[2.0]]]
    found = in_sigmas(np.full(3, np.sqrt(5.0)), [ours, theirs])
    np.testing.assert_allclose(found, 1, rtol=0.05)


def test_chi2_of_the_mean_prediction_is_that_of_the_mean(tmp_path, toy_data, registry):
    record = read_record(write_fit(tmp_path / "fit", toy_data, registry))
    predictions = record.predictions
    assert predictions is not None
    residual = toy_data.central - predictions.prediction.mean(axis=0)
    expected = chi2(residual, toy_data.covariance) / toy_data.n_data
    assert predictions.chi2_of_mean() == pytest.approx(float(expected))
    place = predictions.places["BB"]
    expected = chi2(residual[place], toy_data.covariance[place, place]) / 25
    assert predictions.chi2_of_mean(2, ["BB"]) == pytest.approx(float(expected))


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


@pytest.mark.parametrize(
    ("low", "high", "label"), [(110, 220, "200"), (0.02, 0.9, "0.5"), (1e-5, 1, "10⁻³")]
)
def test_logarithmic_axes_are_labelled_in_plain_letters(low, high, label):
    with drawing("a figure") as made:
        log_axis(made.ax, "y", low, high)
    assert f">{label}</text>" in made.svg
    assert "$" not in made.svg
