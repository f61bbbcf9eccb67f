"""Fits and LHAPDF sets side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from replicafit.errors import OutputError
from replicafit.plugins import Registry
from replicafit_report.distances import distance_section
from replicafit_report.drawing import MUTED, drawing, label_x
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import Functions, as_fitted, as_partons, distinct
from replicafit_report.overlay import COLOURS, SWATCHES, overlay_section
from replicafit_report.page import save
from replicafit_report.record import Record
from replicafit_report.section import (
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
from replicafit_report.sources import SAME, FitSource, SetSource, source
from replicafit_report.statistics import spread
from replicafit_report.summary import ranges, told, warnings

Side = FitSource | SetSource


def write_comparison(
    folders: Sequence[Path],
    output: Path,
    scales: Sequence[float] = (),
    registry: Registry | None = None,
) -> Path:
    """Writes the comparison of what is in ``folders``, the first being compared with.

    Args:
        folders: of fits, and of LHAPDF sets of replicas.
        scales: in GeV; by default the q0 of the fits.
        registry: where evolution to other scales is looked for.

    Raises:
        OutputError: fewer than two or more than four, or those that have nothing in common.
    """
    if not 2 <= len(folders) <= len(COLOURS):
        raise OutputError(
            f"{len(folders)} fits are given; compare takes 2 to {len(COLOURS)} fits or LHAPDF "
            "sets, the first of which the others are compared with."
        )
    sides = [source(folder, registry or Registry()) for folder in folders]
    names = _names(sides, folders)
    title = " and ".join(names) if len(names) == 2 else ", ".join(names)
    save(output, title, "Comparison of fits", comparison_sections(sides, names, scales))
    return output


def _names(sides: Sequence[Side], folders: Sequence[Path]) -> list[str]:
    """The folders' names, or their paths where these do not differ."""
    short = [side.name for side in sides]
    return short if len(set(short)) == len(short) else list(map(str, folders))


def comparison_sections(
    sides: Sequence[Side], names: Sequence[str], scales: Sequence[float] = ()
) -> list[Section]:
    """All sections in reading order."""
    functions: list[Section] = []
    for q in sorted(set(scales)) or [_common_scale(sides)]:
        ensembles = [side.at(q) for side in sides]
        args = ensembles[0], common_functions(ensembles), names
        found = [overlay_section(*args), distance_section(*args)]
        functions += [replace(s, id=f"{s.id}-{q:g}") for s in found] if functions else found
    whole = [_summary(sides, names), _chi2(sides, names), *functions, _origin(sides, names)]
    return [section for section in whole if section.blocks]


def _common_scale(sides: Sequence[Side]) -> float:
    """The q0 of the fits, in GeV."""
    fits = [side for side in sides if isinstance(side, FitSource)]
    if not fits:
        raise OutputError(
            "LHAPDF sets alone have no q0 to be compared at. Say at which scale with --at-q 100."
        )
    scales = [fit.q0 for fit in fits]
    if not np.allclose(scales, scales[0], rtol=SAME):
        given = ", ".join(f"{fit.name} {fit.q0:g} GeV" for fit in fits)
        raise OutputError(
            f"Fits are compared at one scale; these have q0: {given}. Say at which with --at-q 100."
        )
    return scales[0]


def common_functions(ensembles: Sequence[Ensemble]) -> list[Functions]:
    """What all have in common, on the grid of the first.

    Raises:
        OutputError: no function in common.
    """
    x = ensembles[0].x
    args = [(x, one.flavours, one.on(x).values) for one in ensembles]
    partons = [as_partons(*each) for each in args]
    known = [each for each in partons if each is not None]
    each = known if len(known) == len(ensembles) else [distinct(as_fitted(*one)) for one in args]
    symbols = [s for s in each[0].symbols if all(s in other.symbols for other in each)]
    if not symbols:
        raise OutputError(
            "These fits have no function in common: "
            + "; ".join(f"{one.name}: {', '.join(one.flavours)}" for one in ensembles)
        )
    return [
        Functions(tuple(symbols), x, np.stack([one.of(s) for s in symbols], axis=-1), one.prefix)
        for one in each
    ]


def _summary(sides: Sequence[Side], names: Sequence[str]) -> Section:
    blocks: list[Block] = [
        Notice(f"{name}: {text}")
        for name, side in zip(names, sides, strict=True)
        if isinstance(side, FitSource)
        for text in warnings(side.record)
    ]
    rows = [
        Row(["what", *("fit" if isinstance(side, FitSource) else "LHAPDF set" for side in sides)]),
        Row(["title", *map(_title, sides)]),
        Row(["replicas", *map(_replicas, sides)]),
    ]
    of_fits: tuple[tuple[str, Callable[[Record], str]], ...] = (
        ("data", lambda r: f"{r.fit.results[0]['n_data']:,}"),
        ("χ² per datum, mean prediction", _best),
        ("χ² per datum, replicas", lambda r: _spread(r, "all")),
        ("training", lambda r: _spread(r, "training")),
        ("validation", lambda r: _spread(r, "validation")),
        ("median steps", lambda r: f"{np.median([q['steps'] for q in r.sound.results]):,.0f}"),
    )
    for label, value in of_fits:
        each = [value(side.record) if isinstance(side, FitSource) else "" for side in sides]
        if any(each):
            rows.append(Row([label, *each]))
    return Section("summary", "Summary", [*blocks, Table(["", *names], rows, text=True)])


