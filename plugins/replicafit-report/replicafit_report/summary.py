"""The top of a report, and where the fit comes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from replicafit_report.opening import opening
from replicafit_report.record import Record
from replicafit_report.section import (
    Block,
    Code,
    Facts,
    Figures,
    More,
    Notice,
    Row,
    Section,
    Table,
)
from replicafit_report.sources import FitSource
from replicafit_report.statistics import spread


def summary_section(ours: FitSource) -> Section:
    """The fit in a few numbers and one picture."""
    record = ours.record
    blocks: list[Block] = [*map(Notice, warnings(record)), Facts(_facts(record))]
    blocks.append(Figures([opening(ours.fitted, n) for n in (False, True)], layout="one"))
    return Section("summary", "Summary", blocks)


def warnings(record: Record) -> list[str]:
    """What keeps this fit from being whole."""
    told = []
    if record.missing:
        state = "is still running or was interrupted" if record.folder.checkpoint.exists() else ""
        told.append(
            f"This fit is not finished: {len(record.missing)} of {len(record.requested)} replicas "
            f"are not written ({ranges(record.missing)}). "
            + (f"It {state}; continue it with --resume." if state else "Continue with --resume.")
        )
    if record.good is not None and len(record.sound) < record.good:
        told.append(f"{len(record.sound)} replicas count, of {record.good} good ones asked for.")
    diverged = [r["number"] for r in record.fit.results if r["status"] == "diverged"]
    if diverged:
        told.append(
            f"{len(diverged)} replicas diverged and are left out of all means and bands: "
            f"{ranges(diverged)}."
        )
    if len(diverged) == len(record.fit):
        told[-1] = "Every replica diverged: what is shown are their last good weights."
    if len(record.sound) == 1:
        told.append("There is only one replica: bands and standard deviations mean nothing.")
    return told


def ranges(numbers: tuple[int, ...] | list[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    groups: list[list[int]] = []
    for number in sorted(numbers):
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(g[0]) if len(g) == 1 else f"{g[0]}-{g[-1]}" for g in groups)


def _facts(record: Record) -> list[tuple[str, str]]:
    results = record.sound.results
    every = spread(np.array([r["chi2_per_datum"]["all"] for r in results], dtype=np.float64))
    steps = spread(np.array([r["steps"] for r in results], dtype=np.float64))
    facts = [(f"{every.mean:.3f}", "χ² per datum, mean over replicas")]
    if record.predictions is not None:
        places = list(record.predictions.places.values())
        best = record.predictions.chi2_of_mean(0, places)
        facts.insert(0, (f"{best:.3f}", "χ² per datum of the mean prediction"))
    ended = Counter(record.fit.statuses)
    told = ", ".join(f"{count} {status}" for status, count in ended.items())
    return [
        *facts,
        (f"{len(record.fit)}", f"replicas: {told}"),
        (f"{results[0]['n_data']:,}", f"data in {len(results[0]['n_data_per_dataset'])} datasets"),
        (f"{steps.median:,.0f}", "steps, median over replicas"),
    ]


def runcard_section(record: Record) -> Section:
    """The runcard as given, and with all defaults."""
    filled = json.dumps(record.run.get("runcard", {}), indent=1)
    blocks: list[Block] = [] if record.runcard is None else [Code(record.runcard)]
    blocks.append(More("With all defaults filled in", [Code(filled)]))
    return Section("runcard", "Runcard", blocks)


def provenance_section(record: Record) -> Section:
    """Versions, plugins, device and timing."""
    run = record.run
    rows = [
        Row(["fit", str(record.folder.path.resolve().name)]),
        Row(["runcard hash", str(run.get("hash", ""))]),
        *(Row([name, str(version)]) for name, version in run.get("versions", {}).items()),
        *(
            Row([f"plugin {name}", f"{p['distribution']} {p['version']}"])
            for name, p in run.get("plugins", {}).items()
        ),
        *(Row([_backend(key), told(value)]) for key, value in run.get("backend", {}).items()),
        *(Row([_words(k), told(v)]) for k, v in run.get("timing", {}).items()),
    ]
    forms = run.get("chi2_forms")
    more: list[Block] = (
        [More("How χ² is computed", [Code(json.dumps(forms, indent=1))])] if forms else []
    )
    return Section(
        "provenance",
        "Versions and provenance",
        [Table(["", ""], rows, text=True), *more],
        "Versions",
    )


def _backend(key: str) -> str:
    return {"name": "backend", "version": "backend version"}.get(key, key)


def _words(key: str) -> str:
    """A key of the timing as a reader says it."""
    words = key.removesuffix("_s").replace("_", " ")
    return f"{words}, seconds" if key.endswith("_s") else words


def told(value: Any) -> str:
    """A value for a table."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {told(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(told, value))
    return "" if value is None else str(value)
