"""chi2 per datum: in total, per experiment and per dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from replicafit_report.chi2_bars import (
    DATASET,
    EXPERIMENT,
    PARTS,
    charts,
    split_of,
    values_of,
)
from replicafit_report.record import Record
from replicafit_report.section import Block, Cell, Figures, Row, Section, Table, Text
from replicafit_report.statistics import spread

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
    known = record.predictions is not None
    blocks: list[Block] = [
        Text(EXPLAINED + (MEAN if known else "")),
        *_charts(record),
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
    split = [_column(results, "chi2_per_datum", part) for part in PARTS]
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
    values = values_of(results, EXPERIMENT, experiment)
    split = [split_of(results, EXPERIMENT, experiment, part) for part in PARTS]
    return Row(
        _cells(experiment, str(n_data), _of_mean(record, 1, datasets), values, split), "group"
    )


def _dataset_row(record: Record, name: str) -> Row:
    results = record.sound.results
    values = values_of(results, DATASET, name)
    split = [split_of(results, DATASET, name, part) for part in PARTS]
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


def _charts(record: Record) -> list[Figures]:
    """Bars by experiment, where that says more, and by dataset."""
    results, groups = record.sound.results, grouped(record)
    names = {EXPERIMENT: list(groups), DATASET: [n for group in groups.values() for n in group]}
    if len(names[EXPERIMENT]) == len(names[DATASET]):
        del names[EXPERIMENT]
    return [
        Figures(charts(results, level, of), f"By {level}" if len(names) > 1 else "", "two")
        for level, of in names.items()
    ]
