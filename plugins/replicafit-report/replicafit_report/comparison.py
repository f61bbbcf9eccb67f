"""Fits side by side: which describes its data better, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicafit.plugin import OutputError, Registry, RunRecord, compared
from replicafit_report.functions import COLORS, SWATCHES
from replicafit_report.page import about_functions, apart, in_order, save
from replicafit_report.pictures import (
    MUTED,
    beyond_the_end,
    drawing,
    few_ticks,
    label_x,
    rows_by_name,
)
from replicafit_report.record import Predictions, Record
from replicafit_report.replicas import usual
from replicafit_report.section import (
    Answer,
    Block,
    Figure,
    Figures,
    Legend,
    Notice,
    Row,
    Section,
    Table,
    Text,
)
from replicafit_report.sides import SAME, SectionContext, Side, fit_side, is_fit, side_beside
from replicafit_report.statistics import short
from replicafit_report.summary import ranges, told, warnings
from replicafit_report.views import in_common

OVER = (
    "All numbers are over the replicas that count; ± is their standard deviation. Standard errors "
    "of chi2 of the mean prediction are what so many replicas leave open of it: each is left out "
    "in turn."
)


def write_comparison(
    folders: Sequence[Path],
    output: Path,
    scales: Sequence[float] = (),
    registry: Registry | None = None,
) -> Path:
    """Writes the comparison of what is in ``folders``, the first being compared with.

    Args:
        folders: of fits, and of what plugins read.
        scales: where functions are shown beside that of the fits.
        registry: of the plugins.

    Raises:
        OutputError: fewer than two or more than four, or those that have nothing in common.
    """
    if not 2 <= len(folders) <= len(COLORS):
        raise OutputError(
            f"{len(folders)} fits are given; compare takes 2 to {len(COLORS)} fits, or sets of "
            "functions that a plugin reads, the first of which the others are compared with."
        )
    registry = registry or Registry()
    sides, attributes = _sides(folders, sorted(set(scales)), registry)
    names = [side.name for side in sides]
    title = " and ".join(names) if len(names) == 2 else ", ".join(names)
    others, scale = apart(scales, attributes), attributes.get("q0")
    context = SectionContext(tuple(sides), others, registry, compares=True, scale=scale)
    save(output, title, "Comparison of fits", comparison_sections(context))
    return output


def _sides(
    folders: Sequence[Path], scales: Sequence[float], registry: Registry
) -> tuple[list[Side], Mapping[str, float]]:
    """What is in ``folders``, at one scale: that of the fits, or else the first asked for; and what
    characterizes the functions there.
    """
    fits = [fit_side(path, registry) for path in folders if is_fit(path, registry)]
    known = [side.record.attributes for side in fits if side.record is not None]
    own = {round(each["q0"] / SAME) * SAME for each in known if "q0" in each}
    if len(own) == 1 or (fits and not own):
        attributes = known[0]
    elif scales:
        attributes = {"q0": scales[0]}
    else:
        given = ", ".join(f"{side.name} {a.get('q0')}" for side, a in zip(fits, known, strict=True))
        raise OutputError(
            f"Functions are compared at one scale; these have q0: {given}. Say at which with "
            "--at-q 100."
            if fits
            else "Sets alone have no scale to be compared at. Say at which with --at-q 100."
        )
    sides = [side_beside(path, registry, attributes) for path in folders]
    if len({side.name for side in sides}) < len(sides):
        sides = [replace(side, name=str(path)) for side, path in zip(sides, folders, strict=True)]
    return sides, attributes


def comparison_sections(context: SectionContext) -> list[Section]:
    """All sections in reading order."""
    sides = context.sides
    if context.functions[0].x.ndim == 1 and not in_common(context.functions)[0].names:
        raise OutputError(
            "These fits have no function in common: "
            + "; ".join(f"{side.name}: {', '.join(side.functions.names)}" for side in sides)
        )
    functions = about_functions(context)
    sections = in_order([_chi2(sides), *functions, _origin(sides)])
    findings = [finding for section in sections for finding in section.findings]
    opening = next((section.opening for section in sections if section.opening), ())
    return [_summary(sides, findings, opening), *sections]


def _summary(sides: Sequence[Side], findings: Sequence[str], opening: Sequence[Figure]) -> Section:
    blocks: list[Block] = [Answer(sentence) for sentence in [*_better(sides), *findings]]
    blocks += [
        Notice(f"{side.name}: {text}")
        for side in sides
        if side.record is not None
        for text in warnings(side.record)
    ]
    if opening:
        names = [side.name for side in sides]
        blocks.append(Legend(tuple(zip(SWATCHES, names, strict=False))))
        heading = "Where they differ most" if len(opening) > 1 else ""
        blocks.append(Figures(opening, heading, "three" if len(opening) > 2 else "two"))
    rows = [
        Row(["what", *("fit" if side.record else "read by a plugin" for side in sides)]),
        Row(["title", *map(_title, sides)]),
        Row(["replicas that count", *map(_replicas, sides)]),
    ]
    of_fits: tuple[tuple[str, Callable[[Record], str]], ...] = (
        ("data", lambda r: f"{r.fit.results[0].n_data:,}"),
        ("chi2 per datum of the mean prediction", _best),
        ("chi2 per datum, mean over replicas that count", lambda r: _spread(r, "all")),
        ("training, mean over replicas", lambda r: _spread(r, "training")),
        ("validation, mean over replicas", lambda r: _spread(r, "validation")),
        (
            "steps, median over replicas",
            lambda r: f"{np.median([q.steps for q in r.sound.results]):,.0f}",
        ),
    )
    for label, value in of_fits:
        each = [value(side.record) if side.record is not None else "" for side in sides]
        if any(each):
            rows.append(Row([label, *each]))
    names = [side.name for side in sides]
    table = Table(["", *names], rows, text=True, name="fits")
    blocks += [table, Text(OVER)]
    return Section("summary", "Summary", blocks)


def _better(sides: Sequence[Side]) -> list[str]:
    """Which fit describes the data better, for each beside the first fit."""
    fits = [(side.name, side.record) for side in sides if side.record is not None]
    return [_which(fits[0], other) for other in fits[1:]]


def _which(first: tuple[str, Record], other: tuple[str, Record]) -> str:
    """chi2 of the mean prediction for the datasets that both have, and how sure it is."""
    (a, ours), (b, theirs) = first, other
    mine, yours = ours.predictions, theirs.predictions
    if mine is None or yours is None:
        return f"Whether {a} or {b} is better is not known: predictions are not exported."
    common = [n for n in mine.places if n in yours.places and _same(mine, yours, n)]
    if not common:
        return f"{a} and {b} have no data in common, so neither can be called better."
    whole = len(common) == len(mine.places) == len(yours.places)
    level = 0 if whole else 2
    each = [p.chi2_of_mean(level, common) for p in (mine, yours)]
    n_data = sum(mine.places[name].stop - mine.places[name].start for name in common)
    errors = [p.error_of_chi2(level, common) for p in (mine, yours)]
    error, apart_by = math.hypot(*errors), each[1] - each[0]
    datasets = "1 common dataset" if len(common) == 1 else f"{len(common)} common datasets"
    over = f"{n_data:,} data" if whole else f"the {n_data:,} data of {datasets}"
    numbers = f"{short(each[0])} ({a}) and {short(each[1])} ({b}) over {over}"
    if not error > 0:
        return (
            f"chi2 per datum of the mean prediction is {numbers}. With so few replicas it has no "
            f"error, so neither {a} nor {b} can be called better."
        )
    sigmas = abs(apart_by) / error
    sure = f"{sigmas:.1f} standard errors"
    if sigmas < 2:
        return (
            f"{a} and {b} describe the data equally well: chi2 per datum of the mean prediction is "
            f"{numbers}, {sure} apart."
        )
    best, worst = (a, b) if apart_by > 0 else (b, a)
    return (
        f"{best} describes the data better than {worst}: chi2 per datum of the mean prediction is "
        f"{numbers}; chi2 differs by {abs(apart_by) * n_data:,.1f}, or {sure}."
    )


def _same(mine: Predictions, yours: Predictions, name: str) -> bool:
    """Whether a dataset has the same measured values: not after other cuts, or with other noise."""
    one, other = (p.data["central"][p.places[name]] for p in (mine, yours))
    return len(one) == len(other) and np.allclose(one, other, rtol=1e-9, atol=0)


def _title(side: Side) -> str:
    return side.record.title if side.record else side.about.get("title", "")


def _replicas(side: Side) -> str:
    if side.record is None:
        return str(len(side.functions))
    return f"{len(side.record.sound)} of {len(side.record.fit)} ({ranges(side.record.fit.numbers)})"


def _best(record: Record) -> str:
    known = record.predictions
    return "not recorded" if known is None else short(known.chi2_of_mean())


def _spread(record: Record, part: str) -> str:
    values = record.chi2(part)
    if not np.isfinite(values).all():
        return ""
    deviation = f" ±\u00a0{short(values.std(ddof=1))}" if len(values) > 1 else ""
    return f"{short(values.mean())}{deviation}"


def _chi2(sides: Sequence[Side]) -> Section:
    """Of the fits; empty where there is none."""
    title = "chi2 per datum"
    fits = [
        (side.name, side.record, mark, color)
        for side, mark, color in zip(sides, SWATCHES, COLORS, strict=False)
        if side.record is not None
    ]
    if not fits:
        return Section("chi2", title, [])
    names = [name for name, *_ in fits]
    records = [record for _, record, *_ in fits]
    datasets = dict.fromkeys(n for r in records for n in r.sound.results[0].per_dataset)
    values = {name: [_dataset(record, name) for record in records] for name in datasets}
    rows = [Row([name, *(short(v) or "not fitted" for v in each)]) for name, each in values.items()]
    total = [short(record.chi2().mean()) for record in records]
    alike = all(np.isfinite(each).all() for each in values.values())
    rows.append(Row(["Total" if alike else "Total, of its own data", *total], "strong"))
    both = {n: each for n, each in values.items() if np.isfinite(each).sum() > 1}
    blocks: list[Block] = [
        Text("chi2 per datum of the measured values, mean over the replicas that count."),
        Legend(tuple((f"{mark} dot", name) for name, _, mark, _ in fits)),
        Figures([_dots(both or values, [color for *_, color in fits])], layout="two"),
        Table(["", *names], rows, name="chi2 per datum by dataset", explore=True),
    ]
    return Section("chi2", title, blocks, "chi2")


def _dataset(record: Record, name: str) -> float:
    each = [r.per_dataset.get(name) for r in record.sound.results]
    return float(np.array(each, float).mean())


def _dots(values: dict[str, list[float]], colors: Sequence[str]) -> Figure:
    height = 60 + 24 * (len(values) + 1)
    with drawing("chi2 per datum by dataset", height=height, left=10) as made:
        ax, at = made.ax, np.arange(len(values))
        each = np.array(list(values.values()))
        for i, (column, color) in enumerate(zip(each.T, colors, strict=True)):
            ax.plot(column, at + 0.16 * i, "o", color=color, markersize=5.5, markeredgewidth=0)
        rows_by_name(ax, list(values))
        ax.axvline(1, color=MUTED, linewidth=1)
        top = max(1.5, 1.08 * usual(each[np.isfinite(each)])[1])
        for row, ours in enumerate(each):
            beyond_the_end(ax, top, row, *ours[np.isfinite(ours)])
        ax.set_xlim(0, top)
        few_ticks(ax, x=6, y=None)
        label_x(ax, "chi2 per datum")
    return made.done()


def _origin(sides: Sequence[Side]) -> Section:
    """Where they come from, and what their runcards say differently."""
    names = [side.name for side in sides]
    runs = [side.record.run if side.record else RunRecord() for side in sides]
    versions = dict.fromkeys(key for run in runs for key in run.versions)
    lines = {
        "runcard hash": [run.hash[:12] for run in runs],
        **{key: [run.versions.get(key, "") for run in runs] for key in versions},
        "backend": [told(run.backend) for run in runs],
    }
    for key in dict.fromkeys(key for side in sides for key in side.about):
        lines[key] = [side.about.get(key, "") for side in sides]
    rows = [Row([key, *each]) for key, each in lines.items() if any(each)]
    blocks: list[Block] = [Table(["", *names], rows, text=True, name="versions")]
    cards = [(side.name, side.record.card) for side in sides if side.record]
    changed = {
        difference.key
        for _, card in cards[1:]
        for difference in compared(dict(cards[0][1]), dict(card))
    }
    if changed:
        keys = [Row([key, *(_value(card, key) for _, card in cards)]) for key in sorted(changed)]
        heads = ["runcard key", *(name for name, _ in cards)]
        table = Table(heads, keys, text=True, name="runcard keys that differ")
        blocks += [Text("What the runcards say differently:"), table]
    return Section("provenance", "Versions and provenance", blocks, "Versions")


def _value(card: object, dotted: str) -> str:
    """What a card says under a dotted key."""
    found = card
    for part in dotted.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list | tuple) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return "not given"
    text = told(found)
    return text if len(text) < 200 else text[:197] + "..."
