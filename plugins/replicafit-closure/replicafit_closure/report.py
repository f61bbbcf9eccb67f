"""The page about a closure test of many fits: bias and variance, coverage, pulls, and each fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
from replicafit_report import (
    BLUE,
    CYCLE,
    MUTED,
    VERMILLION,
    Answer,
    Block,
    Facts,
    Figure,
    Figures,
    Notice,
    Row,
    Section,
    SectionContext,
    Table,
    Text,
    drawing,
    few_ticks,
    label_x,
    log_axis,
)

from replicafit.plugin import OutputError
from replicafit_closure.estimators import ClosureFit, Estimate, Summary, summary

EXPECTED = 0.683
"""Share of a Gaussian within one standard deviation."""
FAITHFUL = 2.0
"""Errors that R_bv may be away from 1."""


def sections(context: SectionContext) -> list[Section]:
    """About the study in the folder of ``context``.

    Raises:
        OutputError: what it left cannot be read.
    """
    file = context.folder / "closure.json"
    try:
        study = json.loads(file.read_text(encoding="utf-8"))
        fits = [ClosureFit.of(each["judged"]) for each in study["fits"] if each["judged"]]
        about = _about(study)
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise OutputError(f"'{file}' cannot be read: {cause}.") from None
    page = str(study["title"] or "")
    if not fits:
        blocks = [Notice("No fit can be judged."), *about]
        return [Section("closure", "Closure test", blocks, page=page)]
    together = summary(fits)
    return [
        Section("closure", "Closure test", [*_opening(together, fits), *about], page=page),
        Section("coverage", "Coverage", _coverage(together)),
        Section("pulls", "Pulls", _pulls(fits)),
        Section("fits", "The fits", _each(fits)),
    ]


def _about(study: Mapping[str, Any]) -> list[Block]:
    fits, closure = list(study["fits"]), dict(study["closure"])
    text = f"{study['title'] or study['card']}. Level {closure['level']}, truth {closure['truth']}."
    silent = [each for each in fits if not each["judged"]]
    blocks: list[Block] = [Text(text)]
    blocks += [Notice(f"{each['name']}: {each['reason']}") for each in silent]
    if len(fits) < int(study["wanted"]):
        blocks.append(Notice(f"{len(fits)} of {study['wanted']} fits have ended."))
    return blocks


def _opening(together: Summary, fits: Sequence[ClosureFit]) -> list[Block]:
    away = (together.r_bv.value - 1) / together.r_bv.error if together.r_bv.error else nan
    if (level := fits[0].level) < 2:
        answer = Answer(
            f"At level {level} replicas are fitted to the same data, so that their spread does not "
            "tell whether errors are right: level 2 does."
        )
    elif not np.isfinite(away):
        answer = Answer("One fit alone does not tell whether errors are right.")
    elif abs(away) <= FAITHFUL:
        answer = Answer("The spread of replicas is as large as their distance from truth.", "good")
    else:
        what = "too small" if away > 0 else "larger than need be"
        answer = Answer(f"Errors are {what}.", "bad" if away > 0 else "fair")
    facts = Facts(
        [
            (_digits(together.r_bv), "R_bv, 1 for faithful errors"),
            (f"{_percent(together.within)} %", "of truths within one sigma, 68 expected"),
            (_digits(together.bias, 3), "bias per datum"),
            (_digits(together.variance, 3), "variance per datum"),
            (_digits(together.chi2_per_datum, 3), "χ² per datum, mean over replicas"),
            (_digits(together.chi2_of_mean, 3), "χ² per datum of the mean"),
            (_digits(together.chi2_of_truth, 3), "χ² per datum of the truth"),
        ]
    )
    words = (
        f"Over {len(fits)} fits, with errors of a bootstrap over fits (arXiv:2111.05787): bias is "
        "the distance of the mean prediction from the truth's, variance the spread of replicas "
        "around it, both in the covariance of the data."
    )
    return [answer, facts, Text(words)]


def _coverage(together: Summary) -> list[Block]:
    names = list(together.within_per_flavour)
    shares = list(together.within_per_flavour.values())
    with drawing("Truth within one sigma", height=70 + 26 * len(names), left=60) as made:
        rows = np.arange(len(names))[::-1]
        errors = np.nan_to_num([100 * each.error for each in shares])
        values = [100 * each.value for each in shares]
        made.ax.axvline(100 * EXPECTED, color=MUTED, linewidth=1)
        made.ax.errorbar(values, rows, xerr=errors, fmt="o", color=BLUE, markersize=5)
        made.ax.set_yticks(rows, names)
        made.ax.set_xlim(0, 100)
        made.ax.grid(axis="y", visible=False)
        label_x(made.ax, "%")
    figure = made.done("68 % are expected of each function (line).")
    regions = list(together.within_per_region)
    parts = together.within_per_flavour_and_region
    cells = [
        [n, *(_percent(parts[n][r]) for r in regions), _percent(together.within_per_flavour[n])]
        for n in names
    ]
    last = [*(_percent(together.within_per_region[r]) for r in regions), _percent(together.within)]
    table = Table(
        ["function", *regions, "all"],
        [*map(Row, cells), Row(["all", *last], emphasis="strong")],
        name="truth within one sigma, per cent",
    )
    text = Text("Share of positions and fits at which the truth is within one sigma, in per cent.")
    return [text, Figures([figure]), table]


def _pulls(fits: Sequence[ClosureFit]) -> list[Block]:
    """How far means are from the truth, in sigma: mean and root mean square over fits."""
    x, first = fits[0].x, fits[0]
    if x.ndim > 1:
        return [Text("Pulls are drawn of functions of one input.")]
    pulls = np.array([fit.pulls for fit in fits])
    figures = [_pull(first, i, pulls[:, :, i]) for i in range(len(first.flavours))]
    text = (
        "Mean minus truth in sigma, of each fit (dots) and on average (line): away from zero where "
        "a method cannot follow the truth, beyond ±1 (dashed) in a third of the fits."
    )
    return [Text(text), Figures(figures)]


def _pull(fit: ClosureFit, column: int, pulls: np.ndarray) -> Figure:
    color, limit = CYCLE[column % len(CYCLE)], 4.0
    with drawing(f"Pulls of {fit.flavours[column]}") as made:
        shown = np.clip(pulls, -limit, limit)
        for each in shown:
            made.ax.plot(fit.x, each, "o", color=color, markersize=2.5, alpha=0.5)
        made.ax.plot(fit.x, np.clip(pulls.mean(axis=0), -limit, limit), color=color, linewidth=1.5)
        for level in (-1, 1):
            made.ax.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        if fit.logarithmic:
            log_axis(made.ax, "x", float(fit.x.min()) / 1.2, float(fit.x.max()) * 1.05)
        made.ax.set_ylim(-limit, limit)
        few_ticks(made.ax)
        label_x(made.ax, fit.input)
    return made.done()


def _each(fits: Sequence[ClosureFit]) -> list[Block]:
    with drawing("Bias and variance of each fit", height=260) as made:
        bias, variance = [f.bias for f in fits], [f.variance for f in fits]
        top = 1.1 * max(*bias, *variance)
        made.ax.plot([0, top], [0, top], color=MUTED, linewidth=1)
        made.ax.plot(variance, bias, "o", color=VERMILLION, markersize=5)
        made.ax.set_xlim(0, top)
        made.ax.set_ylim(0, top)
        few_ticks(made.ax, x=4)
        label_x(made.ax, "variance per datum")
    rows = [
        Row(
            [
                fit.name,
                f"{fit.replicas} of {fit.fitted}",
                "good" if fit.good else "bad",
                *(f"{value:.3f}" for value in (fit.chi2_per_datum, fit.chi2_of_mean)),
                f"{fit.chi2_of_truth:.3f}",
                *(f"{value:.4f}" for value in (fit.bias, fit.variance)),
                f"{fit.ratio:.2f}",
                f"{100 * fit.within.mean():.0f}",
            ]
        )
        for fit in fits
    ]
    heads = ["fit", "replicas", "verdict", "χ²", "χ² of mean", "χ² of truth", "bias", "variance"]
    table = Table([*heads, "ratio", "within 1 sigma, %"], rows, name="the fits", explore=True)
    caption = "Vertical: bias per datum. On average fits with faithful errors lie on the line."
    return [Figures([made.done(caption)]), table]


def _digits(estimate: Estimate, digits: int = 2) -> str:
    error = f" ± {estimate.error:.{digits}f}" if np.isfinite(estimate.error) else ""
    return f"{estimate.value:.{digits}f}{error}"


def _percent(estimate: Estimate) -> str:
    error = f" ± {100 * estimate.error:.0f}" if np.isfinite(estimate.error) else ""
    return f"{100 * estimate.value:.0f}{error}"
