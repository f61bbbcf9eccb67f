"""Fits side by side: functions, distances, chi2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.errors import OutputError
from replicafit.report.drawing import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    PURPLE,
    VERMILLION,
    drawing,
    few_ticks,
    joined,
    label_x,
    log_x,
)
from replicafit.report.flavours import Functions, as_fitted, as_partons, distinct
from replicafit.report.functions import HIGH_X, LOW_X, at_x, places
from replicafit.report.page import save
from replicafit.report.record import Record, read_record
from replicafit.report.section import (
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
from replicafit.report.statistics import limits, mean_distance, spread, variance_distance
from replicafit.report.summary import ranges, told, warnings

COLOURS = (BLUE, VERMILLION, GREEN, PURPLE)
FEWEST_REPLICAS = 3
SWATCHES = ("mean", "second", "third", "fourth")
EXPLAINED = (
    "The difference of the means (left) and of the variances (right) of two sets of replicas, in "
    "units of its standard deviation for so many replicas (arXiv:1410.8849). About 1 means that "
    "both could come from one distribution; with 100 replicas each, 10 is a difference of one "
    "sigma, the uncertainties of both fits added in quadrature."
)


def write_comparison(folders: Sequence[Path], output: Path) -> Path:
    """Writes the comparison of the fits in ``folders``, the first being the one compared with.

    Raises:
        OutputError: fewer than two or more than four fits, or fits that have nothing in common.
    """
    if not 2 <= len(folders) <= len(COLOURS):
        raise OutputError(
            f"{len(folders)} fits are given; compare takes 2 to {len(COLOURS)}, the first of which "
            "the others are compared with."
        )
    records = [read_record(folder) for folder in folders]
    names = _names(records)
    title = " and ".join(names) if len(names) == 2 else ", ".join(names)
    save(output, title, "Comparison of fits", comparison_sections(records, names))
    return output


def _names(records: Sequence[Record]) -> list[str]:
    """The folders' names, or their paths where these do not differ."""
    short = [record.name for record in records]
    return short if len(set(short)) == len(short) else [str(r.folder.path) for r in records]


def comparison_sections(records: Sequence[Record], names: Sequence[str]) -> list[Section]:
    """All sections in reading order."""
    functions = common_functions(records)
    return [
        _summary(records, names),
        _chi2(records, names),
        _functions(functions, names, records[0].fit.q0),
        _distances(functions, names),
        _origin(records, names),
    ]


def common_functions(records: Sequence[Record]) -> list[Functions]:
    """What all fits have in common, on the grid of the first.

    Raises:
        OutputError: different scales, or no function in common.
    """
    scales = [record.fit.q0 for record in records]
    if not np.allclose(scales, scales[0], rtol=1e-6):
        given = ", ".join(f"{r.name} {r.fit.q0:g} GeV" for r in records)
        raise OutputError(f"Fits are compared at one scale q0; these have: {given}.")
    x = records[0].sound.x
    args = [(x, record.sound.flavours, at_x(record.sound, x)) for record in records]
    partons = [as_partons(*each) for each in args]
    known = [each for each in partons if each is not None]
    each = known if len(known) == len(records) else [distinct(as_fitted(*each)) for each in args]
    symbols = [s for s in each[0].symbols if all(s in other.symbols for other in each)]
    if not symbols:
        raise OutputError(
            "These fits have no function in common: "
            + "; ".join(f"{r.name}: {', '.join(r.fit.flavours)}" for r in records)
        )
    return [
        Functions(tuple(symbols), x, np.stack([one.of(s) for s in symbols], axis=-1))
        for one in each
    ]


def _legend(names: Sequence[str]) -> Legend:
    marks = zip(SWATCHES, names, strict=False)
    return Legend(tuple((mark, f"{name}: mean and 68 %") for mark, name in marks))


def _summary(records: Sequence[Record], names: Sequence[str]) -> Section:
    blocks: list[Block] = [
        Notice(f"{name}: {text}")
        for name, record in zip(names, records, strict=True)
        for text in warnings(record)
    ]
    rows = []
    for label, value in (
        ("title", lambda r: r.title),
        ("replicas", lambda r: f"{len(r.sound)} of {ranges(r.fit.numbers)}"),
        ("data", lambda r: f"{r.fit.results[0]['n_data']:,}"),
        ("χ² per datum, mean prediction", _best),
        ("χ² per datum, replicas", lambda r: _spread(r, "all")),
        ("training", lambda r: _spread(r, "training")),
        ("validation", lambda r: _spread(r, "validation")),
        ("median steps", lambda r: f"{np.median([q['steps'] for q in r.sound.results]):,.0f}"),
    ):
        rows.append(Row([label, *(value(record) for record in records)]))
    return Section("summary", "Summary", [*blocks, Table(["", *names], rows, text=True)])


