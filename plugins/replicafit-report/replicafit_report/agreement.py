"""Where the data are, and data against prediction, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from replicafit_report.coverage import kinematics
from replicafit_report.pictures import (
    BLUE,
    GRID,
    INK,
    REPLICA,
    VERMILLION,
    drawing,
    few_ticks,
    label_x,
    rows_by_name,
)
from replicafit_report.ranges import around
from replicafit_report.record import Predictions, Record
from replicafit_report.section import (
    Block,
    Figure,
    Figures,
    Legend,
    More,
    Row,
    Section,
    Table,
    Text,
)
from replicafit_report.statistics import FEWEST_FOR_A_BAND

PER_ROW, SHOWN_PULLS = 90, 20
EXPLAINED = (
    "Measured values over the mean prediction of the replicas that count; as they are where they "
    "depend on x alone. The correlated uncertainties shift "
    "the measured values by what lowers the total chi2 most; the shifted values carry their "
    "uncorrelated errors only, and are what should lie on the band."
)
ABSENT = (
    "This fit was written without predictions. Add 'predictions' to export in the runcard and fit "
    "again to see data and predictions here."
)


@dataclass(frozen=True)
class _Compared:
    """One dataset in order of x, then Q2, or else of what varies; each (d,).

    Attributes:
        along: what ``x`` is called.
        ratio: best seen over the mean prediction, because more than x matters.
    """

    name: str
    data: np.ndarray
    shifted: np.ndarray
    error: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    x: np.ndarray | None
    q2: np.ndarray | None
    along: str
    ratio: bool


def agreement_section(record: Record) -> Section:
    """What the fit says of each dataset, and of correlated errors."""
    title = "Data and predictions"
    if record.predictions is None:
        return Section("data", title, [Text(ABSENT)], "Data")
    predictions = record.predictions
    places = predictions.places
    single = [name for name, place in places.items() if place.stop - place.start == 1]
    single = single if len(single) > 1 else []
    x_name = record.fit.inputs[0].name
    figures = [_dataset(predictions, name, x_name) for name in places if name not in single]
    figures += [_single_data(predictions, single)] if single else []
    legend = Legend(
        (
            ("datum", "measured, shifted, with uncorrelated error"),
            ("unshifted", "measured, as published"),
            ("band", "prediction: 68 % of the replicas that count"),
        )
    )
    blocks: list[Block] = [Text(EXPLAINED), legend]
    layout = "packed" if len(figures) > 2 else "two"
    blocks += [Figures(figures, layout=layout), *_pulls(predictions)]
    return Section("data", title, blocks, "Data")


def _pulls(predictions: Predictions) -> list[Block]:
    """The correlated sources that the fit wants furthest from where they were measured."""
    pulls = sorted(predictions.pulls.items(), key=lambda pull: -abs(pull[1]))
    if not pulls:
        return []
    values = np.array([value for _, value in pulls])
    shown = pulls[:SHOWN_PULLS]
    height = 60 + 24.0 * (len(shown) + 1)
    with drawing("Pulls of correlated errors", height, left=10) as made:
        ax = made.ax
        reach = max(2.0, 1.1 * float(np.abs(values).max()))
        ax.axvspan(-1, 1, color=GRID, alpha=0.5, linewidth=0)
        rows_by_name(ax, [name for name, _ in shown], at=-reach)
        ax.axvline(0, color=INK, linewidth=0.6)
        for row, (_, value) in enumerate(shown):
            ax.plot([0, value], [row, row], color=BLUE, linewidth=1.4)
            ax.plot(value, row, "o", color=BLUE, markersize=4.5)
        ax.set_xlim(-reach, reach)
        few_ticks(ax, x=6, y=None)
        label_x(ax, "shift / its error, in sigmas")
    caption = (
        f"The {len(shown)} largest of {len(pulls)}; all together they cost "
        f"{(values**2).sum():,.0f} of chi2. Much beyond the gray band of one sigma, an error is "
        "not what it says."
    )
    rows = [Row([name, f"{value:+.2f}"]) for name, value in pulls]
    table = Table(["source", "pull in sigmas"], rows, name="pulls", explore=True)
    return [
        Figures([made.done(caption)], "Correlated errors", "two"),
        More(f"All {len(pulls)} pulls", [table]),
    ]


def _dataset(predictions: Predictions, name: str, x_name: str) -> Figure:
    compared = _compare(predictions, name, x_name)
    return _figure(_over_prediction(compared)) if compared.ratio else _curve(compared)


def _single_data(predictions: Predictions, names: Sequence[str]) -> Figure:
    """Datasets of one datum, in rows."""
    each = [_over_prediction(_compare(predictions, name)) for name in names]
    height = 60 + 24.0 * (len(names) + 1)
    with drawing("Datasets of one datum: data / prediction", height, left=10) as made:
        ax = made.ax
        ends = [
            np.abs(end - 1)
            for c in each
            for end in (c.data, c.shifted - c.error, c.shifted + c.error, c.low, c.high)
        ]
        reach = 1.15 * min(float(np.nanmax(ends, initial=0.02)), 1.0)
        rows_by_name(ax, names, at=1 - reach)
        ax.axvline(1, color=INK, linewidth=0.6)
        for row, one in enumerate(each):
            ax.barh(row, one.high - one.low, 0.36, one.low, color=BLUE, alpha=0.35, linewidth=0)
            ax.plot(one.data, row, "o", markersize=2.8, color=REPLICA, markeredgewidth=0)
            low, high = one.shifted - one.error, one.shifted + one.error
            ax.hlines(row, low, high, color=VERMILLION, linewidth=0.9)
            ax.plot(one.shifted, row, "o", markersize=3.4, color=VERMILLION, markeredgewidth=0)
        ax.set_xlim(1 - reach, 1 + reach)
        few_ticks(ax, x=5, y=None)
    shifted = np.concatenate([one.shifted for one in each])
    return made.done(_outside(shifted, (1 - reach, 1 + reach)))


def _compare(predictions: Predictions, name: str, x_name: str = "x") -> _Compared:
    place, data = predictions.places[name], predictions.data
    order, along = np.arange(place.start, place.stop), x_name
    x, q2 = (_known(data, key, place) for key in ("x", "q2"))
    if x is None:
        known = {key: _known(data, key, place) for key in kinematics(data)}
        varying = {k: v for k, v in known.items() if v is not None and len(np.unique(v)) > 1}
        along, x = next(iter(varying.items()), (along, None))
    by_x = along == x_name
    if x is not None:
        by = np.lexsort((np.zeros(len(x)) if q2 is None else q2, x))
        order, x, q2 = order[by], x[by], None if q2 is None else q2[by]
    each = predictions.prediction[:, order]
    few = len(each) < FEWEST_FOR_A_BAND
    low, high = [each.mean(axis=0)] * 2 if few else np.percentile(each, [16, 84], axis=0)
    return _Compared(
        name,
        data["central"][order],
        (data["central"] - predictions.shift)[order],
        data["uncorrelated"][order],
        each.mean(axis=0),
        low,
        high,
        x,
        q2,
        along,
        ratio=not by_x or q2 is not None or x is None or len(np.unique(x)) < len(x),
    )


def _known(data: Mapping[str, np.ndarray], key: str, place: slice) -> np.ndarray | None:
    """A kinematic variable of the data at ``place``, if all of them have it."""
    values = data.get(f"kinematics_{key}")
    return values[place] if values is not None and np.isfinite(values[place]).all() else None


def _over_prediction(compared: _Compared) -> _Compared:
    """Nothing is over a prediction of zero: not a number."""
    mean = np.where(compared.mean == 0, np.nan, compared.mean)
    low, high = compared.low / mean, compared.high / mean
    return replace(
        compared,
        data=compared.data / mean,
        shifted=compared.shifted / mean,
        error=np.abs(compared.error / mean),
        mean=np.ones_like(mean),
        low=np.minimum(low, high),
        high=np.maximum(low, high),
    )


def _curve(compared: _Compared) -> Figure:
    """Data that depend on x alone, as they are."""
    x = compared.x
    assert x is not None
    [over, *more] = around(x, (float(x[0]), float(x[-1])), compared.along)
    with drawing(compared.name, 230, left=46) as made:
        ax = made.ax
        _draw(ax, x, compared, slice(None))
        (more or [over])[0].apply(ax)
    return made.done(f"{len(x)} data." if len(x) > 1 else "1 datum.")


def _figure(compared: _Compared) -> Figure:
    n_data = len(compared.data)
    rows = -(-n_data // PER_ROW)
    per_row = -(-n_data // rows)
    height, second = 44 + (128 if compared.q2 is None else 144) * rows, compared.q2 is not None
    limits = _limits(compared)
    below, gap = (48.0, 0.44) if second else (34.0, 0.25)
    with drawing(compared.name, height, rows=rows, left=38, bottom=below, gap=gap) as made:
        for row, ax in enumerate(made.axes):
            part = slice(row * per_row, min((row + 1) * per_row, n_data))
            at = np.arange(part.start, part.stop)
            _draw(ax, at, compared, part)
            ax.set_xlim(part.start - 1, part.start + per_row)
            ax.set_ylim(*limits)
            ax.grid(visible=False, axis="x")
            _label(ax, compared, at)
    note = f" {_outside(compared.shifted, limits)}".rstrip()
    if compared.x is None:
        order = "in the order of the file"
    else:
        order = f"in order of {compared.along}" + (", then Q² [GeV²]" if second else "")
    return made.done(f"{n_data} data {order}.{note}" if n_data > 1 else f"1 datum.{note}")


def _draw(ax: Axes, at: np.ndarray, compared: _Compared, part: slice) -> None:
    """Prediction and data of ``part`` at ``at`` along the axis."""
    low, high = compared.low[part], compared.high[part]
    ax.fill_between(at, low, high, color=BLUE, alpha=0.35, linewidth=0)
    ax.plot(at, compared.mean[part], color=INK, linewidth=0.6)
    ax.plot(at, compared.data[part], "o", markersize=2.4, color=REPLICA, markeredgewidth=0)
    shifted, error = compared.shifted[part], compared.error[part]
    ax.vlines(at, shifted - error, shifted + error, color=VERMILLION, linewidth=0.7)
    ax.plot(at, shifted, "o", markersize=2.6, color=VERMILLION, markeredgewidth=0)


def _label(ax: Axes, compared: _Compared, at: np.ndarray) -> None:
    ticks = np.unique(at[np.linspace(0, len(at) - 1, 5).astype(int)[:4]])
    if compared.x is None:
        names = [str(i + 1) for i in ticks]
    else:
        said = f"{compared.along} = " if len(compared.along) < 3 else ""
        names = [f"{said}{_short(compared.x[i])}" for i in ticks]
    if compared.q2 is not None:
        names = [f"{n}\nQ² = {_short(compared.q2[i])}" for n, i in zip(names, ticks, strict=True)]
    ax.set_xticks(ticks, names, fontsize=10, ha="left")
    ax.tick_params(axis="y", labelsize=10)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def _outside(values: np.ndarray, limits: tuple[float, float]) -> str:
    """How many ``values`` are not between ``limits``, or are no numbers; nothing if all are."""
    count = int((~((values >= limits[0]) & (values <= limits[1]))).sum())
    return f"{count} {'datum lies' if count == 1 else 'data lie'} outside." if count else ""


def _limits(compared: _Compared) -> tuple[float, float]:
    ends = np.concatenate(
        [compared.shifted - compared.error, compared.shifted + compared.error, compared.data]
    )
    known = ends[np.isfinite(ends)]
    low, high = np.percentile(known, [1.5, 98.5]) if len(known) else (1.0, 1.0)
    reach = 1.12 * max(1 - low, high - 1, 0.02)
    return 1 - min(reach, 2.0), 1 + min(reach, 2.0)
