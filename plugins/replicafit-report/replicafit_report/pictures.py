"""How figures look, and how they become small inline SVG that follows the page's colors.

What is drawn of one replica has the gid that ``of_replica`` gives: in the page all that belongs to
a replica is found together.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from replicafit_report.section import Figure
from replicafit_report.statistics import FEWEST_FOR_A_BAND

INK, MUTED, GRID, REPLICA, PAPER = "#0b0b0c", "#6b6b6c", "#dedede", "#a9a9aa", "#fefefd"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    *("#0072b2", "#d55e00", "#009e73"),
    *("#e69f00", "#cc79a7", "#56b4e9"),
)  # Okabe and Ito, which color-blind readers can tell apart
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

_THEMED = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    REPLICA: "var(--replica)",
    PAPER: "var(--paper)",
    BLUE: "var(--blue)",
    VERMILLION: "var(--vermillion)",
    GREEN: "var(--green)",
    ORANGE: "var(--orange)",
    PURPLE: "var(--purple)",
    SKY: "var(--sky)",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "replicafit",
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.parse_math": False,  # names with dollar signs are shown as they are
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}
ROUND = (1, 2, 2.5, 5, 10)
"""Steps from tick to tick, times powers of ten: one of the ticks is at 1 where it is shown."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
WIDTH = 360.0
TITLE = 14.0
"""Pixels at the top of a figure that its title takes in files and that pages leave out."""


@dataclass
class Drawing:
    """A figure in the making: axes to draw on, and the SVG once its block is left."""

    title: str
    axes: list[Axes]
    canvas: Canvas
    svg: str = ""

    @property
    def ax(self) -> Axes:
        """The only axes."""
        return self.axes[0]

    def done(self, caption: str = "", screen: str = "") -> Figure:
        """The finished figure."""
        return Figure(self.svg, self.title, caption, screen, self.canvas)


@contextmanager
def drawing(
    title: str,
    height: float = 230.0,
    width: float = WIDTH,
    rows: int = 1,
    left: float = 46.0,
    right: float = 12.0,
    bottom: float = 34.0,
    top: float = 26.0,
    gap: float = 0.25,
) -> Iterator[Drawing]:
    """Axes with margins in pixels; on leaving they become SVG.

    Args:
        title: what the figure shows; is read aloud, and stands above it: in pages as text.
    """
    with mpl.rc_context(_STYLE):
        figure = Canvas(figsize=(width / 72, height / 72))
        axes = figure.subplots(
            rows,
            1,
            squeeze=False,
            gridspec_kw={
                "left": left / width,
                "right": 1 - right / width,
                "bottom": bottom / height,
                "top": 1 - top / height,
                "hspace": gap,
            },
        )
        made = Drawing(title, [ax for row in axes for ax in row], figure)
        yield made
        made.svg = _svg(figure, title)
        figure.text(2 / width, 1 - 4 / height, title, va="top", ha="left", fontweight="bold")


