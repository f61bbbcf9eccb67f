"""The estimators of closure tests, on ensembles whose answer is known."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from statistics import fmean, stdev

import numpy as np
import pytest
from replicafit_closure.display import closure_lines, closure_table
from replicafit_closure.estimators import (
    FARTHEST,
    ClosureFit,
    bias_and_variance,
    positions,
    pulls,
    regions,
    summary,
)
from replicafit_closure.report import sections
from replicafit_report import Answer, SectionContext
from rich.console import Console

from replicafit.plugin import OutputError, Registry

DATA, REPLICAS, FITS = 40, 60, 200


def fit_of(bias, variance, away, x=None, name="fit"):
    return ClosureFit(
        name=name,
        level=2,
        replicas=REPLICAS,
        fitted=REPLICAS,
        good=True,
        chi2_per_datum=1.0,
        chi2_of_mean=1.0,
        chi2_of_truth=1.0,
        bias=bias,
        variance=variance,
        x=np.geomspace(1e-4, 1, len(away)) if x is None else x,
        pulls=away,
        flavours=("g", "v"),
    )


@pytest.fixture(scope="module")
def faithful() -> list[ClosureFit]:
    """Fits whose mean is off by as much as their replicas spread: what a good method gives."""
    generator = np.random.default_rng(3)
    root = np.tril(generator.normal(size=(DATA, DATA))) + 3 * np.eye(DATA)
    fits = []
    for _ in range(FITS):
        centre = root @ generator.standard_normal(DATA)
        predictions = centre + generator.standard_normal((REPLICAS, DATA)) @ root.T
        bias, variance = bias_and_variance(predictions, np.zeros(DATA), root)
        mean = generator.standard_normal((10, 2))
        values = mean + generator.standard_normal((REPLICAS, 10, 2))
        fits.append(fit_of(bias, variance, pulls(values, np.zeros((10, 2)))))
    return fits


def test_faithful_uncertainties_give_one_and_68_per_cent(faithful):
    together = summary(faithful)
    assert together.bias_over_variance.value == pytest.approx(1, abs=0.1)
    assert together.r_bv.value == pytest.approx(together.bias_over_variance.value**0.5)
    assert together.within.value == pytest.approx(0.68, abs=0.03)
    assert set(together.within_per_flavour) == {"g", "v"}
    assert 0 < together.bias_over_variance.error < 0.1
    assert 0 < together.within.error < 0.03


def test_errors_cover_the_truth_as_often_as_they_say(faithful):
    pulls = []
    for start in range(0, FITS, 10):
        ratio = summary(faithful[start : start + 10]).bias_over_variance
        pulls.append((ratio.value - 1) / ratio.error)
    assert 0.4 < np.std(pulls) < 2.0


def test_bias_and_variance_are_what_they_say():
    predictions = np.array([[1.0, 2.0], [3.0, 2.0]])
    factor = np.diag([2.0, 1.0])
    bias, variance = bias_and_variance(predictions, np.array([0.0, 1.0]), factor)
    assert bias == pytest.approx((1.0 + 1.0) / 2)
    assert variance == pytest.approx((0.25 + 0.0) / 2)


def test_positions_stay_within_the_data():
    x = positions(np.array([1e-4, 0.02, 0.7]))
    assert len(x) == 20
    assert (x.min(), x.max()) == (pytest.approx(1e-4), pytest.approx(0.7))
    assert (np.diff(x) > 0).all()


def test_one_fit_has_no_error():
    alone = fit_of(2.0, 1.0, np.zeros((3, 2)))
    together = summary([alone])
    assert together.bias_over_variance.value == 2.0
    assert np.isnan(together.bias_over_variance.error)


def slowly(predictions, truth, covariance):
    """Bias and variance as arXiv:2111.05787 writes them, one sum after another."""
    inverse = np.linalg.inv(covariance)

    def squared(a):
        return sum(a[i] * inverse[i, j] * a[j] for i in range(len(a)) for j in range(len(a)))

    mean = [sum(p[i] for p in predictions) / len(predictions) for i in range(len(truth))]
    bias = squared([m - t for m, t in zip(mean, truth, strict=True)])
    spread = [squared([a - m for a, m in zip(p, mean, strict=True)]) for p in predictions]
    return bias / len(truth), sum(spread) / len(spread) / len(truth)


def within_slowly(values, truth, points, columns):
    """The share of these positions at which the truth is within one standard deviation."""
    inside = []
    for i in points:
        for j in columns:
            own = [float(v) for v in values[:, i, j]]
            inside.append(abs(fmean(own) - truth[i, j]) <= stdev(own))
    return fmean(inside)


def test_all_estimators_are_those_of_a_slow_reference():
    generator = np.random.default_rng(8)
    root = np.tril(generator.normal(size=(6, 6))) + 2 * np.eye(6)
    truth, x = generator.normal(size=6), np.array([1e-4, 1e-2, 0.05, 0.3, 0.7])
    functions, names = generator.normal(size=(5, 2)), ("g", "v")
    parts = {"x < 0.001": [0], "0.001 to 0.1": [1, 2], "x > 0.1": [3, 4]}
    fits, slow, values = [], [], []
    for k in range(4):
        predictions = truth + generator.normal(size=(7, 6))
        values.append(functions + generator.normal() + generator.normal(size=(7, 5, 2)))
        bias, variance = bias_and_variance(predictions, truth, root)
        away = pulls(values[-1], functions)
        fits.append(fit_of(bias, variance, away, x=x, name=f"{k}"))
        slow.append(slowly(predictions.tolist(), truth.tolist(), root @ root.T))
    together = summary(fits)
    biases, variances = zip(*slow, strict=True)
    assert together.bias.value == pytest.approx(fmean(biases))
    assert together.variance.value == pytest.approx(fmean(variances))
    assert together.r_bv.value == pytest.approx((fmean(biases) / fmean(variances)) ** 0.5)
    assert set(together.within_per_region) == set(parts)
    for column, name in enumerate(names):
        for region, points in parts.items():
            share = fmean(within_slowly(v, functions, points, [column]) for v in values)
            found = together.within_per_flavour_and_region[name][region]
            assert found.value == pytest.approx(share)
    for region, points in parts.items():
        share = fmean(within_slowly(v, functions, points, [0, 1]) for v in values)
        assert together.within_per_region[region].value == pytest.approx(share)
    whole = fmean(within_slowly(v, functions, range(5), [0, 1]) for v in values)
    assert together.within.value == pytest.approx(whole)


def test_errors_of_a_mean_are_those_of_its_formula(faithful):
    few = faithful[:10]
    bias = [fit.bias for fit in few]
    assert summary(few).bias.error == pytest.approx(stdev(bias) / 10**0.5, rel=0.06)


def test_replicas_that_agree_are_infinitely_sure():
    truth = np.array([[0.0, 1.0]])
    assert pulls(np.ones((4, 1, 2)), truth).tolist() == [[FARTHEST, 0.0]]


def test_regions_of_a_range_without_small_x_are_its_thirds():
    x = np.linspace(-3, 3, 20)
    assert list(regions(x, logarithmic=False)) == ["x < -1", "-1 to 1", "x > 1"]
    assert regions(np.zeros((4, 2)), logarithmic=False) == {}


def test_fits_of_other_functions_are_not_taken_together(faithful):
    one, other = faithful[:2]
    for strange in (
        replace(other, name="b", flavours=("g", "t8")),
        replace(other, name="b", x=2 * other.x),
        replace(other, name="b", x=other.x[:4], pulls=other.pulls[:4]),
    ):
        with pytest.raises(OutputError, match="'fit' and 'b' are no fits of one closure test"):
            summary([one, strange])


def page_of(folder, fits):
    """What the page about a study of ``fits`` opens with."""
    closure = {"truth": "t", "level": fits[0].level}
    each = [{"name": f.name, "seed": 1, "reason": "", "judged": f.plain()} for f in fits]
    study = {"title": "", "card": "c.yml", "closure": closure, "wanted": len(fits), "fits": each}
    (folder / "closure.json").write_text(json.dumps(study))
    found = sections(SectionContext((), (), Registry(), folder=folder))
    (answer,) = (block.text for block in found[0].blocks if isinstance(block, Answer))
    return answer


def test_replicas_that_all_say_the_same_have_a_table_and_a_page(faithful, tmp_path):
    fits = [replace(fit, variance=0.0, input="t") for fit in faithful[:3]]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(closure_table(fits, summary(fits)))
    assert "inf" in console.export_text()
    assert page_of(tmp_path, fits)
    assert list(summary(fits).within_per_region) == ["t < 0.001", "0.001 to 0.1", "t > 0.1"]


@pytest.mark.parametrize(("level", "judged"), [(0, False), (1, False), (2, True)])
def test_only_level_two_judges_errors(faithful, tmp_path, level, judged):
    answer = page_of(tmp_path, [replace(fit, level=level, bias=9.0) for fit in faithful[:5]])
    assert (answer == "Errors are too small.") == judged


def test_what_is_written_is_read(faithful):
    older = faithful[0].plain()
    del older["input"]
    assert ClosureFit.of(older).input == "x"
    back = ClosureFit.of(json.loads(json.dumps(faithful[0].plain())))
    assert back.plain() == faithful[0].plain()
    assert json.dumps(summary([back]).plain(), allow_nan=False)


def test_a_single_fit_is_told_without_an_error_and_under_its_name(faithful):
    name = "closure_of_kind2"
    (one,) = [replace(faithful[0], name=name)]
    table, lines = closure_table([one], summary([one])), list(closure_lines(summary([one])))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table)
    assert name in console.export_text()
    assert "+-" not in "".join(lines)
    assert "nan" not in "".join(lines)