def _best(record: Record) -> str:
    if record.predictions is None:
        return "not recorded"
    return f"{record.predictions.chi2_of_mean(0, list(record.predictions.places.values())):.3f}"


def _spread(record: Record, part: str) -> str:
    values = [r["chi2_per_datum"][part] for r in record.sound.results]
    array = np.array(values, dtype=np.float64)
    return f"{spread(array).mean:.3f} ± {np.nanstd(array):.3f}" if np.isfinite(array).any() else ""


def _chi2(records: Sequence[Record], names: Sequence[str]) -> Section:
    datasets = dict.fromkeys(n for r in records for n in r.sound.results[0]["per_dataset"])
    values = {name: [_dataset(record, name) for record in records] for name in datasets}
    rows = [
        Row([name, *(f"{v:.3f}" if np.isfinite(v) else "not fitted" for v in each)])
        for name, each in values.items()
    ]
    total = [
        np.mean([r["chi2_per_datum"]["all"] for r in record.sound.results]) for record in records
    ]
    rows.append(Row(["Total", *(f"{v:.3f}" for v in total)], "strong"))
    blocks: list[Block] = [
        Text("χ² per datum of the measured values, mean over replicas."),
        _legend_of_dots(names),
        Figures([_dots(values)], layout="two"),
        Table(["", *names], rows),
    ]
    return Section("chi2", "χ² per datum", blocks, "χ²")


def _legend_of_dots(names: Sequence[str]) -> Legend:
    return Legend(tuple(zip(SWATCHES, names, strict=False)))


def _dataset(record: Record, name: str) -> float:
    found = [r["per_dataset"].get(name, np.nan) for r in record.sound.results]
    return float(np.mean(found))


def _dots(values: dict[str, list[float]]) -> Figure:
    height = 52 + 24 * len(values)
    with drawing("χ² per datum by dataset", height=height, left=10) as made:
        ax, at = made.ax, np.arange(len(values))
        each = np.array(list(values.values()))
        ax.hlines(at, np.nanmin(each, axis=1), np.nanmax(each, axis=1), color=MUTED, linewidth=1)
        for column, colour in zip(each.T, COLOURS, strict=False):
            ax.plot(column, at, "o", color=colour, markersize=6, alpha=0.85)
        for i, name in enumerate(values):
            ax.text(0, i - 0.2, f" {name}", va="bottom", fontsize=8.5)
        ax.axvline(1, color=MUTED, linewidth=1)
        ax.set_yticks([])
        ax.set_ylim(len(values) - 0.4, -0.9)
        ax.set_xlim(0, max(1.5, 1.08 * float(np.nanmax(each))))
        ax.spines["left"].set_visible(False)
        label_x(ax, "χ² per datum")
    return made.done()


def _functions(functions: Sequence[Functions], names: Sequence[str], q0: float) -> Section:
    first = functions[0]
    rows: list[Block] = [
        Figures(
            [
                _bands(functions, symbol, log=True),
                _bands(functions, symbol, log=False),
                _ratio(functions, symbol, names[0]),
            ],
            heading=f"x {symbol}",
        )
        for symbol in first.symbols
    ]
    text = Text(f"x f(x, Q₀) at Q₀ = {q0:g} GeV, and the ratio to the mean of {names[0]}.")
    return Section("functions", "Functions", [text, _legend(names), *rows])


def _bands(functions: Sequence[Functions], symbol: str, log: bool) -> Figure:
    at = places(functions[0].x, log)
    x = functions[0].x[at]
    kind = "logarithmic" if log else "linear"
    with drawing(f"x {symbol}(x, Q₀), {kind} x") as made:
        ax, edges = made.ax, []
        ax.axhline(0, color=INK, linewidth=0.6)
        for one, colour in zip(functions, COLOURS, strict=False):
            edges.append(_band(ax, x, one.of(symbol)[:, at], colour))
        ax.set_ylim(*limits(np.concatenate(edges), percentile=0))
        if log:
            log_x(ax, LOW_X, HIGH_X)
        else:
            ax.set_xlim(0, HIGH_X)
        few_ticks(ax)
        label_x(ax, "x")
    return made.done()


