"""How training went: chi2 of all replicas against steps, and where they stopped."""

from __future__ import annotations

import numpy as np

from replicafit.plugin import ReplicaRecord
from replicafit_report.pictures import (
    INK,
    ORANGE,
    drawing,
    few_ticks,
    label_x,
    replica_curves,
    replica_points,
)
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
            "chi2 per datum of each replica's pseudodata at every check. A replica is written as "
            "it was at its lowest validation chi2. Dashed: the median of those that count."
        ),
        Legend(
            (
                ("replica", "each replica that counts"),
                ("stopping", "the step it is written at"),
                *([("refused", "replicas that do not count")] if record.reasons else []),
            )
        ),
        Figures([_chart(record, part) for part in ("training", "validation")], layout="two"),
    ]
    return Section("training", title, blocks)


def _chart(record: Record, part: str) -> Figure:
    numbers = list(record.histories)
    bad = [number in record.reasons for number in numbers]
    steps, curves, best = _curves(record, part)
    counting = best[~np.array(bad), 1] if not all(bad) else best[:, 1]
    known = counting[np.isfinite(counting)]
    median = float(np.median(known)) if len(known) else float("nan")
    title = f"{part.capitalize()} chi2 per datum" + (f", median {median:.2f}" if len(known) else "")
    with drawing(title, height=240, left=40) as made:
        ax = made.ax
        for refused in (False, True):
            chosen = [i for i, is_bad in enumerate(bad) if is_bad == refused]
            those = [numbers[i] for i in chosen]
            replica_curves(ax, steps, curves[chosen], those, refused)
        low, high = usual(known)
        room = 0.2 * (high - low) + 0.02 * abs(high)
        shown = [i for i in range(len(best)) if np.isfinite(best[i]).all()]
        replica_points(
            ax,
            best[shown, 0],
            np.minimum(best[shown, 1], high + 2 * room),
            [numbers[i] for i in shown],
            [bad[i] for i in shown],
            ORANGE,
        )
        ax.set_ylim(low - room, high + 2.1 * room)
        ax.set_xlim(0, steps[-1])
        few_ticks(ax, x=5)
        label_x(ax, "steps")
        if len(known):
            ax.axhline(median, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    return made.done(beyond(int((best[:, 1] > high + 2 * room).sum()), "above, and is at the edge"))


def _curves(record: Record, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps (n,), chi2 per datum (r, n), and the point each replica is written at, (r, 2)."""
    results = {result.number: result for result in record.fit.results}
    last = max(int(history["step"][-1]) for history in record.histories.values())
    steps = np.unique(np.linspace(0, last, CURVE_POINTS).astype(int))
    curves, best = [], []
    for number, history in record.histories.items():
        result = results[number]
        chi2 = history[f"chi2_{part}"] / _n_data(result, part)
        seen = np.interp(steps, history["step"], chi2, left=np.nan, right=np.nan)
        curves.append(np.where(np.isfinite(seen), seen, np.nan))
        at = np.flatnonzero(history["step"] == result.best_step)
        best.append((result.best_step, chi2[at[0]] if len(at) else np.nan))
    return steps, np.stack(curves), np.array(best, dtype=np.float64)


def _n_data(result: ReplicaRecord, part: str) -> int:
    """How many data the part has."""
    n_training = result.n_training or 0
    return max(n_training if part == "training" else result.n_data - n_training, 1)
