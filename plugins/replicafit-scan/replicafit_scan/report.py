"""The page about a scan: the best trials, which settings matter, and how it went on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from replicafit_report import (
    BLUE,
    MUTED,
    REPLICA,
    VERMILLION,
    Block,
    Cell,
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
from replicafit_scan.objective import Outcome

SHOWN = 20
"""Of the best trials."""
Scan = Mapping[str, Any]


def sections(context: SectionContext) -> list[Section]:
    """About the scan in the folder of ``context``.

    Raises:
        OutputError: what it left cannot be read.
    """
    try:
        scan: Scan = json.loads((context.folder / "scan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise OutputError(f"'{context.folder}/scan.json' cannot be read: {cause}.") from None
    found = [summary(scan), importance(scan), history(scan), best(scan), failed(scan)]
    return [section for section in found if section.blocks]


def summary(scan: Scan) -> Section:
    """How many trials there are, and the best of them."""
    states = Counter(trial["state"] for trial in scan["trials"])
    facts = [(str(count), f"trials {state}") for state, count in states.items()]
    blocks: list[Block] = [Facts(facts)]
    blocks += [Text(str(scan["title"]))] if scan["title"] else []
    found = _complete(scan)
    if found:
        facts.insert(
            0,
            (
                f"{found[0]['value']:.3f}",
                f"{_objective(scan)} of the best trial, number {found[0]['number']}",
            ),
        )
        blocks.append(Text("best.yml is its runcard; ensemble.yml that of the best together."))
    else:
        blocks.insert(0, Notice("No trial is complete."))
    return Section("summary", "Summary", blocks)


def importance(scan: Scan) -> Section:
    """Which settings matter for being among the best."""
    title, shares = "Importance", scan["importances"]
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


def history(scan: Scan) -> Section:
    """The objective of each trial in order, and the best so far."""
    found = sorted(_complete(scan), key=lambda trial: int(trial["number"]))
    if not found:
        return Section("history", "Trials", [Text("No trial is complete.")])
    numbers = np.array([trial["number"] for trial in found])
    values = np.array([trial["value"] for trial in found])
    with drawing(f"{_objective(scan)} of each trial", height=240, width=640) as made:
        made.ax.plot(numbers, values, "o", color=REPLICA, markersize=4, markeredgecolor=MUTED)
        lowest = np.minimum.accumulate(values)
        made.ax.step(numbers, lowest, where="post", color=VERMILLION, linewidth=1.2)
        log_axis(made.ax, "y", values.min() / 1.1, values.max() * 1.1)
        few_ticks(made.ax, x=6, y=None)
        label_x(made.ax, "trial")
    text = "Complete trials in the order in which they were drawn, and the best so far."
    return Section("history", "Trials", [Text(text), Figures([made.done()], layout="one")])


def best(scan: Scan) -> Section:
    """The best trials, with chi2 and phi2 of each fold."""
    found = _complete(scan)[:SHOWN]
    if not found:
        return Section("best", "The best", [Text("No trial is complete.")])
    keys, folds = list(found[0]["values"]), range(1, len(scan["folds"]) + 1)
    scores = [f"{name} of fold {k}" for k in folds for name in ("chi2", "phi2")]
    headings = ["trial", _objective(scan), *scores, *keys]
    rows = [_row(t, keys) for t in found]
    table = Table(headings, rows, name="the best trials", explore=True)
    return Section("best", "The best", [Text(_held_out(scan)), table])


def failed(scan: Scan) -> Section:
    """The trials with replicas that fail the verdict of a penalty; they are never the best."""
    found = [Outcome.of(trial) for trial in scan["trials"] if trial["state"] == "failed"]
    rows = [
        Row([str(o.number), o.failures, ", ".join(f"{f.chi2:.3f}" for f in o.folds)]) for o in found
    ]
    heads = ["trial", "verdicts failed", "chi2 of each fold"]
    text = Text("Trials with a replica that fails the verdict of a penalty are never the best.")
    table = Table(heads, rows, text=True, name="failed trials", explore=True)
    return Section("failed", "Failed verdicts", [text, table] if rows else [])


def _row(trial: Scan, keys: Sequence[str]) -> Row:
    scores = [f"{fold[name]:.3f}" for fold in trial["folds"] for name in ("chi2", "phi2")]
    cells: list[str | Cell] = [str(trial["number"]), f"{trial['value']:.3f}", *scores]
    return Row([*cells, *(_words(trial["values"][key]) for key in keys)])


def _words(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _held_out(scan: Scan) -> str:
    parts = [f"{k}: {', '.join(names)}" for k, names in enumerate(scan["folds"], 1)]
    return f"Per datum of the fold held out. Folds: {'; '.join(parts)}."


def _objective(scan: Scan) -> str:
    names = {"average": "average chi2", "worst": "worst chi2", "chi2_phi2": "chi2 + phi2"}
    return names[scan["objective"]]


def _complete(scan: Scan) -> list[Scan]:
    """Complete trials, the best first."""
    found = [trial for trial in scan["trials"] if trial["value"] is not None]
    return sorted(found, key=lambda trial: (trial["value"], trial["number"]))
