"""Data against prediction, dataset by dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from replicafit.report.drawing import BLUE, INK, REPLICA, VERMILLION, drawing
from replicafit.report.record import Predictions, Record
from replicafit.report.section import Block, Figure, Figures, Legend, Section, Text

PER_ROW = 90
EXPLAINED = (
    "Measured values over the mean prediction of all replicas. The correlated uncertainties shift "
    "the measured values by what lowers the total χ² most; the shifted values carry their "
    "uncorrelated errors only, and are what should lie on the band."
)
ABSENT = (
    "This fit was written without predictions. Add 'predictions' to export in the runcard and fit "
    "again to see data and predictions here."
)


@dataclass(frozen=True)
class _Compared:
    """One dataset over its mean prediction, in order of x, then Q2; each (d,)."""

    name: str
    data: np.ndarray
    shifted: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    x: np.ndarray | None


def agreement_section(record: Record) -> Section:
    """One figure for each dataset."""
    title = "Data and predictions"
    if record.predictions is None:
        return Section("data", title, [Text(ABSENT)], "Data")
    predictions = record.predictions
    figures = [_figure(_compare(predictions, name)) for name in predictions.places]
    legend = Legend(
        (
            ("datum", "measured, shifted, with uncorrelated error"),
            ("unshifted", "measured, as published"),
            ("band", "prediction: 68 % of the replicas"),
        )
    )
    blocks: list[Block] = [Text(EXPLAINED), legend, Figures(figures, layout="packed")]
    return Section("data", title, blocks, "Data")


def _compare(predictions: Predictions, name: str) -> _Compared:
    place, data = predictions.places[name], predictions.data
    x, q2 = (data.get(f"kinematics_{k}") for k in ("x", "q2"))
    order = np.arange(place.start, place.stop)
    if x is not None and q2 is not None:
        order = order[np.lexsort((q2[order], x[order]))]
    each = predictions.prediction[:, order]
    mean = each.mean(axis=0)
    low, high = np.percentile(each, [16, 84], axis=0) / mean
    shifted = (data["central"] - predictions.shift)[order]
    return _Compared(
        name,
        data["central"][order] / mean,
        shifted / mean,
        np.abs(data["uncorrelated"][order] / mean),
        np.minimum(low, high),
        np.maximum(low, high),
        None if x is None else x[order],
    )


def _figure(compared: _Compared) -> Figure:
    n_data = len(compared.data)
    rows = -(-n_data // PER_ROW)
    per_row = -(-n_data // rows)
    height = 44 + 128 * rows
    limits = _limits(compared)
    with drawing(f"{compared.name}: data / prediction", height, rows=rows, left=36) as made:
        for row, ax in enumerate(made.axes):
            part = slice(row * per_row, min((row + 1) * per_row, n_data))
            at = np.arange(part.start, part.stop)
            ax.fill_between(
                at, compared.low[part], compared.high[part], color=BLUE, alpha=0.35, linewidth=0
            )
            ax.axhline(1, color=INK, linewidth=0.6)
            ax.plot(at, compared.data[part], "o", markersize=2.4, color=REPLICA, markeredgewidth=0)
            ax.vlines(
                at,
                (compared.shifted - compared.error)[part],
                (compared.shifted + compared.error)[part],
                color=VERMILLION,
                linewidth=0.7,
            )
            ax.plot(at, compared.shifted[part], "o", markersize=2.6, color=VERMILLION)
            ax.set_xlim(part.start - 1, part.start + per_row)
            ax.set_ylim(*limits)
            ax.grid(visible=False, axis="x")
            _label(ax, compared, at)
    outside = int((np.abs(compared.shifted - np.mean(limits)) > np.ptp(limits) / 2).sum())
    note = f" {outside} {'datum lies' if outside == 1 else 'data lie'} outside." if outside else ""
    order = "in order of x, then Q²" if compared.x is not None else "in the order of the file"
    return made.done(f"{n_data} data {order}.{note}")


def _label(ax: Axes, compared: _Compared, at: np.ndarray) -> None:
    ticks = at[:: max(1, len(at) // 4)][:4]
    if compared.x is None:
        names = [str(i + 1) for i in ticks]
    else:
        names = [f"x = {compared.x[i]:.2g}" for i in ticks]
    ax.set_xticks(ticks, names, fontsize=8.5, ha="left")
    ax.tick_params(axis="y", labelsize=8.5)


def _limits(compared: _Compared) -> tuple[float, float]:
    ends = np.concatenate(
        [compared.shifted - compared.error, compared.shifted + compared.error, compared.data]
    )
    low, high = np.percentile(ends, [1.5, 98.5])
    reach = 1.12 * max(1 - low, high - 1, 0.02)
    return 1 - min(reach, 2.0), 1 + min(reach, 2.0)
