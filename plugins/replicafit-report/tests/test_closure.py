"""Closure tests: the estimators on ensembles whose answer is known, and the command."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from commands import call
from replicafit_report.closure import (
    ClosureFit,
    bias_and_variance,
    positions,
    summary,
    within_one_sigma,
)
from replicafit_report.closure_text import closure_lines, closure_table
from rich.console import Console
from toy import TOY_CARD

DATA, REPLICAS, FITS = 40, 60, 200


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
        within = within_one_sigma(values, np.zeros((10, 2)))
        fits.append(ClosureFit("fit", 2, REPLICAS, 1.0, bias, variance, within, ("g", "v")))
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
    alone = ClosureFit("fit", 2, 3, 1.0, 2.0, 1.0, np.ones((3, 1), bool), ("g",))
    together = summary([alone])
    assert together.bias_over_variance.value == 2.0
    assert np.isnan(together.bias_over_variance.error)


@pytest.mark.slow
def test_the_command(toy_folder, tmp_path):
    text = TOY_CARD.replace("data:\n", "data:\n  closure: {truth: toy_les_houches, level: 2}\n")
    (toy_folder / "closure.yml").write_text(text)
    code, out, err = call("run", "closure.yml", "-o", tmp_path / "one", cwd=toy_folder)
    assert code == 0, out + err
    code, out, err = call("closure", tmp_path / "one", cwd=tmp_path)
    assert code == 0, err
    assert "bias" in out
    assert "t15" in out
    assert "v15" not in out  # equal to v by construction
    (toy_folder / "plain.yml").write_text(TOY_CARD.replace("max_steps: 60", "max_steps: 10"))
    code, _, err = call("run", "plain.yml", "-o", tmp_path / "plain", cwd=toy_folder)
    assert code == 0, err
    code, _, err = call("closure", tmp_path / "plain", cwd=tmp_path)
    assert code == 2
    assert "is no closure test" in err


def test_a_single_fit_is_told_without_an_error_and_under_its_name(faithful):
    name = "closure_of_kind2"
    (one,) = [replace(faithful[0], name=name)]
    table, lines = closure_table([one], summary([one])), list(closure_lines(summary([one])))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table)
    assert name in console.export_text()
    assert "+-" not in "".join(lines)
    assert "nan" not in "".join(lines)
