"""chi2 per datum: in total, per experiment and per dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicafit_report.chi2_bars import DATASET, EXPERIMENT, PARTS, charts, split_of, values_of
from replicafit_report.record import Record
from replicafit_report.section import Block, Cell, Figures, More, Row, Section, Table, Text
from replicafit_report.statistics import short

MANY = 24
"""Datasets whose charts would push their table off the screen."""

EXPLAINED = (
    "chi2 per datum of the measured values should be near 1. Training and validation are of each "
    "replica's pseudodata, which fluctuate about the measured values: near 2 is what a perfect "
    "function reaches. Every number takes the correlations within its line into account, so the "
    "lines do not simply add up. phi2 is chi2 per datum of the replicas, their mean, less that "
    "of the mean prediction: phi compares the spread of the predictions with the errors of the "
    "data (arXiv:1410.8849)."
)


def quality_section(record: Record) -> Section:
    """Table and bars."""
    known, count = record.predictions is not None, len(record.sound)
    first = "The first column is of the mean prediction of all of them, the next " if known else ""
    over = (
        f" Over the {count} replicas that count. {first or 'The columns are '}of each replica, "
        "mean and standard deviation; training and validation are means."
    )
    blocks: list[Block] = [Text(EXPLAINED + over), *_charts(record), chi2_table(record)]
    if not known:
        blocks.append(
            Text("chi2 of the mean prediction needs predictions.npz: export predictions.")
        )
    return Section("chi2", "Agreement with data: chi2 per datum", blocks, "chi2")


def chi2_table(record: Record) -> Table:
    """All lines: each experiment followed by its datasets, then the total."""
    first = record.sound.results[0]
    rows: list[Row] = []
    for experiment, datasets in record.groups().items():
        if len(datasets) > 1 or experiment not in datasets:
            n_data = sum(first.n_data_per_dataset[name] for name in datasets)
            rows.append(
                Row(_line(record, EXPERIMENT, experiment, n_data, datasets), emphasis="group")
            )
        for name in datasets:
            rows.append(Row(_line(record, DATASET, name, first.n_data_per_dataset[name], [name])))
    for name in first.held_out:
        values = np.array([r.held_out[name] for r in record.sound.results], dtype=np.float64)
        blank = ["", ""] if record.predictions is not None else []
        every = _mean_and_deviation(values)
        rows.append(Row([f"{name}, not fitted", "", *blank[:1], every, *blank[1:], "", ""]))
    total = [short(np.mean(record.chi2(part))) for part in PARTS]
    every = _mean_and_deviation(record.chi2())
    phi = _phi(record, 0, record.chi2())
    cells: list[str | Cell] = [
        "Total",
        f"{first.n_data}",
        *_of_mean(record, 0),
        every,
        *phi,
        *total,
    ]
    rows.append(Row(cells, "strong"))
    known = record.predictions is not None
    of_mean, of_phi = (["mean prediction"], ["phi"]) if known else ([], [])
    headings = ["", "data", *of_mean, "replicas", *of_phi, "training", "validation"]
    return Table(headings, rows, name="chi2 per datum", explore=True)


def _line(
    record: Record, level: str, name: str, n_data: int, datasets: Sequence[str]
) -> list[str | Cell]:
    results = record.sound.results
    parts = [short(np.mean(split_of(results, level, name, part))) for part in PARTS]
    which, values = 1 if level == EXPERIMENT else 2, values_of(results, level, name)
    phi = _phi(record, which, values, datasets)
    mean = _of_mean(record, which, datasets)
    return [name, str(n_data), *mean, _mean_and_deviation(values), *phi, *parts]


def _of_mean(record: Record, level: int, datasets: Sequence[str] | None = None) -> list[Cell]:
    """chi2 of the mean prediction, if it is known."""
    if record.predictions is None:
        return []
    chi2 = record.predictions.chi2_of_mean(level, datasets)
    return [Cell(short(chi2), min(chi2 / 4, 0.6))]


def _phi(
    record: Record, level: int, values: np.ndarray, datasets: Sequence[str] | None = None
) -> list[str]:
    """phi, from chi2 per datum of the replicas (r,), if that of the mean prediction is known."""
    if record.predictions is None:
        return []
    square = float(values.mean()) - record.predictions.chi2_of_mean(level, datasets)
    return [short(np.sqrt(max(square, 0.0)))]


def _mean_and_deviation(values: np.ndarray) -> str:
    if not np.isfinite(values).all():
        return ""
    if len(values) < 2:
        return short(values.mean())
    return f"{short(values.mean())} ±\u00a0{short(values.std(ddof=1))}"


def _charts(record: Record) -> list[Block]:
    """Bars by experiment, where that says more, and by dataset."""
    groups = record.groups()
    names = {EXPERIMENT: list(groups), DATASET: [n for group in groups.values() for n in group]}
    if len(names[EXPERIMENT]) == len(names[DATASET]):
        del names[EXPERIMENT]
    shown: list[Block] = [
        Figures(charts(record, level, of), f"By {level}" if len(names) > 1 else "", "two")
        for level, of in names.items()
    ]
    if len(names[DATASET]) > MANY and len(shown) > 1:
        return [shown[0], More("Charts by dataset", shown[1:])]
    return shown
