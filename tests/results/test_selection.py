"""The selection: outliers fall out, whatever the order, and the search for them ends."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from replicafit.results.records import Chi2PerDatum, PenaltyVerdict, ReplicaRecord
from replicafit.results.selection import SIGMAS, arc_lengths, figure_words, select
from replicafit.runcard.models import SelectionSettings


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
    """The definition, word by word: rounds of limits over plain lists."""

    def figures(r):
        return np.array([r.chi2_per_datum.all, *r.arc_length.values()], np.float64)

    def student(others):
        if len(others) < 3:
            return np.inf
        t = stats.t.isf(stats.norm.sf(4), len(others) - 1)
        return np.mean(others) + t * np.std(others, ddof=1) * np.sqrt(1 + 1 / len(others))

    def four_sigma(values):
        return np.mean(values) + 4 * np.std(values)

    def limit(values):
        ordered = sorted(values)
        for out in range(len(ordered) // 3, 0, -1):
            below, with_it = ordered[: len(ordered) - out], ordered[: len(ordered) - out + 1]
            if len(below) < 3:
                continue
            found = student(below) if len(with_it) < 18 else four_sigma(with_it)
            if ordered[-out] > found * (1 + 1e-12):
                return found
        return student(ordered) if len(ordered) < 18 else four_sigma(ordered)

    passing = [
        r
        for r in results
        if r.status != "diverged"
        and all(p.passed for p in r.penalties.values())
        and np.isfinite(figures(r)).all()
    ]
    while passing:
        limits = np.array([limit(column) for column in zip(*map(figures, passing), strict=True)])
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
        ({"chi2": 3.0}, r"chi2 per datum 3, limit 1\.\d+ = mean \+ 4 sigma of the others"),
        ({"arc": (1.0, 9.0)}, r"arc length of g 9, limit 2\.\d+ = mean \+ 4 sigma of the others"),
        ({"chi2": float("nan")}, "chi2 per datum is not finite"),
        ({"passed": False}, "penalty positivity 0, bound 1e-06"),
        ({"status": "diverged"}, "diverged: the loss or gradient was not finite"),
        ({"status": "undrawn"}, "undrawn: no pseudodata"),
    ],
)
def test_what_disqualifies(change, reason):
    results = ensemble()
    results[4] = result(5, **change)
    selection = select(results)
    assert selection.selected == tuple(n for n in range(1, 31) if n != 5)
    assert re.match(reason, selection.reasons[5][0])
    verdict = selection.verdict(5)
    assert verdict.selected is False
    assert set(verdict.figures) == {"chi2_per_datum", "arc_length.sigma", "arc_length.g"}


def test_too_small_a_chi2_is_no_fault():
    results = ensemble()
    results[4] = result(5, chi2=0.1)
    assert 5 in select(results).selected


def test_an_outlier_that_hides_another_is_removed_with_it():
    results = ensemble(60)
    results[0], results[1] = result(1, chi2=50.0), result(2, chi2=2.5)
    selection = select(results)
    assert selection.rounds == 2
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


@given(replicas)
def test_one_quantity_has_one_limit(drawn):
    """Whoever fell out by a number is above the limit that is written, whoever stayed is not."""
    results = [result(i, c, (a, b), passed=p) for i, (c, a, b, p) in enumerate(drawn, 1)]
    selection = select(results)
    for i, number in enumerate(selection.numbers):
        for name, values in selection.figures.items():
            blamed = any(f"{figure_words(name)} " in why for why in selection.reasons[number])
            if blamed and np.isfinite(values[i]):
                assert values[i] > selection.limits[name]
            if number in selection.selected:
                assert values[i] <= selection.limits[name]
        for why in selection.reasons[number]:
            if told := re.search(r" (\S+), limit (\S+) = ", why):
                assert float(told[1]) > float(told[2])
                assert any(
                    float(told[2]) == pytest.approx(limit, rel=6e-3)
                    for limit in selection.limits.values()
                )


@pytest.mark.parametrize(("count", "stuck"), [(5, 1), (6, 2), (10, 1), (10, 3), (17, 5)])
def test_stuck_replicas_among_few_fall_out_even_where_they_hide_each_other(count, stuck):
    results = ensemble(count)
    for i in range(stuck):
        results[i] = result(i + 1, chi2=9.0 + 80 * i)
    selection = select(results)
    assert selection.selected == tuple(range(stuck + 1, count + 1))
    assert f"sigma of the {count - stuck} others" in selection.reasons[1][0]


@pytest.mark.parametrize(("count", "stuck"), [(18, 2), (20, 2), (22, 7), (100, 6), (100, 30)])
def test_stuck_replicas_among_many_do_not_hide_each_other(count, stuck):
    results = ensemble(count)
    for i in range(stuck):
        results[i] = result(i + 1, chi2=6.6 + 0.3 * i)
    assert select(results).selected == tuple(range(stuck + 1, count + 1))


def test_good_replicas_among_few_stay():
    """4 sigma of one side: 3.2e-5 for each number; 3 numbers of 10 replicas, 400 times."""
    fallen = sum(10 - len(select(ensemble(10, seed)).selected) for seed in range(400))
    assert fallen <= 3


def test_a_bound_of_ones_own():
    results = [*ensemble(), result(31, chi2=1.32)]
    assert 31 in select(results).selected
    selection = select(results, SelectionSettings(chi2_per_datum=1.31))
    assert selection.reasons[31] == ("chi2 per datum 1.32, bound 1.31 of selection.chi2_per_datum",)
    assert selection.limits["chi2_per_datum"] == pytest.approx(1.31)
    alike = [result(i, chi2=9.0 + 0.01 * i) for i in range(1, 11)]
    assert len(select(alike).selected) == 10
    assert select(alike, SelectionSettings(chi2_per_datum=3)).selected == ()
