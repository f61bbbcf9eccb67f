"""Where the data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from replicafit_report.pictures import CYCLE, drawing, label_x, log_axis
from replicafit_report.ranges import MANY_DECADES
from replicafit_report.record import Record
from replicafit_report.section import Figure, Figures, Section

MARKS = ("o", "s", "^", "D")
NAMED = 16
"""Experiments that the figure names."""

Places = tuple[np.ndarray, np.ndarray, int]
"""Where the data of an experiment lie on both axes, (p,) each, and how many data these are."""


def coverage_section(record: Record) -> Section:
    """The data in their two main kinematics; empty where there are not as many."""
    title = "Where the data are"
    known = {} if record.predictions is None else kinematics(record.predictions.data)
    if len(known) < 2:
        return Section("coverage", title, [])
    (first, across), (second, up) = list(known.items())[:2]
    groups: dict[str, Places] = {}
    for experiment, at in places_of(record).items():
        both = at[np.isfinite(across[at]) & np.isfinite(up[at])]
        if len(both):
            groups[experiment] = across[both], up[both], len(both)
    if not groups:
        return Section("coverage", title, [])
    caption = "Each dot is a datum; the numbers count them, by experiment."
    if without := len(across) - sum(count for *_, count in groups.values()):
        caption += f" {without:,} data name no {first} and {second}, and are not here."
    if len(groups) > NAMED:
        caption += f" {len(groups) - NAMED} more experiments are not named."
    figures = coverage_figures(groups, (first, second), caption)
    return Section("coverage", title, [Figures(figures, layout="one")], "Coverage")


def places_of(record: Record) -> dict[str, np.ndarray]:
    """Which of all data are those of each experiment."""
    assert record.predictions is not None
    places = record.predictions.places
    return {
        experiment: np.concatenate([np.r_[places[name]] for name in datasets])
        for experiment, datasets in record.groups().items()
    }


def kinematics(data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What varies of the kinematics, each thing once, without what is the measurement itself."""
    no_place = [data[name] for name in ("central", "uncertainty", "uncorrelated")]
    known: dict[str, np.ndarray] = {}
    for key, values in data.items():
        seen = [*no_place, *known.values()]
        if (
            key.startswith("kinematics_")
            and len(np.unique(values[np.isfinite(values)])) > 1
            and not any(np.allclose(values, other, equal_nan=True) for other in seen)
        ):
            known[key.removeprefix("kinematics_")] = values
    return known


def coverage_figures(
    groups: Mapping[str, Places], axes: tuple[str, str], caption: str
) -> list[Figure]:
    """One picture of all ``groups``, for a broad and for a narrow screen.

    Args:
        groups: where the data of each experiment are.
        axes: what the axes are; q2 is in GeV\u00b2, as in dataset files.
        caption: what a dot is.
    """
    return [_coverage(groups, axes, caption, narrow) for narrow in (False, True)]


def _coverage(
    groups: Mapping[str, Places], axes: Sequence[str], caption: str, narrow: bool
) -> Figure:
    """Experiments stand beside the figure, or below it on a ``narrow`` screen."""
    below = 19.0 * -(-min(len(groups), NAMED) // 2)
    height, width = (290 + below, 360.0) if narrow else (340.0, 640.0)
    right, bottom = (12.0, 50 + below) if narrow else (150.0, 34.0)
    first, second = ({"q2": "Q\u00b2 [GeV\u00b2]"}.get(name, name) for name in axes)
    title = f"{second.partition(' [')[0]} against {first}"
    with drawing(title, height, width, right=right, bottom=bottom) as made:
        ax = made.ax
        for place, axis in enumerate(("x", "y")):
            values = np.concatenate([group[place] for group in groups.values()])
            if values.min() > 0 and values.max() / values.min() > MANY_DECADES:
                log_axis(ax, axis, float(values.min()) / 1.3, float(values.max()) * 1.3)
        shown = ax.get_position().height * height
        for i, (experiment, (across, up, count)) in enumerate(groups.items()):
            color, mark = CYCLE[i % len(CYCLE)], MARKS[i // len(CYCLE) % len(MARKS)]
            (points,) = ax.plot(across, up, mark, color=color, markersize=3.4, alpha=0.75)
            if i >= NAMED:
                continue
            column, row = (0.5 * (i % 2), -(58 + 19 * (i // 2))) if narrow else (1.03, -8 - 19 * i)
            height_in_axes = row / shown + (0 if narrow else 1)
            (sample,) = ax.plot(
                column, height_in_axes, mark, color=color, markersize=5, transform=ax.transAxes
            )
            sample.set_clip_on(False)
            for line in (points, sample):
                line.set_markeredgewidth(0)
            words = f"{experiment}, {count}"
            ax.text(
                column + 0.025,
                height_in_axes,
                words,
                fontsize=10,
                va="center",
                transform=ax.transAxes,
            )
        label_x(ax, first)
        ax.set_ylabel(second, loc="top", labelpad=2)
    return made.done(caption, screen="narrow" if narrow else "broad")
