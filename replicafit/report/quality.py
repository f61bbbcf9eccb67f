"""chi2 per datum: in total, per experiment and per dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from replicafit.report.drawing import BLUE, INK, MUTED, ORANGE, drawing, label_x
from replicafit.report.record import Record
from replicafit.report.section import Block, Cell, Figure, Figures, Row, Section, Table, Text
from replicafit.report.statistics import Spread, spread

EXPLAINED = (
    "χ² per datum of the measured values should be near 1. Training and validation are of each "
    "replica's pseudodata, which fluctuate about the measured values: near 2 is what a perfect "
    "function reaches. Every number takes the correlations within its line into account, so the "
    "lines do not simply add up."
)
MEAN = (
    " The first column is of the mean prediction of all replicas, the next of each replica: mean "
    "and standard deviation."
)


def quality_section(record: Record) -> Section:
    """Table and bars."""
    results = record.sound.results
    known = record.predictions is not None
    blocks: list[Block] = [
        Text(EXPLAINED + (MEAN if known else "")),
        Figures(_charts(results), layout="two"),
        chi2_table(record),
    ]
    if not known:
        blocks.append(Text("χ² of the mean prediction needs predictions.npz: export predictions."))
    return Section("chi2", "Agreement with data: χ² per datum", blocks, "χ²")


def chi2_table(record: Record) -> Table:
    """All lines: each experiment followed by its datasets, then the total."""
    results = record.sound.results
    rows: list[Row] = []
    for experiment, datasets in grouped(record).items():
        if len(datasets) > 1 or experiment not in datasets:
            rows.append(_experiment_row(record, experiment, datasets))
        rows += [_dataset_row(record, name) for name in datasets]
    rows += [_held_out_row(record, name) for name in results[0].get("held_out", {})]
    everything = _column(results, "chi2_per_datum", "all")
    split = [_column(results, "chi2_per_datum", part) for part in ("training", "validation")]
    n_data = str(results[0]["n_data"])
    mean = _of_mean(record, 0, list(results[0]["n_data_per_dataset"]))
    rows.append(Row(_cells("Total", n_data, mean, everything, split), "strong"))
    first = ["mean prediction"] if record.predictions is not None else []
    return Table(["", "data", *first, "replicas", "training", "validation"], rows)


def grouped(record: Record) -> dict[str, list[str]]:
    """The datasets of each experiment, in the order of the runcard."""
    names = record.sound.results[0]["n_data_per_dataset"]
    known = {} if record.predictions is None else record.predictions.experiment_of
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(known.get(name, name), []).append(name)
    return groups


def _experiment_row(record: Record, experiment: str, datasets: Sequence[str]) -> Row:
    results = record.sound.results
    n_data = sum(results[0]["n_data_per_dataset"][name] for name in datasets)
    values = np.array([r.get("per_experiment", {}).get(experiment, np.nan) for r in results])
    cells = _cells(experiment, str(n_data), _of_mean(record, 1, datasets), values, [None, None])
    return Row(cells, "group")


def _dataset_row(record: Record, name: str) -> Row:
    results = record.sound.results
    values = _column(results, "per_dataset", name)
    split = [_split(results, name, part) for part in ("training", "validation")]
    n_data = str(results[0]["n_data_per_dataset"][name])
    return Row(_cells(name, n_data, _of_mean(record, 2, [name]), values, split))


def _held_out_row(record: Record, name: str) -> Row:
    values = _column(record.sound.results, "held_out", name)
    blank = np.nan if record.predictions is not None else None
    return Row(_cells(f"{name}, not fitted", "", blank, values, [None, None]))


def _cells(
    name: str,
    n_data: str,
    mean: float | None,
    replicas: np.ndarray,
    split: Sequence[np.ndarray | None],
) -> list[str | Cell]:
    value = spread(replicas)
    text = f"{value.mean:.3f} ±\u00a0{np.nanstd(replicas):.3f}" if np.isfinite(value.mean) else ""
    first: list[str | Cell] = []
    if mean is not None:
        first = [Cell(f"{mean:.3f}", min(mean / 3, 0.75)) if np.isfinite(mean) else ""]
    means = [np.nan if v is None else spread(v).mean for v in split]
    return [name, n_data, *first, text, *(f"{m:.3f}" if np.isfinite(m) else "" for m in means)]


def _of_mean(record: Record, level: int, datasets: Sequence[str]) -> float | None:
    if record.predictions is None:
        return None
    places = record.predictions.places
    return record.predictions.chi2_of_mean(level, [places[name] for name in datasets])


def _column(results: Sequence[Mapping[str, Any]], key: str, name: str) -> np.ndarray:
    return np.array([r[key][name] for r in results], dtype=np.float64)


def _split(results: Sequence[Mapping[str, Any]], name: str, part: str) -> np.ndarray:
    """(r,), not a number where unknown."""
    each = [r.get("split_per_dataset", {}).get(name, {}).get(part) for r in results]
    return np.array(each, dtype=np.float64)


def _charts(results: Sequence[Mapping[str, Any]]) -> list[Figure]:
    names = list(results[0]["n_data_per_dataset"])
    everything = [spread(_column(results, "per_dataset", name)) for name in names]
    charts = [_bars(names, everything, spread(_column(results, "chi2_per_datum", "all")))]
    if any(r.get("split_per_dataset") for r in results):
        parts = [[spread(_split(results, n, p)) for n in names] for p in ("training", "validation")]
        charts.append(_pairs(names, *parts))
    return charts


def _bars(names: Sequence[str], values: Sequence[Spread], total: Spread) -> Figure:
    height = 52 + 24 * len(names)
    with drawing("χ² per datum of the measured values", height=height, left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        medians = np.array([v.median for v in values])
        ax.barh(at, medians, height=0.36, color=BLUE, alpha=0.75, linewidth=0)
        low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
        ax.hlines(at, low, high, color=INK, linewidth=1.4)
        _names(made.ax, names)
        ax.axvline(1, color=MUTED, linewidth=1)
        ax.axvline(total.median, color=INK, linewidth=1, linestyle=(0, (3, 2)))
        right = total.median >= 1
        ax.text(
            total.median + (0.02 if right else -0.02),
            -0.95,
            f"total {total.median:.3f}",
            ha="left" if right else "right",
            va="center",
            fontsize=9,
        )
        ax.set_xlim(0, max(1.5, 1.06 * float(high.max())))
    return made.done("Bars: median over replicas. Lines: central 68 % of the replicas.")


def _pairs(
    names: Sequence[str], training: Sequence[Spread], validation: Sequence[Spread]
) -> Figure:
    height = 52 + 24 * len(names)
    with drawing("χ² per datum of the pseudodata", height=height, left=10) as made:
        ax, at = made.ax, np.arange(len(names))
        for values, colour, offset in ((training, BLUE, 0.0), (validation, ORANGE, 0.22)):
            low, high = (np.array([getattr(v, end) for v in values]) for end in ("low", "high"))
            ax.hlines(at + offset, low, high, color=colour, linewidth=1.2, alpha=0.7)
            ax.plot([v.median for v in values], at + offset, "o", color=colour, markersize=5)
        _names(ax, names)
        ax.axvline(2, color=MUTED, linewidth=1)
        top = max(3.0, 1.06 * float(np.nanmax([v.high for v in (*training, *validation)])))
        ax.set_xlim(0, top)
        ax.text(0.02, -0.95, "● training", color=BLUE, va="center", fontsize=9)
        ax.text(0.3 * top, -0.95, "● validation", color=ORANGE, va="center", fontsize=9)
    return made.done("Dots: median over replicas. Lines: central 68 % of the replicas.")


def _names(ax: Axes, names: Sequence[str]) -> None:
    """Names stand above their bars: room for long ones on a narrow screen."""
    ax.set_yticks([])
    ax.set_ylim(len(names) - 0.4, -1.4)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    for i, name in enumerate(names):
        ax.text(0, i - 0.23, f" {name}", va="bottom", ha="left", fontsize=8.5)
    label_x(ax, "χ² per datum")
