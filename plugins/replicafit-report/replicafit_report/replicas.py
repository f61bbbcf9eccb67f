"""Over replicas: which count, distributions, what layers tell of themselves, and the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from replicafit.plugin import figure_words
from replicafit_report.pictures import (
    BLUE,
    INK,
    MUTED,
    drawing,
    few_ticks,
    label_x,
    replica_points,
)
from replicafit_report.record import Record, recorded
from replicafit_report.section import (
    Block,
    Figure,
    Figures,
    More,
    Row,
    Section,
    Table,
    Text,
)
from replicafit_report.statistics import short
from replicafit_report.summary import ranges


def replica_section(record: Record) -> Section:
    """Which count and why others do not, histograms, and the list of all."""
    results, count = record.sound.results, len(record.sound)
    figures = [
        _histogram(
            "chi2 per datum of the measured values",
            record.chi2(),
            "chi2 per datum",
            record.limits.get("chi2_per_datum"),
        ),
        _scatter(record),
        _histogram("Steps taken", np.array([r.steps for r in results], float), "steps"),
        _histogram(
            "Step it is written at", np.array([r.best_step for r in results], float), "steps"
        ),
    ]
    blocks: list[Block] = [Text(_counting(record)), *_refused(record)]
    blocks.append(
        Text(f"The histograms are of the {count} replicas that count; dashed is the median.")
    )
    blocks.append(Figures(figures, layout="two"))
    lengths = [
        _histogram(
            f"Arc length, {name}",
            np.array([r.arc_length[name] for r in results], float),
            "",
            record.limits.get(f"arc_length.{name}"),
        )
        for name in results[0].arc_length
    ]
    blocks += [More("Arc lengths of the functions", [Figures(lengths)])] if lengths else []
    for name in recorded(results[0]):
        told = histograms(name.capitalize(), [recorded(r).get(name, {}) for r in results])
        blocks += [More(name.capitalize(), [Figures(told)])] if told else []
    blocks.append(More(f"All {len(record.fit)} replicas", [_list(record)]))
    return Section("replicas", "Replicas", blocks)


def _counting(record: Record) -> str:
    if not any(result.selection for result in record.fit.results):
        return (
            f"No selection has been made: the {len(record.sound)} of {len(record.fit)} replicas "
            "that did not diverge count."
        )
    counting = len(record.fit) - len(record.reasons)
    return f"{counting} of {len(record.fit)} replicas were selected and count."


def _refused(record: Record) -> list[Block]:
    """Why some do not count, and what would be too much."""
    blocks: list[Block] = []
    if record.reasons:
        rows = [Row([str(n), why], "bad", n) for n, why in record.reasons.items()]
        blocks.append(Table(["replica", "does not count because"], rows, True, "refused replicas"))
    limits = record.limits
    if limits:
        told = ", ".join(f"{figure_words(name)} {limit:.3g}" for name, limit in limits.items())
        rounds = record.run.selection.rounds if record.run.selection else None
        anew = f" They were taken {rounds} times, each without those that fell out before."
        words = f"The limits that replicas set each other: {told}."
        blocks.append(Text(words + anew * ((rounds or 1) > 1)))
    return blocks


def histograms(title: str, tables: Sequence[Any]) -> list[Figure]:
    """One for each number that all replicas tell of themselves, however deep."""
    first = tables[0]
    if isinstance(first, Mapping):
        figures: list[Figure] = []
        for key in first:
            inner = [table.get(key) if isinstance(table, Mapping) else None for table in tables]
            figures += histograms(f"{title}, {key}", inner)
        return figures
    if isinstance(first, bool) or not isinstance(first, int | float):
        return []
    values = np.array([np.nan if value is None else value for value in tables], dtype=np.float64)
    return [_histogram(title, values, "")]


def _histogram(title: str, values: np.ndarray, unit: str, limit: float | None = None) -> Figure:
    finite = values[np.isfinite(values)]
    with drawing(title, height=200, left=34) as made:
        ax = made.ax
        low, high = usual(finite)
        shown = finite[finite <= high]
        bins = min(20, max(5, len(finite) // 4))
        ends = (low, high) if high > low else (low - _around(low), low + _around(low))
        ax.hist(shown, bins=bins, range=ends, color=BLUE, alpha=0.8, rwidth=0.94)
        ax.grid(visible=False, axis="x")
        if len(finite):
            median = float(np.median(finite))
            ax.axvline(median, color=INK, linewidth=1, linestyle=(0, (3, 2)))
            left = median > (low + high) / 2
            ax.annotate(
                f"{median:,.0f}" if abs(median) >= 100 else short(median),
                (median, 1),
                xycoords=("data", "axes fraction"),
                xytext=(-4 if left else 4, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="top",
            )
        few_ticks(ax, x=5, y=None)
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        label_x(ax, unit)
        ax.margins(y=0.18)
    caption = beyond(len(finite) - len(shown), "beyond the right end")
    if limit is not None:
        caption = f"Replicas count up to {limit:.3g}. {caption}".strip()
    return made.done(caption)


def _around(value: float) -> float:
    """How much to show on either side of what is the same for all replicas."""
    return 0.05 * abs(value) or 0.5


def usual(values: np.ndarray) -> tuple[float, float]:
    """The ends of what is not far out: no further than five times the central 68 %."""
    if not len(values):
        return 0.0, 1.0
    middle, high = np.percentile(values, [50, 84])
    far = float(middle + 5 * (high - middle))
    return float(values.min()), float(values[values <= far].max(initial=middle))


def beyond(count: int, where: str) -> str:
    """A caption about what a figure leaves out."""
    return f"{count} {'replica lies' if count == 1 else 'replicas lie'} {where}." if count else ""


def _scatter(record: Record) -> Figure:
    """All replicas, those that do not count as crosses."""
    results = [r for r in record.fit.results if r.chi2_per_datum.training is not None]
    training = np.array([r.chi2_per_datum.training for r in results], dtype=np.float64)
    validation = np.array([r.chi2_per_datum.validation for r in results], dtype=np.float64)
    out = 0
    with drawing("Validation against training chi2", height=200, left=40) as made:
        ax = made.ax
        both = np.isfinite(training) & np.isfinite(validation)
        if both.any():
            ends = [usual(each[both]) for each in (training, validation)]
            room = [0.08 * (high - low) or 0.1 for low, high in ends]
            tops = [high + r for (_, high), r in zip(ends, room, strict=True)]
            out = int(((training > tops[0]) | (validation > tops[1]))[both].sum())
            at = np.flatnonzero(both)
            replica_points(
                ax,
                np.minimum(training[at], tops[0]),
                np.minimum(validation[at], tops[1]),
                [results[i].number for i in at],
                [results[i].number in record.reasons for i in at],
            )
            ax.set_xlim(ends[0][0] - room[0], tops[0] + 0.3 * room[0])
            ax.set_ylim(ends[1][0] - room[1], tops[1] + 0.3 * room[1])
            line = [
                max(ax.get_xlim()[0], ax.get_ylim()[0]),
                min(ax.get_xlim()[1], ax.get_ylim()[1]),
            ]
            if line[1] > line[0]:
                ax.plot(line, line, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        few_ticks(ax, x=5, y=4)
        label_x(ax, "training")
    caption = "Dots: replicas that count; red crosses: those that do not. "
    return made.done((caption if record.reasons else "") + beyond(out, "further out, at the edge"))


def _list(record: Record) -> Table:
    rows = []
    for r in record.fit.results:
        chi2 = r.chi2_per_datum
        parts = [chi2.all, chi2.training, chi2.validation]
        told = ["" if part is None else f"{part:.3f}" for part in parts]
        counts = "no" if r.number in record.reasons else "yes"
        line = [str(r.number), r.status, counts, f"{r.steps:,}", f"{r.best_step:,}", *told]
        rows.append(Row(line, "bad" if r.number in record.reasons else "", r.number))
    headings = [
        "replica",
        "status",
        "counts",
        "steps",
        "written at",
        "chi2",
        "training",
        "validation",
    ]
    return Table(headings, rows, name=f"replicas {ranges(record.fit.numbers)}", explore=True)