def _title(side: Side) -> str:
    return side.record.title if isinstance(side, FitSource) else str(side.info.get("SetDesc", ""))


def _replicas(side: Side) -> str:
    if isinstance(side, SetSource):
        return str(len(side.files))
    return f"{len(side.record.sound)} of {ranges(side.record.fit.numbers)}"


def _best(record: Record) -> str:
    if record.predictions is None:
        return "not recorded"
    return f"{record.predictions.chi2_of_mean(0, list(record.predictions.places.values())):.3f}"


def _spread(record: Record, part: str) -> str:
    values = [r["chi2_per_datum"][part] for r in record.sound.results]
    array = np.array(values, dtype=np.float64)
    return f"{spread(array).mean:.3f} ± {np.nanstd(array):.3f}" if np.isfinite(array).any() else ""


def _chi2(sides: Sequence[Side], names: Sequence[str]) -> Section:
    """Of the fits; empty where there is none."""
    title = "χ² per datum"
    records = [side.record for side in sides if isinstance(side, FitSource)]
    names = [n for n, side in zip(names, sides, strict=True) if isinstance(side, FitSource)]
    marks = [m for m, s in zip(SWATCHES, sides, strict=False) if isinstance(s, FitSource)]
    colours = [c for c, s in zip(COLOURS, sides, strict=False) if isinstance(s, FitSource)]
    if not records:
        return Section("chi2", title, [])
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
        Legend(tuple(zip((f"{mark} dot" for mark in marks), names, strict=True))),
        Figures([_dots(values, colours)], layout="two"),
        Table(["", *names], rows),
    ]
    return Section("chi2", title, blocks, "χ²")


def _dataset(record: Record, name: str) -> float:
    found = [r["per_dataset"].get(name, np.nan) for r in record.sound.results]
    return float(np.mean(found))


def _dots(values: dict[str, list[float]], colours: Sequence[str]) -> Figure:
    height = 60 + 24 * (len(values) + 1)
    with drawing("χ² per datum by dataset", height=height, left=10) as made:
        ax, at = made.ax, np.arange(len(values))
        each = np.array(list(values.values()))
        for i, (column, colour) in enumerate(zip(each.T, colours, strict=True)):
            ax.plot(column, at + 0.16 * i, "o", color=colour, markersize=5.5, markeredgewidth=0)
        for i, name in enumerate(values):
            ax.text(0, i - 0.2, f" {name}", va="bottom", fontsize=8.5)
        ax.axvline(1, color=MUTED, linewidth=1)
        ax.set_yticks([])
        ax.set_ylim(len(values) - 0.4, -1.4)
        ax.set_xlim(0, max(1.5, 1.08 * float(np.nanmax(each))))
        ax.spines["left"].set_visible(False)
        label_x(ax, "χ² per datum")
    return made.done()


def _origin(sides: Sequence[Side], names: Sequence[str]) -> Section:
    records = [side.record for side in sides if isinstance(side, FitSource)]
    keys = dict.fromkeys(key for record in records for key in record.run.get("versions", {}))
    of_fits: list[tuple[str, Callable[[Record], str]]] = [
        ("runcard hash", lambda r: str(r.run.get("hash", ""))[:12]),
        *((key, lambda r, key=key: str(r.run.get("versions", {}).get(key, ""))) for key in keys),
        ("backend", lambda r: told(r.run.get("backend", {}))),
    ]
    of_sets = ("Authors", "Reference", "DataVersion")
    rows = [
        Row([label, *(value(s.record) if isinstance(s, FitSource) else "" for s in sides)])
        for label, value in (of_fits if records else [])
    ]
    if len(records) < len(sides):
        rows += [Row([key, *(_said(side, key) for side in sides)]) for key in of_sets]
    blocks: list[Block] = [Table(["", *names], rows, text=True)]
    changed = _changed(records)
    if changed:
        blocks.append(Text("Runcard keys that differ: " + ", ".join(changed) + "."))
    return Section("provenance", "Versions and provenance", blocks, "Versions")


def _said(side: Side, key: str) -> str:
    """What the ``.info`` of a set says; nothing for a fit."""
    return str(side.info.get(key, "")) if isinstance(side, SetSource) else ""


def _changed(records: Sequence[Record]) -> list[str]:
    from replicafit.runcard import differences

    cards = [dict(record.run.get("runcard", {})) for record in records]
    return list(dict.fromkeys(key for other in cards[1:] for key in differences(cards[0], other)))
