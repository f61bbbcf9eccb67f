"""The first screen of a report, and where the fit comes from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from replicafit_report.record import Record
from replicafit_report.section import (
    Answer,
    Block,
    Code,
    Facts,
    Figures,
    More,
    Notice,
    Row,
    Section,
    Table,
    Text,
)
from replicafit_report.statistics import short

KIND = r": | is not finite| \S+, (?:limit|bound) "
"""Where the kind of a reason ends and its numbers begin."""

FAIR, BAD, FEWEST = 3.0, 1.5, 2
"""Sigmas of chi2 that chance explains; chi2 per datum from which on a fit is none; replicas."""


def summary_section(record: Record, others: Sequence[Section]) -> Section:
    """The answers, and the pictures and findings of the ``others``."""
    mood, words = verdict(record)
    blocks: list[Block] = [Answer(words, mood), *map(Notice, warnings(record))]
    if record.run.verdict is not None and record.run.verdict.findings:
        rows = [
            Row([f.name, f"{f.says} Try: {f.advice}"], "bad" if f.serious else "")
            for f in record.run.verdict.findings
        ]
        table = Table(["looked at", "what was found, and what to try"], rows, True, "verdict")
        blocks.append(table)
    blocks += [Text(finding) for section in others for finding in section.findings]
    blocks.append(Facts(_facts(record)))
    opening = next((section.opening for section in others if section.opening), ())
    if opening:
        blocks.append(Figures(opening, layout="one"))
    return Section("summary", "Summary", blocks)


def verdict(record: Record) -> tuple[str, str]:
    """Whether the fit describes its data, and one sentence that says so.

    As the fit itself has it; of one that is not complete, or older, by chi2 alone.
    """
    judged = record.run.verdict
    if judged is not None:
        mood = "good" if not judged.findings else "fair" if judged.good else "bad"
        begins = {
            "good": "The fit describes its data",
            "fair": "The fit describes its data, with remarks",
            "bad": "The fit is bad",
        }
        return mood, f"{begins[mood]}: {judged.says}."
    counted = f"{len(record.sound)} of {len(record.fit)} replicas count"
    if record.predictions is None:
        chi2, what = float(np.mean(record.chi2())), "mean over the replicas that count"
    else:
        chi2, what = record.predictions.chi2_of_mean(), "of the mean prediction"
    n = record.sound.results[0].n_data
    sigma = np.sqrt(2 / n)
    words = f"chi2 per datum is {short(chi2)} ({what}, {n:,} data); {counted}."
    if not np.isfinite(chi2):
        return "bad", f"The fit does not describe its data: chi2 is not finite; {counted}."
    if chi2 > BAD and chi2 > 1 + FAIR * sigma:
        return "bad", f"The fit does not describe its data: {words}{_worst(record)}"
    if chi2 > 1 + FAIR * sigma:
        return "fair", f"The fit describes most of its data: {words}{_worst(record)}"
    if chi2 < 1 - FAIR * sigma:
        return "fair", (
            f"The fit is closer to its data than their errors allow by chance: {words} The errors "
            "may be too large, or the network follows the noise."
        )
    return "good", f"The fit describes its data: {words}"


def _worst(record: Record) -> str:
    """The datasets with the largest chi2, if there are several."""
    per = {
        name: float(np.array([r.per_dataset[name] for r in record.sound.results], float).mean())
        for name in record.sound.results[0].n_data_per_dataset
    }
    worst = sorted(per, key=lambda name: -per[name])[:2]
    told = [f"{name} ({per[name]:.2f})" for name in worst if per[name] > 1]
    return f" Largest: {' and '.join(told)}." if told and len(per) > 1 else ""


def warnings(record: Record) -> list[str]:
    """What keeps this fit from being whole."""
    found = []
    if record.missing:
        wanted = len(record.missing) + len(record.fit)
        running = record.folder.jobs.exists()
        state = "It is still running or was interrupted; continue" if running else "Continue"
        found.append(
            f"This fit is not finished: {len(record.missing)} of {wanted} replicas are not "
            f"written ({ranges(record.missing)}). {state}{' it' * running} with --resume."
        )
    if record.good is not None and len(record.sound) < record.good:
        found.append(f"{len(record.sound)} replicas count, of {record.good} good ones asked for.")
    diverged = [r.number for r in record.fit.results if r.status == "diverged"]
    if len(diverged) == len(record.fit):
        found.append("Every replica diverged: what is shown are their last good weights.")
    elif record.refused is None and record.reasons:
        found.append("No replica counts: what is shown are all of them.")
    if record.reasons and len(diverged) < len(record.fit):
        each = "; ".join(
            f"{'replica' if len(numbers) == 1 else 'replicas'} {ranges(numbers)} ({why})"
            for why, numbers in by_reason(record).items()
        )
        found.append(f"Left out of all means and bands: {each}.")
    if len(record.sound) <= FEWEST:
        how = "is only one replica" if len(record.sound) == 1 else "are only two replicas"
        found.append(f"There {how}: bands and standard deviations mean nothing.")
    return found


def by_reason(record: Record) -> dict[str, list[int]]:
    """The replicas that do not count, by the kind of reason."""
    found: dict[str, list[int]] = {}
    for number, why in record.reasons.items():
        kinds = dict.fromkeys(re.split(KIND, each)[0] for each in why.split("; "))
        found.setdefault(", ".join(kinds), []).append(number)
    return found


def ranges(numbers: Iterable[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    groups: list[list[int]] = []
    for number in sorted(numbers):
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(g[0]) if len(g) == 1 else f"{g[0]}-{g[-1]}" for g in groups)


def _facts(record: Record) -> list[tuple[str, str]]:
    results, every = record.sound.results, record.chi2()
    facts = []
    if record.predictions is not None:
        best = record.predictions.chi2_of_mean()
        facts.append((short(best), "chi2 per datum of the mean prediction"))
    ended = Counter(record.fit.statuses)
    told = ", ".join(f"{count} {status}" for status, count in ended.items())
    counted, written = len(record.fit.selected), len(record.fit)
    who = f"the {counted} replicas that count" if counted else f"all {written} replicas"
    return [
        *facts,
        (short(every.mean()), f"chi2 per datum, mean over {who}"),
        (f"{counted} of {written}", f"replicas count; {told}"),
        (f"{results[0].n_data:,}", f"data in {_count(results[0].n_data_per_dataset)}"),
        (
            f"{np.median([r.steps for r in results]):,.0f}",
            f"steps, median over {who}",
        ),
    ]


def _count(datasets: Mapping[str, int]) -> str:
    return "1 dataset" if len(datasets) == 1 else f"{len(datasets)} datasets"


def runcard_section(record: Record) -> Section:
    """The runcard as given, and with all defaults."""
    filled = json.dumps(record.card, indent=1, default=str)
    blocks: list[Block] = [] if record.runcard is None else [Code(record.runcard)]
    blocks.append(More("With all defaults filled in", [Code(filled)]))
    return Section("runcard", "Runcard", blocks)


def provenance_section(record: Record) -> Section:
    """Versions, plugins, device and timing."""
    run = record.run
    timing = run.timing.model_dump(exclude_none=True)
    rows = [
        Row(["fit", record.name]),
        Row(["runcard hash", run.hash]),
        *(Row([name, version]) for name, version in run.versions.items()),
        *(
            Row([f"plugin {name}", f"{plugin.distribution} {plugin.version}"])
            for name, plugin in run.plugins.items()
        ),
        *(Row([_backend(key), value]) for key, value in run.backend.items()),
        *(Row([_words(key), told(value)]) for key, value in timing.items()),
    ]
    forms = run.chi2_forms
    more: list[Block] = (
        [More("How chi2 is computed", [Code(json.dumps(forms, indent=1))])] if forms else []
    )
    table = Table(["", ""], rows, text=True, name="versions")
    return Section("provenance", "Versions and provenance", [table, *more], "Versions")


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
