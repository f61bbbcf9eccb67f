"""The functions: of one fit, beside a reference, and of several fits with their distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from replicafit.plugin import Measured
from replicafit_report.pictures import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    VERMILLION,
    band,
    drawing,
    few_ticks,
    label_bands,
    replica_curves,
)
from replicafit_report.ranges import Range
from replicafit_report.section import Block, Figure, Figures, Legend, More, Section, Text
from replicafit_report.sides import SectionContext
from replicafit_report.statistics import (
    FEWEST_FOR_A_BAND,
    correlations,
    in_sigmas,
    limits,
    mean_distance,
    variance_distance,
)
from replicafit_report.views import Functions, in_common

SHOWN_REPLICAS = 100
FINE = 150
"""Points of a mean or a band; single replicas have fewer."""
COLORS = (BLUE, VERMILLION, GREEN, PURPLE)
SWATCHES = ("mean", "second", "third", "fourth")
FEWEST_FOR_DISTANCES = 3
DISTANCES = (
    "The difference of the means, and of the variances, of two sets of replicas, in units of its "
    "standard deviation for so many replicas (arXiv:1410.8849). About 1 (dashed) means that both "
    "could come from one distribution; with 100 replicas each, 10 is a difference of one sigma, "
    "the uncertainties of both added in quadrature."
)


def function_sections(
    context: SectionContext,
    each: Sequence[Functions],
    *,
    id: str = "functions",
    title: str = "Functions",
    explained: str = "",
    opening: Sequence[Figure] = (),
    more: Sequence[Block] = (),
) -> list[Section]:
    """Sections about ``each``, the functions of every side of ``context``.

    In a report one with all functions, beside the reference, and their correlations; in a
    comparison one with all functions and one with distances from the first.

    Args:
        id: of the section; those that come with it end in the same way.
        title: of the section.
        explained: what is shown.
        opening: pictures for the first screen.
        more: blocks that follow.
    """
    if context.compares:
        return _comparison(context, in_common(each), id, title, explained)
    ours, reference = each[0].distinct(), [one.on(each[0].x) for one in each[1:]]
    points = _measured(context) if id == "functions" else {}
    blocks: list[Block] = [
        Text(explained or "The functions where the data are."),
        _legend(ours, [side.name for side in context.sides[1:]], bool(points)),
    ]
    deviations = []
    for name in ours.names:
        theirs = next((one.of(name) for one in reference if name in one.names), None)
        figures = [_curves(ours, name, theirs, over, points.get(name)) for over in ours.ranges]
        figures.append(_ratio(ours, name, theirs))
        layout = "three" if len(figures) % 3 == 0 else "two"
        blocks.append(Figures(figures, ours.short(name), layout))
        deviations.append(_deviation(ours, name))
    if not ours.names:
        blocks.append(Text("All of them are zero."))
    elif len(ours) > 1:
        blocks.append(More("Standard deviations over the replicas", [Figures(deviations)]))
    short = title if len(title) < 12 else title.replace("Functions a", "A")
    sections = [Section(id, title, [*blocks, *more], short, opening)]
    found = _correlations(ours) if id == "functions" else None
    return sections if found is None else [*sections, found]


def plain_opening(context: SectionContext, ours: Functions) -> list[Figure]:
    """The first few functions in one picture, and the data where they are measured directly."""
    points = _measured(context)
    shown = ours.distinct().names[: len(CYCLE)]
    if not shown:
        return []
    curves = [
        (ours.short(name), ours.of(name), color, points.get(name))
        for name, color in zip(shown, CYCLE, strict=False)
    ]
    return opening_figures(ours, curves, ours.ranges[0])


def _measured(context: SectionContext) -> Mapping[str, Measured]:
    return {} if context.fit is None else context.fit.sound.measured


Curve = tuple[str, np.ndarray, str, Measured | None]
"""A label, values (r, n), a color, and data."""


def opening_figures(ours: Functions, curves: Sequence[Curve], over: Range) -> list[Figure]:
    """``curves`` in one picture, for a broad and for a narrow screen."""
    return [_opening(ours, curves, over, narrow) for narrow in (False, True)]


def _opening(ours: Functions, curves: Sequence[Curve], over: Range, narrow: bool) -> Figure:
    at = over.places(ours.x, FINE)
    x, edges, labels = ours.x[at], [], []
    width, height = (360.0, 300.0) if narrow else (800.0, 360.0)
    counted = f"mean and 68 % of {len(ours)} replicas" if len(ours) > 2 else "mean"
    place = f" {ours.place}" if ours.place else ""
    what = ours.form.format(curves[0][0] if len(curves) == 1 else "f")
    title = f"{what}{place}{', ' if narrow else ': '}{counted}"
    with drawing(title, width=width, height=height, left=40) as made:
        ax = made.ax
        for label, values, color, points in curves:
            if points is not None:
                _data(ax, points, MUTED, size=2.8 if narrow else 4)
                edges.append(
                    np.stack([points.values - points.errors, points.values + points.errors])
                )
            drawn = band(ax, x, values[:, at], color, alpha=0.28)
            labels.append((label, drawn, color))
            edges.append(drawn[:, x > 10 * over.low] if over.log else drawn)
        bottom = min(float(each.min()) for each in edges)
        top = max(float(each.max()) for each in edges)
        room = 0.12 * (top - min(bottom, 0.0))
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.set_ylim(bottom - room / 2 if bottom < 0 else 0.0, top + room)
        over.apply(ax)
        few_ticks(ax, y=5)
        if len(curves) > 1:
            label_bands(ax, x, labels, size=11 if narrow else 14)
    return made.done(screen="narrow" if narrow else "broad")


def _legend(ours: Functions, names: Sequence[str], points: bool) -> Legend:
    entries = [("replica", "each replica that counts"), ("mean", "mean over them")]
    if len(ours) >= FEWEST_FOR_A_BAND:
        entries.append(("band", "central 68 % of them"))
    if len(ours.refused):
        entries.append(("refused", _do_not_count(len(ours.refused))))
    entries += [("datum", "measured")] if points else []
    return Legend((*entries, *(("reference", f"{n}: mean and 68 %") for n in names)))


def _do_not_count(count: int) -> str:
    return "1 replica that does not count" if count == 1 else f"{count} that do not count"


def _curves(
    ours: Functions, name: str, theirs: np.ndarray | None, over: Range, points: Measured | None
) -> Figure:
    at, few = over.places(ours.x, FINE), over.places(ours.x)
    x, values = ours.x[at], ours.of(name)
    title = ours.title(name) + (f", {over.name}" if len(ours.ranges) > 1 else "")
    with drawing(title) as made:
        ax = made.ax
        ax.axhline(0, color=INK, linewidth=0.6)
        shown = values[:SHOWN_REPLICAS, few]
        numbers = ours.numbers or tuple(range(1, len(values) + 1))
        replica_curves(ax, ours.x[few], shown, numbers)
        bad = ours.refused_of(name)[:, few]
        replica_curves(ax, ours.x[few], bad, ours.refused_numbers, refused=True)
        band(ax, x, values[:, at], BLUE)
        ends = [limits(values[:, at])]
        if theirs is not None:
            ends.append(limits(_outline(ax, x, theirs[:, at]), percentile=0))
        if points is not None:
            _data(ax, points, VERMILLION)
            low, high = points.values - points.errors, points.values + points.errors
            ends.append(limits(np.stack([low, high]), percentile=0))
        ax.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
        over.apply(ax)
    return made.done()


def _data(ax: Axes, points: Measured, color: str, size: float = 2.8) -> None:
    ax.vlines(
        points.x, points.values - points.errors, points.values + points.errors, color, linewidth=0.8
    )
    ax.plot(points.x, points.values, "o", color=color, markersize=size, markeredgewidth=0)


def _outline(ax: Axes, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A reference: dashed mean, between thin lines if it has a band; gives the edges, (2, n)."""
    mean = values.mean(axis=0)
    ax.plot(x, mean, color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
    if len(values) < FEWEST_FOR_A_BAND:
        return np.stack([mean, mean])
    edges = np.percentile(values, [16, 84], axis=0)
    for edge in edges:
        ax.plot(x, edge, color=VERMILLION, linewidth=0.8)
    return np.asarray(edges)


def _deviation(ours: Functions, name: str) -> Figure:
    over = ours.ranges[0]
    at = over.places(ours.x, FINE)
    deviation = ours.of(name)[:, at].std(axis=0, ddof=min(1, len(ours) - 1))
    with drawing(f"Standard deviation of {ours.short(name)}") as made:
        ax = made.ax
        ax.fill_between(ours.x[at], 0, deviation, color=GREEN, alpha=0.18, linewidth=0)
        ax.plot(ours.x[at], deviation, color=GREEN, linewidth=1.8)
        ax.set_ylim(0, 1.12 * float(deviation.max()) or 1)
        over.apply(ax)
    return made.done()


def _ratio(ours: Functions, name: str, theirs: np.ndarray | None) -> Figure:
    """To the mean of the reference, or without one to the own mean."""
    over = ours.ranges[0]
    at = over.places(ours.x, FINE)
    x, values = ours.x[at], ours.of(name)[:, at]
    safe = divisor(values if theirs is None else theirs[:, at])
    whose = "its mean" if theirs is None else "the mean of the reference"
    with drawing(f"{ours.short(name)}, ratio to {whose}") as made:
        ax = made.ax
        ax.axhline(1, color=INK, linewidth=0.6)
        edges = [band(ax, x, values / safe, BLUE)]
        if theirs is not None:
            edges.append(_outline(ax, x, theirs[:, at] / safe))
        low, high = ratio_limits(np.concatenate(edges))
        reach = max(1 - low, high - 1)
        ax.set_ylim(*((1 - reach, 1 + reach) if theirs is None else (low, high)))
        over.apply(ax)
    return made.done()


def divisor(values: np.ndarray) -> np.ndarray:
    """Mean (n,) of ``values`` (r, n); not a number where it is next to zero, beside all of them or
    beside the rest of the curve.
    """
    mean = values.mean(axis=0)
    near = 1e-2 * np.abs(values).max(axis=0)
    return np.where(np.abs(mean) > np.maximum(near, 1e-7 * np.abs(mean).max()), mean, np.nan)


def ratio_limits(edges: np.ndarray) -> tuple[float, float]:
    """A range that shows most of ``edges`` of bands well: where they are widest they leave it."""
    finite = edges[np.isfinite(edges)]
    if not len(finite):
        return 0.9, 1.1
    low, high = np.percentile(finite, [12, 88])
    room = max(0.3 * (high - low), 0.002)
    low, high = max(low - room, -1.0), min(high + room, 3.0)
    if low > 1 or high < 1:
        return min(low, 1 - room), max(high, 1 + room)
    return low, high


def _comparison(
    context: SectionContext,
    each: Sequence[Functions],
    id: str,
    title: str,
    explained: str,
) -> list[Section]:
    names = [side.name for side in context.sides]
    first = each[0]
    if not first.names:
        return []
    rows: list[Block] = [
        Figures(
            [
                *(_bands(each, name, over) for over in first.ranges),
                _ratios(each, name, names[0]),
            ],
            heading=first.short(name),
            layout="three" if len(first.ranges) == 2 else "two",
        )
        for name in first.names
    ]
    text = Text(
        f"{explained or 'The functions.'} On the right the ratio to the mean of {names[0]}."
    )
    drawn = [
        f"{name}: {'mean and 68 %' if len(one) >= FEWEST_FOR_A_BAND else 'mean'}"
        for name, one in zip(names, each, strict=True)
    ]
    legend = Legend(tuple(zip(SWATCHES, drawn, strict=False)))
    short = title if len(title) < 12 else title.replace("Functions a", "A")
    suffix, at = id.removeprefix("functions"), title.removeprefix("Functions")
    distances, findings = _distances(each, names)
    opening = [
        _bands(each, name, first.ranges[0], f"{first.title(name)}: mean and 68 %")
        for name in _furthest(each)
    ]
    return [
        Section(id, title, [text, legend, *rows], short, opening, findings),
        Section(f"distances{suffix}", f"Distances{at}", distances, f"Distances{at}"),
    ]


def _furthest(each: Sequence[Functions], count: int = 3) -> list[str]:
    """The functions whose means are furthest apart, in the deviation of all replicas."""
    together = np.concatenate([one.values for one in each]).std(axis=0)
    means = np.stack([one.values.mean(axis=0) for one in each])
    apart = np.divide(np.ptp(means, axis=0), together, out=0 * together, where=together > 0)
    order = np.argsort(-apart[each[0].ranges[0].places(each[0].x)].mean(axis=0), kind="stable")
    return [each[0].names[i] for i in sorted(order[:count])]


def _bands(each: Sequence[Functions], name: str, over: Range, title: str = "") -> Figure:
    at = over.places(each[0].x, FINE)
    x = each[0].x[at]
    if not title:
        title = each[0].title(name) + (f", {over.name}" if len(each[0].ranges) > 1 else "")
    with drawing(title) as made:
        ax = made.ax
        ax.axhline(0, color=INK, linewidth=0.6)
        edges = [
            band(ax, x, one.of(name)[:, at], color, alpha=0.2)
            for one, color in zip(each, COLORS, strict=False)
        ]
        ax.set_ylim(*limits(np.concatenate(edges), percentile=0))
        over.apply(ax)
    return made.done()


def _ratios(each: Sequence[Functions], name: str, whose: str) -> Figure:
    over = each[0].ranges[0]
    at = over.places(each[0].x, FINE)
    x, safe = each[0].x[at], divisor(each[0].of(name)[:, at])
    with drawing(f"{each[0].short(name)}, ratio to {whose}") as made:
        edges = [
            band(made.ax, x, one.of(name)[:, at] / safe, color, alpha=0.2)
            for one, color in zip(each, COLORS, strict=False)
        ]
        made.ax.set_ylim(*ratio_limits(np.concatenate(edges)))
        over.apply(made.ax)
    return made.done()


def _distances(each: Sequence[Functions], names: Sequence[str]) -> tuple[list[Block], list[str]]:
    """Figures of how far all others are from the first, and a sentence for each."""
    first, others = each[0], list(zip(each[1:], names[1:], strict=True))
    findings = [_how_far(first, other, names[0], name) for other, name in others]
    if len(first) < FEWEST_FOR_DISTANCES:
        return [Text(_no_errors(names[0], len(first)))], findings
    blocks: list[Block] = [Text(DISTANCES)]
    blocks.append(Legend((("mean", "distance of the means"), ("spread", "of the variances"))))
    for other, name in others:
        if len(other) < FEWEST_FOR_DISTANCES:
            blocks.append(Text(_no_errors(name, len(other))))
        else:
            blocks.append(Figures(_distance_figures(first, other), f"{name} against {names[0]}"))
    return blocks, findings


def _no_errors(name: str, count: int) -> str:
    replicas = "one replica" if count == 1 else f"{count} replicas"
    return (
        f"{name} has {replicas}, and so no error of its own: distances from it are not drawn. They "
        f"need {FEWEST_FOR_DISTANCES} replicas."
    )


def _how_far(ours: Functions, theirs: Functions, first: str, name: str) -> str:
    """In sigmas, both uncertainties in quadrature; of one alone where the other has none."""
    over = ours.ranges[0]
    at = over.places(ours.x)
    at = at[ours.x[at] < over.low + 0.95 * (over.high - over.low)]
    few = [side for side, one in ((first, ours), (name, theirs)) if len(one) < FEWEST_FOR_DISTANCES]
    if len(few) == 2:
        return f"{name} and {first} have too few replicas to say how far apart they are."
    errors = [one.values[:, at] for one in (ours, theirs) if len(one) >= FEWEST_FOR_DISTANCES]
    sigmas = in_sigmas(ours.values[:, at].mean(axis=0) - theirs.values[:, at].mean(axis=0), errors)
    i, j = np.unravel_index(int(sigmas.argmax()), sigmas.shape)
    typical = float(np.sqrt((sigmas**2).mean()))
    note = f", in errors of the other alone, because {few[0]} has none" if few else ""
    where, most = f" {ours.place}" if ours.place else "", ours.short(ours.names[j])
    x = ours.inputs[0].name
    return (
        f"{name} is {typical:.2f} sigmas from {first} on average over functions and {x}{where}"
        f"{note}; at most {sigmas[i, j]:.1f}, of {most} at {x} = {ours.x[at][i]:.2g}."
    )


def _distance_figures(first: Functions, other: Functions) -> list[Figure]:
    """One for each function, all on one scale."""
    over = first.ranges[0]
    at = over.places(first.x)
    at = at[first.x[at] < over.low + 0.95 * (over.high - over.low)]
    ours, theirs = first.values[:, at], other.values[:, at]
    means, variances = mean_distance(ours, theirs), variance_distance(ours, theirs)
    top = max(3.0, 1.15 * float(max(means.max(), variances.max())))
    one_sigma = np.sqrt(2 / (1 / len(ours) + 1 / len(theirs)))
    figures = []
    for name, mean, variance in zip(first.names, means.T, variances.T, strict=True):
        with drawing(f"Distance of {first.short(name)}", height=190) as made:
            ax = made.ax
            ax.axhline(1, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
            ax.plot(first.x[at], variance, color=ORANGE, linewidth=1.5)
            ax.plot(first.x[at], mean, color=BLUE, linewidth=1.8)
            if one_sigma < top:
                ax.axhline(one_sigma, color=MUTED, linewidth=0.8)
                place = (over.low, one_sigma)
                ax.annotate(" one sigma", place, va="bottom", color=MUTED, fontsize=10)
            ax.set_ylim(0, top)
            over.apply(ax)
        figures.append(made.done())
    return figures


def _correlations(functions: Functions) -> Section | None:
    """How the functions move together from replica to replica."""
    if len(functions.names) < 2 or len(functions) < FEWEST_FOR_A_BAND:
        return None
    figures, x = [], functions.inputs[0].name
    for wanted in functions.spots:
        at = int(np.abs(functions.x - wanted).argmin())
        title = f"At {x} = {wanted:.3g}"
        figures.append(_matrix(correlations(functions.values[:, at]), functions.names, title))
    text = (
        f"Correlation coefficient of two functions at one {x} over the replicas that count, in per "
        "cent. Blue: they rise together; orange: one falls when the other rises."
    )
    title = "Correlations between functions"
    return Section(
        "correlations", title, [Text(text), Figures(figures, layout="two")], "Correlations"
    )


def _matrix(matrix: np.ndarray, names: Sequence[str], title: str) -> Figure:
    from matplotlib.patches import Rectangle

    n = len(names)
    with drawing(title, height=300, left=28, bottom=8, top=46) as made:
        ax = made.ax
        for i in range(n):
            for j in range(n):
                value = matrix[i, j]
                color, alpha = BLUE if value > 0 else ORANGE, 0.75 * abs(value) * (i != j)
                box = (j - 0.48, i - 0.48)
                ax.add_patch(Rectangle(box, 0.96, 0.96, color=color, alpha=alpha, linewidth=0))
                if i != j:
                    text = str(round(100 * value))
                    ax.text(j, i, text, ha="center", va="center", fontsize=10)
        ax.set_xlim(-0.5, n - 0.5)
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_xticks(range(n), list(names))
        ax.set_yticks(range(n), list(names))
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return made.done()
