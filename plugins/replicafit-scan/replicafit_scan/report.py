"""The page about a scan: the best trials, which settings matter, and how it went on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from replicafit_report import (
    BLUE,
    MUTED,
    VERMILLION,
    Answer,
    Block,
    Facts,
    Figure,
    Figures,
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
from replicafit_scan.objective import OBJECTIVE_WORDS, Outcome, best_words, ranking

SHOWN = 20
"""Of the best trials."""


@dataclass(frozen=True)
class Scan:
    """What a page says of a scan beside its trials.

    Attributes:
        title: of the card.
        objective: its key.
        folds: the names of the datasets of each.
        importances: the share of each setting.
    """

    title: str
    objective: str
    folds: tuple[tuple[str, ...], ...]
    importances: Mapping[str, float]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Scan:
        """From ``scan.json``."""
        objective = {key: key for key in OBJECTIVE_WORDS}[plain["objective"]]
        folds = tuple(tuple(map(str, fold)) for fold in plain["folds"])
        shares = {str(key): float(value) for key, value in dict(plain["importances"]).items()}
        return cls(str(plain["title"] or ""), objective, folds, shares)


def sections(context: SectionContext) -> list[Section]:
    """About the scan in the folder of ``context``.

    Raises:
        OutputError: what it left cannot be read.
    """
    try:
        plain = json.loads((context.folder / "scan.json").read_text(encoding="utf-8"))
        scan, outcomes = Scan.of(plain), [Outcome.of(trial) for trial in plain["trials"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as cause:
        raise OutputError(f"'{context.folder}/scan.json' cannot be read: {cause}.") from None
    best = ranking(outcomes)
    found = [
        summary(scan, best, outcomes),
        importance(scan),
        history(scan, outcomes),
        the_best(scan, best),
        failed(outcomes),
    ]
    return [section for section in found if section.blocks]


def summary(scan: Scan, best: Sequence[Outcome], outcomes: Sequence[Outcome]) -> Section:
    """Which trial is the best and whether it is good, and how many there are."""
    if best:
        words = best_words(best[0], scan.objective, len(outcomes))
        answer = Answer(words, "bad" if best[0].bad else "fair" if best[0].far else "good")
        number = best[0].number
        facts = [(f"{best[0].value:.3f}", f"{_objective(scan)} of the best trial, number {number}")]
    else:
        answer, facts = Answer("No trial is good enough to be the best.", "bad"), []
    blocks: list[Block] = [answer]
    states = Counter(outcome.state for outcome in outcomes)
    facts += [(str(count), f"trials {state}") for state, count in states.items()]
    blocks.append(Facts(facts))
    if best:
        blocks.append(Text("best.yml is its runcard; ensemble.yml that of the best together."))
    return Section("summary", "Summary", blocks, page=scan.title)


def importance(scan: Scan) -> Section:
    """Which settings matter for being among the best."""
    title, shares = "Importance", scan.importances
    if not shares:
        return Section("importance", title, [Text("Too few trials are complete to tell.")])
    text = "What each setting contributes to being in the best tenth (PED-ANOVA, arXiv:2304.10255)."
    return Section("importance", title, [Text(text), Figures([_bars(shares)], layout="one")])


def _bars(shares: Mapping[str, float]) -> Figure:
    names, values = list(shares)[::-1], list(shares.values())[::-1]
    with drawing("Importance", height=70 + 26 * len(names), width=640, left=260) as made:
        made.ax.barh(names, values, color=BLUE, height=0.6)
        made.ax.set_xlim(0, 1)
        made.ax.grid(axis="y", visible=False)
        label_x(made.ax, "share")
    return made.done()


def history(scan: Scan, outcomes: Sequence[Outcome]) -> Section:
    """The objective of each trial in order, and the best so far."""
    found = sorted((o for o in outcomes if o.value is not None), key=lambda o: o.number)
    if not found:
        return Section("history", "Trials", [Text("No trial is complete.")])
    numbers = np.array([outcome.number for outcome in found])
    values = np.array([outcome.value for outcome in found], dtype=np.float64)
    good = np.array([not outcome.bad for outcome in found])
    counting = good if good.any() else ~good
    with drawing(f"{_objective(scan)} of each trial", height=240, width=640) as made:
        ax = made.ax
        ax.plot(numbers[good], values[good], "o", color=BLUE, markersize=5, markeredgewidth=0)
        ax.plot(numbers[~good], values[~good], "x", color=VERMILLION, markersize=6)
        lowest = np.minimum.accumulate(values[counting])
        ax.step(numbers[counting], lowest, where="post", color=MUTED, linewidth=1.2)
        log_axis(ax, "y", values.min() / 1.1, values.max() * 1.1)
        few_ticks(ax, x=6, y=None)
        label_x(ax, "trial")
    crosses = "" if good.all() else " Red crosses: those whose own fits are bad."
    caption = f"Dots: complete trials.{crosses} Line: the best so far."
    figures = Figures([made.done(caption)], layout="one")
    text = "Complete trials in the order in which they were drawn."
    return Section("history", "Trials", [Text(text), figures])


def the_best(scan: Scan, best: Sequence[Outcome]) -> Section:
    """The best trials, with chi2 and phi2 of each fold."""
    if not best:
        return Section("best", "The best", [])
    keys, folds = list(best[0].values), range(1, len(scan.folds) + 1)
    scores = [f"{name} of fold {k}" for k in folds for name in ("chi2", "phi2")]
    headings = ["trial", _objective(scan), *scores, "own fits", *keys]
    rows = [_row(outcome, keys) for outcome in best[:SHOWN]]
    table = Table(headings, rows, name="the best trials", explore=True)
    own = (
        "Own fits are bad where chi2 per datum of the mean prediction of the data that they were "
        "fitted to is larger than chance allows; such trials come last."
    )
    return Section("best", "The best", [Text(f"{_held_out(scan)} {own}"), table])


def failed(outcomes: Sequence[Outcome]) -> Section:
    """The trials with replicas that fail the verdict of a penalty; they are never the best."""
    rows = [
        Row([str(o.number), o.failures, ", ".join(f"{f.chi2:.3f}" for f in o.folds)])
        for o in outcomes
        if o.state == "failed"
    ]
    heads = ["trial", "verdicts failed", "chi2 of each fold"]
    text = Text("Trials with a replica that fails the verdict of a penalty are never the best.")
    table = Table(heads, rows, text=True, name="failed trials", explore=True)
    return Section("failed", "Failed verdicts", [text, table] if rows else [])


def _row(outcome: Outcome, keys: Sequence[str]) -> Row:
    scores = [each for fold in outcome.folds for each in (f"{fold.chi2:.3f}", fold.spread)]
    own = "bad" if outcome.bad else "good"
    values = [_words(outcome.values[key]) for key in keys]
    return Row([str(outcome.number), f"{outcome.value:.3f}", *scores, own, *values])


def _words(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _held_out(scan: Scan) -> str:
    parts = [f"{k}: {', '.join(names)}" for k, names in enumerate(scan.folds, 1)]
    return f"Per datum of the fold held out. Folds: {'; '.join(parts)}."


def _objective(scan: Scan) -> str:
    return OBJECTIVE_WORDS[scan.objective]
