"""How training went: chi2 of all replicas against steps, and where they stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from replicafit_report.drawing import INK, REPLICA, VERMILLION, drawing, few_ticks, joined, label_x
from replicafit_report.record import Record
from replicafit_report.replicas import beyond, usual
from replicafit_report.section import Block, Figure, Figures, Legend, Section, Text

CURVE_POINTS = 90


def training_section(record: Record) -> Section:
    """Training and validation chi2 against steps."""
    title = "Training"
    if not record.histories:
        text = "This fit was written without histories: add 'history' to export in the runcard."
        return Section("training", title, [Text(text)])
    blocks: list[Block] = [
        Text(
            "χ² per datum of each replica's pseudodata at every check. A replica is written as it "
            "was at its lowest validation χ²."
        ),
        Legend((("replica", "each replica"), ("stopping", "the step it is written at"))),
        Figures([_chart(record, part) for part in ("training", "validation")], layout="two"),
    ]
    return Section("training", title, blocks)


def _chart(record: Record, part: str) -> Figure:
    steps, curves, best = _curves(record, part)
    median = float(np.nanmedian(best[:, 1]))
    title = f"{part.capitalize()} χ² per datum; median where written {median:.2f}"
    with drawing(title, height=240, left=40) as made:
        ax = made.ax
        ax.plot(*joined(steps, curves), color=REPLICA, linewidth=0.6, alpha=0.9)
        ax.plot(*best.T, "o", color=VERMILLION, markersize=3, markeredgewidth=0)
        low, high = usual(best[np.isfinite(best[:, 1]), 1])
        room = 0.2 * (high - low) + 0.02 * abs(high)
        ax.set_ylim(low - room, high + 2 * room)
        ax.set_xlim(0, steps[-1])
        few_ticks(ax, x=5)
        label_x(ax, "steps")
        ax.axhline(median, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    return made.done(beyond(int((best[:, 1] > high + 2 * room).sum()), "above the figure"))


def _curves(record: Record, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps (n,), chi2 per datum (r, n), and the point each replica is written at, (r, 2)."""
    results = {int(result["number"]): result for result in record.fit.results}
    last = max(int(history["step"][-1]) for history in record.histories.values())
    steps = np.unique(np.linspace(0, last, CURVE_POINTS).astype(int))
    curves, best = [], []
    for number, history in record.histories.items():
        n_data = _n_data(results[number], part)
        chi2 = history[f"chi2_{part}"] / n_data
        seen = np.interp(steps, history["step"], chi2, left=np.nan, right=np.nan)
        curves.append(np.where(np.isfinite(seen), seen, np.nan))
        at = np.flatnonzero(history["step"] == results[number]["best_step"])
        if len(at):
            best.append((results[number]["best_step"], chi2[at[0]]))
    return steps, np.stack(curves), np.array(best or [(np.nan, np.nan)], dtype=np.float64)


def _n_data(result: Mapping[str, Any], part: str) -> float:
    """How many data the part has; all of them where the fit does not say."""
    n_data, n_training = result["n_data"], result.get("n_training")
    if n_training is None:
        return float(n_data)
    return float(max(n_training if part == "training" else n_data - n_training, 1))