def _svg(figure: Canvas, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return compact(buffer.getvalue(), title)


def compact(svg: str, title: str) -> str:
    """matplotlib's SVG made fit for inlining: short, themed, with ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(_OF_REPLICA, _marked, svg)
    svg = re.sub(r'\sd="([^"]*)"', lambda m: f' d="{_rounded(m[1])}"', svg)
    svg = re.sub(r'((?:x|y|width|height)=")(-?\d+\.\d+)"', _rounded_attribute, svg)
    svg = _own_ids(svg, title)
    for color, themed in _THEMED.items():
        svg = svg.replace(color, themed)
    box = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    assert box is not None
    width, height = float(box[1]), float(box[2]) - TITLE
    head = f'<svg viewBox="0 {TITLE:g} {width:g} {height:g}" role="img" '
    head += f'aria-label="{escape(title)}">'
    svg = head + svg[svg.index(">") + 1 :]
    svg = svg.replace("xlink:href", "href").replace("'DejaVu Sans'", "inherit")
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()


def of_replica(number: int, refused: bool = False) -> str:
    """The gid of what is drawn of one replica."""
    return f"replica-{number}-{'refused' if refused else 'counts'}"


_OF_REPLICA = re.compile(r'<g id="replica-(\d+)-(\w+)">')


def _marked(match: re.Match[str]) -> str:
    return f'<g data-r="{match[1]}"' + (' class="refused">' if match[2] == "refused" else ">")


def _rounded(path: str) -> str:
    """Coordinates to a tenth of a pixel; of polygons relative ones, which are shorter."""
    if set(re.findall("[a-zA-Z]", path)) - set("MLz"):
        return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}", " ".join(path.split()))
    parts, x, y = [], 0, 0
    for command, a, b in re.findall(r"([MLz])(?:\s*(\S+)\s+(\S+))?", path):
        if command == "z":
            parts.append("z")
            continue
        to = round(10 * float(a)), round(10 * float(b))
        step = to if command == "M" else (to[0] - x, to[1] - y)
        x, y = to
        parts.append({"M": "M", "L": "l"}[command] + " ".join(f"{each / 10:g}" for each in step))
    return "".join(parts).replace(" -", "-")


def _rounded_attribute(match: re.Match[str]) -> str:
    return f'{match[1]}{float(match[2]):.1f}"'


def _own_ids(svg: str, title: str) -> str:
    """Drops ids that nothing refers to; the others get the figure's name."""
    referred = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg))
    used = {name for pair in referred for name in pair if name}
    own = f"f{zlib.crc32((title + svg).encode()):x}"
    names = {name: f"{own}-{i}" for i, name in enumerate(sorted(used))}
    svg = re.sub(r'\sid="([^"]*)"', lambda m: f' id="{names[m[1]]}"' if m[1] in names else "", svg)
    svg = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{names[m[1]]}"', svg)
    return re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{names[m[1]]})", svg)


def power_of_ten(value: float, _: object = None) -> str:
    """10⁻³ and the like, in plain letters."""
    exponent = round(float(np.log10(value)))
    return {0: "1", 1: "10", -1: "0.1"}.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPT))