def _band(ax: Any, x: np.ndarray, values: np.ndarray, colour: str) -> np.ndarray:
    """Draws mean and 68 %; returns their edges, (2, n)."""
    edges = np.percentile(values, [16, 84], axis=0)
    ax.fill_between(x, *edges, color=colour, alpha=0.2, linewidth=0)
    ax.plot(*joined(x, edges), color=colour, linewidth=0.5)
    ax.plot(x, values.mean(axis=0), color=colour, linewidth=1.7)
    return np.asarray(edges)


def _ratio(functions: Sequence[Functions], symbol: str, name: str) -> Figure:
    at = places(functions[0].x, log=True)
    at = at[functions[0].x[at] < 0.9]
    x, mean = functions[0].x[at], functions[0].of(symbol)[:, at].mean(axis=0)
    safe = np.where(np.abs(mean) > 1e-3 * np.abs(mean).max(), mean, np.nan)
    with drawing(f"x {symbol}, ratio to {name}") as made:
        ax = made.ax
        edges = [
            _band(ax, x, one.of(symbol)[:, at] / safe, colour)
            for one, colour in zip(functions, COLOURS, strict=False)
        ]
        low, high = np.nanpercentile(np.concatenate(edges), [4, 96])
        ax.set_ylim(max(low - 0.1, -1), min(high + 0.1, 3))
        log_x(ax, LOW_X, HIGH_X)
        few_ticks(ax)
        label_x(ax, "x")
    return made.done()


def _distances(functions: Sequence[Functions], names: Sequence[str]) -> Section:
    title = "Distances"
    if min(len(one.values) for one in functions) < FEWEST_REPLICAS:
        text = Text("Distances need at least 3 replicas in each fit.")
        return Section("distances", title, [text])
    first, *others = functions
    blocks: list[Block] = [Text(EXPLAINED)]
    for other, name in zip(others, names[1:], strict=True):
        figures = [
            _distance(first, other, mean_distance, "means"),
            _distance(first, other, variance_distance, "variances"),
        ]
        blocks.append(Figures(figures, heading=f"{name} against {names[0]}", layout="two"))
    return Section("distances", title, blocks)


def _distance(first: Functions, other: Functions, measure: Any, what: str) -> Figure:
    at = places(first.x, log=True)
    at = at[first.x[at] < 0.95]
    x, found = first.x[at], measure(first.values[:, at], other.values[:, at])
    one_sigma = np.sqrt(2 / (1 / len(first.values) + 1 / len(other.values)))
    with drawing(f"Distance of {what}, every function", height=270, right=34) as made:
        ax = made.ax
        cycle = (*COLOURS, "#e69f00", "#56b4e9", INK, MUTED)
        for i, (symbol, curve) in enumerate(zip(first.symbols, found.T, strict=True)):
            colour = cycle[i % len(cycle)]
            style = "-" if i < len(cycle) else "--"
            ax.plot(x, curve, color=colour, linewidth=1.4, linestyle=style)
            peak = int(curve.argmax())
            ax.annotate(
                symbol, (x[peak], curve[peak]), color=colour, ha="center", va="bottom", fontsize=10
            )
        ax.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        if what == "means":
            ax.axhline(one_sigma, color=MUTED, linewidth=0.8)
            ax.annotate("one sigma", (LOW_X, one_sigma), va="bottom", color=MUTED, fontsize=9)
        ax.set_ylim(0, max(3.0, 1.15 * float(found.max())))
        log_x(ax, LOW_X, HIGH_X)
        few_ticks(ax)
        label_x(ax, "x")
    return made.done("Dashed: 1, statistically equivalent.")


def _origin(records: Sequence[Record], names: Sequence[str]) -> Section:
    keys = dict.fromkeys(key for record in records for key in record.run.get("versions", {}))
    rows = [Row(["runcard hash", *(str(r.run.get("hash", ""))[:12] for r in records)])]
    rows += [Row([k, *(str(r.run.get("versions", {}).get(k, "")) for r in records)]) for k in keys]
    backend = [told(r.run.get("backend", {})) for r in records]
    rows.append(Row(["backend", *backend]))
    changed = _changed(records)
    blocks: list[Block] = [Table(["", *names], rows, text=True)]
    if changed:
        blocks.append(Text("Runcard keys that differ: " + ", ".join(changed) + "."))
    return Section("provenance", "Versions and provenance", blocks, "Versions")


def _changed(records: Sequence[Record]) -> list[str]:
    from replicafit.runcard import differences

    cards = [dict(record.run.get("runcard", {})) for record in records]
    return list(dict.fromkeys(key for other in cards[1:] for key in differences(cards[0], other)))
