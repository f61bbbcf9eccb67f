"""One number for one thing: terminal, report, comparison and Fit say the same of one fit."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
from commands import call
from toy import TOY_CARD

import replicafit

CARD = TOY_CARD.replace("replicas: 3", "replicas: 6").replace(
    "learning_rate: 2.0e-3", "learning_rate: {choice: [1.0e-3, 2.0e-3, 1.0e+38]}"
)
CARD = CARD.replace("model:\n", "  folds: [[BB]]\n  hold_out: 1\nmodel:\n", 1)
"""A dataset is held out, and replicas that draw the last learning rate diverge."""


@pytest.fixture(scope="module")
def said(toy_folder, tmp_path_factory) -> tuple[replicafit.Fit, str, str, str]:
    """A fit, and what the terminal, its report and a comparison with itself say."""
    folder = tmp_path_factory.mktemp("said")
    (toy_folder / "said.yml").write_text(CARD)
    code, terminal, wrong = call("run", toy_folder / "said.yml", "-o", "fit", cwd=folder)
    assert code == 0, wrong
    assert call("report", "fit", cwd=folder)[0] == 0
    assert call("compare", "fit", "fit", "-o", "both.html", cwd=folder)[0] == 0
    pages = (words(folder / name) for name in ("fit/report.html", "both.html"))
    return replicafit.load_fit(folder / "fit").all, terminal, *pages


def words(page: Path) -> str:
    text = re.sub(r"<(style|script).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_terminal_report_comparison_and_fit_say_the_same(said):
    fit, terminal, report, comparison = said
    counted = fit.only(fit.selected)
    assert 1 < len(counted) < len(fit), "some replicas must be refused for this test to say much"
    mean = f"{counted.chi2_per_datum.mean():.3f}"
    median = f"{np.median(counted.chi2_per_datum):.3f}"
    assert mean != f"{fit.chi2_per_datum.mean():.3f}"

    assert f"over the {len(counted)} selected replicas" in " ".join(terminal.split())
    last = next(line for line in terminal.splitlines() if "│ all " in line)
    assert [mean, median] == last.replace("│", " ").split()[2:4]
    assert f"{len(counted)} of {len(fit)} selected" in terminal
    assert f"{mean} chi2 per datum, mean over the {len(counted)} replicas that count" in report
    assert f"{len(counted)} of {len(fit)} replicas count" in report
    both = rf"chi2 per datum, mean over replicas that count {mean} ± \S+ {mean} ±"
    assert re.search(both, comparison)
    assert f"over {len(counted)} replicas, selected</th><td>mean {mean}" in counted._repr_html_()
    words = rf"of the mean prediction over the {len(counted)} selected replicas is ([\d.]+);"
    of_mean = re.search(words, report)
    assert of_mean is not None
    assert f"chi2 per datum of the mean prediction {of_mean[1]} " in comparison


def test_each_dataset_too(said):
    fit, terminal, report, _ = said
    for name in fit.results[0].n_data_per_dataset:
        mean = f"{np.mean([r.per_dataset[name] for r in fit.only(fit.selected).results]):.3f}"
        (line,) = (line for line in terminal.splitlines() if f"│ {name} " in line)
        assert line.replace("│", " ").split()[2] == mean
        assert re.search(rf"\b{name} \d+ \S+ {mean}\b", report)