def log_axis(ax: Axes, which: str, low: float, high: float) -> None:
    """A logarithmic axis, ``x`` or ``y``, from ``low`` to ``high``, with ticks in plain letters."""
    getattr(ax, f"set_{which}scale")("log")
    getattr(ax, f"set_{which}lim")(low, high)
    axis = ax.xaxis if which == "x" else ax.yaxis
    if high < 100 * low:
        few = high < 4 * low
        axis.set_major_locator(MaxNLocator(4, steps=ROUND) if few else LogLocator(10, (1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axis.set_major_locator(LogLocator(10))
        axis.set_major_formatter(FuncFormatter(power_of_ten))
    axis.set_minor_locator(NullLocator())


def few_ticks(ax: Axes, x: int | None = None, y: int | None = 4) -> None:
    """Only so many intervals on linear axes, at round numbers."""
    if x is not None:
        ax.xaxis.set_major_locator(MaxNLocator(x, steps=ROUND))
    if y is not None:
        ax.yaxis.set_major_locator(MaxNLocator(y, steps=ROUND))


def label_x(ax: Axes, text: str) -> None:
    """Names the x axis and its unit, below its right end."""
    ax.set_xlabel(text, loc="right", labelpad=2)


def replica_curves(
    ax: Axes, x: np.ndarray, curves: np.ndarray, numbers: Sequence[int], refused: bool = False
) -> None:
    """Thin curves (r, n) over x (n,) of the replicas ``numbers``; dashed red for refused ones."""
    for number, curve in zip(numbers, curves, strict=True):
        (line,) = ax.plot(x, curve, color=REPLICA, linewidth=0.5, alpha=0.75)
        line.set_gid(of_replica(number, refused))
        if refused:
            line.set(color=VERMILLION, linestyle=(0, (2, 2)), alpha=1.0, linewidth=0.8)


def replica_points(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    numbers: Sequence[int],
    refused: Sequence[bool],
    color: str = BLUE,
) -> None:
    """A dot at (x, y) for each of ``numbers``; a red cross for refused ones."""
    for number, a, b, bad in zip(numbers, x, y, refused, strict=True):
        (point,) = ax.plot(
            [a],
            [b],
            "x" if bad else "o",
            color=VERMILLION if bad else color,
            markersize=5 if bad else 4,
            markeredgewidth=1.4 if bad else 0,
            alpha=1.0 if bad else 0.75,
        )
        point.set_gid(of_replica(number, bad))


def band(
    ax: Axes,
    x: np.ndarray,
    values: np.ndarray,
    color: str,
    alpha: float = 0.3,
    median: bool = False,
) -> np.ndarray:
    """Mean of values (r, n) over x (n,), and their central 68 % if they are three or more.

    Args:
        median: draw that in place of the mean, of what single replicas can take anywhere.

    Returns:
        The edges of what is drawn, (2, n).
    """
    mean = np.median(values, axis=0) if median else values.mean(axis=0)
    ax.plot(x, mean, color=color, linewidth=1.8)
    if len(values) < FEWEST_FOR_A_BAND:
        return np.stack([mean, mean])
    edges = np.percentile(values, [16, 84], axis=0)
    ax.fill_between(x, *edges, color=color, alpha=alpha, linewidth=0)
    return np.asarray(edges)


def label_bands(
    ax: Axes, x: np.ndarray, bands: Sequence[tuple[str, np.ndarray, str]], size: float
) -> None:
    """Writes each label next to its band, above or below, where it has most room around it, away
    from the other bands and from zero.

    Args:
        x: where the bands are given, (n,).
        bands: label, edges (2, n) and color of each.
        size: of the letters.
    """
    point, (left, bottom, right, top) = ax.figure.dpi / 72, ax.bbox.extents
    shapes = [
        [ax.transData.transform(np.column_stack([x, edge])).T for edge in edges]
        for edges in (*(edges for _, edges, _ in bands), np.zeros((2, len(x))))
    ]
    placed: list[tuple[float, float, float, float]] = []
    for own, (label, _, color) in enumerate(bands):
        width, height, gap = 0.6 * size * len(label) * point, 1.2 * size * point, 4 * point
        best, box = -np.inf, (left, bottom, left + width, bottom + height)
        for start in np.linspace(left, right - width, 80):
            at = np.linspace(start, start + width, 12)
            ends = [[np.interp(at, *edge) for edge in edges] for edges in shapes]
            low, high = ends[own]
            for foot, edge in ((high.max() + gap, high), (low.min() - gap - height, low)):
                head = foot + height
                room = [foot - bottom, top - head]
                room += [
                    float(np.maximum(lower - head, foot - upper).min())
                    for i, (lower, upper) in enumerate(ends)
                    if i != own
                ]
                room += [
                    max(a - start - width, start - c, b - head, foot - d) for a, b, c, d in placed
                ]
                score = min(*room, 30 * point) - 0.5 * float(np.ptp(edge))
                if score > best:
                    best, box = score, (start, foot, start + width, head)
        placed.append(box)
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        across, up = ax.transData.inverted().transform(middle)
        ax.text(across, up, label, ha="center", va="center", color=color, fontsize=size)


def rows_by_name(ax: Axes, names: Sequence[str], at: float = 0.0) -> None:
    """An axis of rows 0, 1, ...; names stand above theirs: room for long ones on narrow screens.

    Args:
        at: where names begin along the other axis.
    """
    ax.set_yticks([])
    ax.set_ylim(len(names) - 0.4, -1.4)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.4}
    for i, name in enumerate(names):
        ax.text(at, i - 0.23, name, va="bottom", ha="left", fontsize=10, bbox=paper)


def beyond_the_end(ax: Axes, end: float, row: int, *values: float) -> None:
    """Says, at the right ``end`` of a row, which ``values`` lie beyond it, if any does."""
    if any(value > end for value in values):
        words = ", ".join(f"{value:.1f}" for value in values)
        ax.text(end, row - 0.23, f"{words} ▸", ha="right", va="bottom", fontsize=10)
