"""The selection: outliers fall out, whatever the order, and the search for them ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.results.records import Chi2PerDatum, PenaltyVerdict, ReplicaRecord
from replicafit.results.selection import SIGMAS, arc_lengths, select


def result(number, chi2=1.2, arc=(1.0, 2.0), passed=True, status="completed"):
    return ReplicaRecord(
        number=number,
        status=status,
        chi2_per_datum=Chi2PerDatum(all=chi2),
        arc_length=dict(zip(("sigma", "g"), arc, strict=True)),
        penalties={"positivity": PenaltyVerdict(value=0.0, bound=1e-6, passed=passed)},
    )


def ensemble(count=30, seed=1):
    generator = np.random.default_rng(seed)
    draws = generator.normal([1.2, 1.0, 2.0], [0.05, 0.01, 0.2], (count, 3))
    return [result(i + 1, c, (a, b)) for i, (c, a, b) in enumerate(draws)]


def slow(results):
    """The definition, word by word: rounds of mean and deviation over plain lists."""

    def figures(r):
        return np.array([r.chi2_per_datum.all, *r.arc_length.values()], np.float64)

    passing = [
        r
        for r in results
        if r.status != "diverged"
        and all(p.passed for p in r.penalties.values())
        and np.isfinite(figures(r)).all()
    ]
    while passing:
        columns = np.array([figures(r) for r in passing])
        limits = columns.mean(axis=0) + 4 * columns.std(axis=0)
        staying = [r for r in passing if np.all(figures(r) <= limits * (1 + 1e-12))]
        if len(staying) == len(passing):
            return sorted(r.number for r in passing)
        passing = staying
    return []


def test_a_plain_ensemble_is_selected_whole():
    selection = select(ensemble())
    assert selection.selected == tuple(range(1, 31))
    assert selection.rounds == 1
    assert selection.summary().not_selected == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chi2": 3.0}, "chi2_per_datum is 3, above"),
        ({"arc": (1.0, 9.0)}, "arc_length.g is 9, above"),
        ({"chi2": float("nan")}, "chi2_per_datum is not finite"),
        ({"passed": False}, "positivity"),
        ({"status": "diverged"}, "diverged"),
    ],
)
def test_what_disqualifies(change, reason):
    results = ensemble()
    results[4] = result(5, **change)
    selection = select(results)
    assert selection.selected == tuple(n for n in range(1, 31) if n != 5)
    assert selection.reasons[5][0].startswith(reason)
    verdict = selection.verdict(5)
    assert verdict.selected is False
    assert set(verdict.figures) == {"chi2_per_datum", "arc_length.sigma", "arc_length.g"}


def test_too_small_a_chi2_is_no_fault():
    results = ensemble()
    results[4] = result(5, chi2=0.1)
    assert 5 in select(results).selected


def test_an_outlier_that_hides_another_is_removed_first():
    results = ensemble(60)
    results[0], results[1] = result(1, chi2=50.0), result(2, chi2=2.5)
    selection = select(results)
    assert selection.rounds == 3
    assert selection.selected == tuple(range(3, 61))
    assert selection.limits["chi2_per_datum"] < 2.0


def test_those_that_fail_on_their_own_do_not_shift_the_limits():
    results = ensemble()
    limits = select(results).limits
    assert select([*results, result(99, chi2=1e6, passed=False)]).limits == limits


def test_nobody_and_one_and_equal_ones():
    assert select([]).selected == ()
    assert select([result(3)]).selected == (3,)
    assert select([result(1, passed=False)]).selected == ()
    assert select([result(i, chi2=0.1) for i in range(1, 8)]).selected == tuple(range(1, 8))


chi2 = st.one_of(st.floats(0.5, 2.0), st.floats(0.0, 1e9), st.just(float("nan")))
replicas = st.lists(st.tuples(chi2, st.floats(1, 1e6), st.floats(1, 3), st.booleans()), max_size=60)


@given(replicas, st.randoms(use_true_random=False))
def test_the_verdict_does_not_depend_on_the_order(drawn, shuffler):
    results = [result(i, c, (a, b), passed=p) for i, (c, a, b, p) in enumerate(drawn, 1)]
    before = select(results)
    shuffler.shuffle(results)
    after = select(results)
    assert after.reasons == before.reasons
    np.testing.assert_equal(after.limits, before.limits)


@given(replicas)
def test_it_ends_agrees_with_the_definition_and_is_settled(drawn):
    results = [result(i, c, (a, b), passed=p) for i, (c, a, b, p) in enumerate(drawn, 1)]
    selection = select(results)
    assert list(selection.selected) == slow(results)
    assert selection.rounds <= len(results) + 1
    kept = [r for r in results if r.number in selection.selected]
    assert select(kept).selected == selection.selected


def test_arc_length_of_curves_known_in_closed_form():
    x = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
    values = np.stack([0 * x, 3 * x, np.sqrt(np.maximum(1 - x**2, 0)), x**2], axis=1)
    parabola = np.sqrt(5) / 2 + np.arcsinh(2) / 4
    expected = [1, np.sqrt(10), np.pi / 2, parabola]
    np.testing.assert_allclose(arc_lengths(x, values), expected, rtol=1e-3)
    np.testing.assert_array_equal(arc_lengths(x, values[None])[0], arc_lengths(x, values))


def test_the_limit_is_four_standard_deviations_above_the_mean():
    results = ensemble()
    values = np.array([r.chi2_per_datum.all for r in results])
    expected = values.mean() + SIGMAS * values.std()
    assert select(results).limits["chi2_per_datum"] == pytest.approx(expected, rel=1e-10)
