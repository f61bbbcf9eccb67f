"""Over replicas: distributions, correlations between flavours, verdicts of a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from replicafit_report.drawing import BLUE, INK, MUTED, ORANGE, drawing, few_ticks, label_x
from replicafit_report.ensemble import Ensemble
from replicafit_report.flavours import SYMBOLS, as_fitted, as_partons, distinct
from replicafit_report.record import Record
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
from replicafit_report.statistics import correlations

CORRELATED_AT = (0.001, 0.01, 0.1, 0.4)


def distribution_section(record: Record) -> Section:
    """Histograms over replicas, and the list of replicas."""
    results = record.fit.results
    figures = [
        _histogram("χ² per datum of the measured values", _numbers(results, "all"), "χ² per datum"),
        _scatter(results),
        _histogram("Steps taken", np.array([r["steps"] for r in results], float), "steps"),
        _histogram(
            "Step it is written at", np.array([r["best_step"] for r in results], float), "steps"
        ),
    ]
    lengths = _per_flavour(results, "arc_length", "Arc length")
    exponents = _per_flavour(results, "exponents", "Exponent")
    blocks: list[Block] = [
        Text("Each figure counts replicas; the dashed line is the median."),
        Figures(figures, layout="two"),
        *([More("Arc lengths of the functions", [Figures(lengths)])] if lengths else []),
        *([More("Preprocessing exponents", [Figures(exponents)])] if exponents else []),
        More(f"All {len(results)} replicas", [_list(results)]),
    ]
    return Section("replicas", "Replicas", blocks)


def _numbers(results: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([r["chi2_per_datum"][key] for r in results], dtype=np.float64)


def _histogram(title: str, values: np.ndarray, unit: str) -> Figure:
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
                f"{median:,.0f}" if median >= 100 else f"{median:.3f}",
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
    return made.done(beyond(len(finite) - len(shown), "beyond the right end"))


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


def _scatter(results: Sequence[Mapping[str, Any]]) -> Figure:
    training, validation = _numbers(results, "training"), _numbers(results, "validation")
    out = 0
    with drawing("Validation against training χ²", height=200, left=40) as made:
        ax = made.ax
        ax.plot(training, validation, "o", color=BLUE, markersize=3.4, alpha=0.7, markeredgewidth=0)
        known = np.isfinite(training) & np.isfinite(validation)
        across, up = usual(training[known]), usual(validation[known])
        if known.any():
            ends = (min(across[0], up[0]), max(across[1], up[1]))
            room = 0.06 * (ends[1] - ends[0]) + 1e-9
            ax.set_xlim(across[0] - room, across[1] + room)
            ax.set_ylim(up[0] - room, up[1] + room)
            out = int((known & ((training > across[1]) | (validation > up[1]))).sum())
            ax.plot(ends, ends, color=MUTED, linewidth=0.8)
        few_ticks(ax, x=4)
        label_x(ax, "training χ² per datum")
    told = beyond(out, "outside")
    return made.done(f"Upwards: validation χ² per datum. On the line both are equal. {told}")


def _per_flavour(results: Sequence[Mapping[str, Any]], key: str, title: str) -> list[Figure]:
    """A histogram for each flavour, where the fit recorded ``key``."""
    found = [r.get(key) for r in results]
    tables = [each for each in found if isinstance(each, Mapping)]
    if len(tables) < len(results):
        return []
    figures = []
    for flavour, first in tables[0].items():
        if isinstance(first, Mapping):
            figures += [
                _histogram(
                    f"{title} {inner}, {SYMBOLS.get(flavour, flavour)}",
                    _inner(tables, flavour, inner),
                    "",
                )
                for inner in first
            ]
        else:
            values = np.array([table.get(flavour, np.nan) for table in tables], dtype=np.float64)
            figures.append(_histogram(f"{title}, {SYMBOLS.get(flavour, flavour)}", values, ""))
    return figures


def _inner(tables: Sequence[Mapping[str, Any]], flavour: str, inner: str) -> np.ndarray:
    return np.array([table.get(flavour, {}).get(inner, np.nan) for table in tables], np.float64)


def _list(results: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for r in results:
        chi2 = r["chi2_per_datum"]
        parts = [chi2["all"], chi2["training"], chi2["validation"]]
        rows.append(
            Row(
                [
                    str(r["number"]),
                    r["status"],
                    f"{r['steps']:,}",
                    f"{r['best_step']:,}",
                    *("" if part is None else f"{part:.3f}" for part in parts),
                ],
                "" if r["status"] in ("stopped", "completed") else "bad",
            )
        )
    return Table(["replica", "status", "steps", "written at", "χ²", "training", "validation"], rows)


def correlation_section(fitted: Ensemble) -> Section:
    """How the flavours move together from replica to replica; empty where there is only one."""
    partons = as_partons(fitted.x, fitted.flavours, fitted.values)
    functions = distinct(partons or as_fitted(fitted.x, fitted.flavours, fitted.values))
    title = "Correlations between flavours"
    if len(functions.symbols) < 2 or len(fitted) < 2:
        return Section("correlations", title, [])
    figures = []
    for wanted in _places(fitted):
        at = int(np.abs(fitted.x - wanted).argmin())
        figures.append(_matrix(correlations(functions.values[:, at]), functions.symbols, wanted))
    blocks: list[Block] = [
        Text(
            "Correlation coefficient of two functions at one x over the replicas, in per cent. "
            "Blue: they rise together; orange: one falls when the other rises."
        ),
        Figures(figures, layout="two"),
    ]
    return Section("correlations", title, blocks, "Correlations")


def _places(fitted: Ensemble) -> Sequence[float]:
    """Where in x: for functions that are no parton distributions, across the data."""
    if fitted.of_partons:
        return CORRELATED_AT
    over = fitted.ranges[0]
    places: list[float] = np.linspace(over.low, over.high, 6)[1:-1].tolist()
    return places


def _matrix(matrix: np.ndarray, symbols: Sequence[str], x: float) -> Figure:
    n = len(symbols)
    with drawing(f"At x = {x:.3g}", height=300, left=28, bottom=8, top=46) as made:
        ax = made.ax
        for i in range(n):
            for j in range(n):
                value = matrix[i, j]
                colour = BLUE if value > 0 else ORANGE
                ax.add_patch(_tile(j, i, colour, 0.0 if i == j else 0.75 * abs(value)))
                if i != j:
                    ax.text(j, i, _per_cent(value), ha="center", va="center", fontsize=9)
        ax.set_xlim(-0.5, n - 0.5)
        ax.set_ylim(n - 0.5, -0.5)
        ax.set_xticks(range(n), symbols)
        ax.set_yticks(range(n), symbols)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return made.done()


def _per_cent(value: float) -> str:
    return str(round(100 * value))


def _tile(x: int, y: int, colour: str, strength: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, color=colour, alpha=strength, linewidth=0)


def selection_section(record: Record) -> Section:
    """Which replicas the selection kept, and why it refused the others."""
    results = record.fit.results
    verdicts: dict[int, Any] = {r["number"]: r["selection"] for r in results if r.get("selection")}
    if not verdicts:
        text = "No selection has been made: all replicas that did not diverge count."
        return Section("selection", "Selection", [Text(text)])
    refused = {n: verdict["reasons"] for n, verdict in verdicts.items() if not verdict["selected"]}
    kept = len(verdicts) - len(refused)
    blocks: list[Block] = [Text(f"{kept} of {len(results)} replicas were selected and count.")]
    if refused:
        rows = [Row([str(number), "; ".join(why)]) for number, why in refused.items()]
        blocks.append(Table(["replica", "refused because"], rows, text=True))
    limits = next(iter(verdicts.values())).get("figures", {})
    if limits:
        told = ", ".join(_limit(name, figure["limit"]) for name, figure in limits.items())
        blocks.append(Text(f"Too much would be above: {told}."))
    return Section("selection", "Selection", blocks)


def _limit(name: str, limit: float | None) -> str:
    kind, _, flavour = name.partition(".")
    what = {"arc_length": "arc length", "chi2_per_datum": "χ² per datum"}.get(kind, kind)
    words = f"{what} {SYMBOLS.get(flavour, flavour)}".strip()
    return f"{words} {limit:.3g}" if limit is not None else words
