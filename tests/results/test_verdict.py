"""The verdict on a fit, finding by finding; whole fits are judged in docs/how-to/bad-fit.md."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import toy_dataset

from replicafit.data import stack
from replicafit.results.folder import FitFolder
from replicafit.results.records import Chi2PerDatum, ReplicaRecord
from replicafit.results.selection import select
from replicafit.results.verdict import FINDINGS, few_runs, judge_fit

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bad-fit.md"
EVERY = 10


@pytest.fixture(scope="module")
def data():
    return stack([toy_dataset("A", 20), toy_dataset("BB", 30)])


def judged(tmp_path, data, shift=0.0, count=10, exact=False, **changes):
    """The verdict on replicas that predict the measured values plus ``shift`` and some noise."""
    folder, records = FitFolder(tmp_path), []
    inverse = np.linalg.inv(data.covariance)
    for number in range(1, count + 1):
        noise = data.cholesky @ np.random.default_rng(number).standard_normal(data.n_data)
        prediction = data.central + shift + 0.1 * noise
        residual = data.central - prediction
        own = np.concatenate(
            [
                np.linalg.solve(data.covariance[place, place], residual[place])
                for place in data.slices
            ]
        )
        chi2 = float(residual @ inverse @ residual) / data.n_data
        values = {
            "number": number,
            "status": "stopped",
            "steps": 1000,
            "best_step": 800,
            "n_data": data.n_data,
            "n_training": 37,
            "chi2_per_datum": Chi2PerDatum(training=1.9, validation=2.1, all=chi2),
            "per_dataset": {"A": chi2, "BB": 2 * chi2},
        }
        for key, change in changes.items():
            values[key] = change(number) if callable(change) else change
        folder.replica(number).mkdir(parents=True)
        np.savez(
            folder.replica(number) / "predictions.npz",
            prediction=prediction,
            weighted_residual=np.stack([inverse @ residual, own, own]),
        )
        records.append(ReplicaRecord(**values))
    chosen = select(records)
    records = [r.model_copy(update={"selection": chosen.verdict(r.number)}) for r in records]
    return judge_fit(data, folder, records, chosen.selected, EVERY, exact)


def names(verdict):
    return [finding.name for finding in verdict.findings]


def noise_of(data, seed=99):
    return data.cholesky @ np.random.default_rng(seed).standard_normal(data.n_data)


def test_a_good_fit_has_no_findings(tmp_path, data):
    verdict = judged(tmp_path, data, noise_of(data))
    assert names(verdict) == []
    assert verdict.good
    assert 0.5 < verdict.chi2_per_datum < 1.6
    assert "of the mean prediction over the 10 selected replicas" in verdict.says


def test_good_fits_of_many_noises_are_not_called_bad(tmp_path, data):
    each = [judged(tmp_path / str(i), data, noise_of(data, i), count=2) for i in range(200)]
    assert all(verdict.good for verdict in each)
    assert sum(bool(names(verdict)) for verdict in each) <= 4


def test_errors_that_are_too_small(tmp_path, data):
    verdict = judged(tmp_path, data, 5 * noise_of(data))
    assert not verdict.good
    first = verdict.findings[0]
    assert (first.name, first.serious) == ("chi2", True)
    assert "worst: BB" in first.says
    assert "as noise does: perhaps the errors are too small" in first.advice


def wave_of(data):
    """One sigma of each datum, with a sign that changes once in x."""
    x = np.concatenate([d.kinematics["x"] for d in data.datasets])
    return np.sign(x - np.median(x)) * np.sqrt(np.diag(data.covariance))


def test_a_network_that_cannot_follow(tmp_path, data):
    verdict = judged(tmp_path, data, 4 * wave_of(data))
    assert {"chi2", "residuals"} <= set(names(verdict))
    assert "The residuals are smooth" in verdict.findings[0].advice


@pytest.mark.parametrize(
    ("changes", "found", "serious"),
    [
        ({"status": "completed", "best_step": 990}, "steps", False),
        ({"status": "completed", "best_step": 500}, None, False),
        ({"best_step": lambda n: EVERY if n == 4 else 500}, "unmoved", False),
        ({"best_step": EVERY}, "unmoved", True),
        (
            {"chi2_per_datum": Chi2PerDatum(training=1.0, validation=9.0, all=1.0)},
            "overfitting",
            False,
        ),
        ({"status": lambda n: "diverged" if n < 3 else "stopped"}, "diverged", False),
        ({"status": lambda n: "undrawn" if n < 3 else "stopped"}, "undrawn", False),
        ({"status": lambda n: "diverged" if n < 7 else "stopped"}, "selection", True),
        ({"status": "diverged"}, "selection", True),
        ({"status": "diverged"}, "diverged", True),
    ],
)
def test_what_replicas_tell(tmp_path, data, changes, found, serious):
    verdict = judged(tmp_path, data, noise_of(data), **changes)
    if found is None:
        assert names(verdict) == []
        return
    kinds = {finding.name: finding.serious for finding in verdict.findings}
    assert kinds[found] == serious
    assert verdict.good == (not serious)


def test_where_all_diverged_nobody_is_told_to_train_longer(tmp_path, data):
    verdict = judged(tmp_path, data, 9 * noise_of(data), status="diverged")
    assert names(verdict) == ["selection", "diverged"]


def test_errors_that_are_too_large(tmp_path, data):
    verdict = judged(tmp_path, data, 0.02 * noise_of(data))
    assert "small chi2" in names(verdict)
    assert verdict.good


def test_data_without_noise_may_be_followed_as_closely_and_smoothly_as_one_likes(tmp_path, data):
    smooth = 0.2 * wave_of(data)
    assert {"small chi2", "residuals"} <= set(names(judged(tmp_path / "a", data, smooth)))
    assert names(judged(tmp_path / "b", data, smooth, exact=True)) == []


def test_a_shared_uncertainty_that_is_too_small(tmp_path, data):
    at = data.sources.names.index("SHARED")
    pulled = data.sources.shifts(data.central)[:, at] * 12
    verdict = judged(tmp_path, data, noise_of(data) + pulled)
    (found,) = [f for f in verdict.findings if f.name == "systematics"]
    assert "SHARED by -" in found.says
    assert "(shared by A, BB)" in found.says


def test_without_predictions_it_is_the_mean_over_replicas(tmp_path, data):
    judged(tmp_path, data, noise_of(data), count=3)
    record = ReplicaRecord(
        number=9, status="stopped", steps=1000, best_step=500, n_data=50,
        chi2_per_datum=Chi2PerDatum(all=1.1),
    )  # fmt: skip
    verdict = judge_fit(data, FitFolder(tmp_path), [record], (9,), EVERY)
    assert verdict.chi2_per_datum == 1.1
    assert "mean over the selected replica" in verdict.says


@given(st.integers(1, 7), st.integers(1, 7))
def test_the_runs_test_is_near_the_exact_probability(plus, minus):
    n = plus + minus
    ways = [w for w in product((-1, 1), repeat=n) if sum(w) == plus - minus]
    runs = np.array([1 + sum(a != b for a, b in pairwise(w)) for w in ways])
    for way in ways[:: max(1, len(ways) // 10)]:
        p, count = few_runs(np.array(way))
        assert p == pytest.approx((runs <= count).mean(), abs=0.12)


def test_signs_that_never_change_are_as_rare_as_coins():
    assert few_runs(np.ones(11)) == (2.0**-10, 1)


def test_every_finding_has_its_section():
    headings = [line for line in PAGE.read_text().splitlines() if line.startswith("## ")]
    for name in FINDINGS:
        assert any(f"`{name}`" in heading for heading in headings), name
