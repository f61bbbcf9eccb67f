"""How figures look, and how they become small inline SVG that follows the page's colours."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
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

INK, MUTED, GRID, REPLICA, PAPER = "#0b0b0c", "#6b6b6c", "#dedede", "#a9a9aa", "#fefefd"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    *("#0072b2", "#d55e00", "#009e73"),
    *("#e69f00", "#cc79a7", "#56b4e9"),
)  # Okabe and Ito, which colour-blind readers can tell apart
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
    "font.size": 10.5,
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
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
WIDTH = 360.0


@dataclass
class Drawing:
    """A figure in the making: axes to draw on, and the SVG once its block is left."""

    axes: list[Axes]
    figure: Canvas
    svg: str = ""

    @property
    def ax(self) -> Axes:
        """The only axes."""
        return self.axes[0]

    def done(self, caption: str = "") -> Figure:
        """The finished figure."""
        return Figure(self.svg, caption)


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
        title: what the figure shows; stands above it, and is read aloud.
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
        made = Drawing([ax for row in axes for ax in row], figure)
        yield made
        figure.text(2 / width, 1 - 4 / height, title, va="top", ha="left", fontweight="bold")
        made.svg = _svg(figure, title)


def _svg(figure: Canvas, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return compact(buffer.getvalue(), title)


def compact(svg: str, title: str) -> str:
    """matplotlib's SVG made fit for inlining: short, themed, with ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\sd="([^"]*)"', lambda m: f' d="{_rounded(m[1])}"', svg)
    svg = re.sub(r'((?:x|y|width|height)=")(-?\d+\.\d+)"', _rounded_attribute, svg)
    svg = _own_ids(svg, title)
    for colour, themed in _THEMED.items():
        svg = svg.replace(colour, themed)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    head = f'<svg {box[0]} role="img" aria-label="{escape(title)}">'
    svg = head + svg[svg.index(">") + 1 :]
    svg = svg.replace("xlink:href", "href").replace("'DejaVu Sans'", "inherit")
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()


def _rounded(path: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}", " ".join(path.split()))


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


def log_x(ax: Axes, low: float, high: float) -> None:
    """A logarithmic x axis."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(LogLocator(10))
    ax.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
    ax.xaxis.set_minor_locator(NullLocator())


def few_ticks(ax: Axes, x: int | None = None, y: int | None = 4) -> None:
    """Only so many intervals on linear axes."""
    if x is not None:
        ax.xaxis.set_major_locator(MaxNLocator(x))
    if y is not None:
        ax.yaxis.set_major_locator(MaxNLocator(y))


def label_x(ax: Axes, text: str) -> None:
    """Names the x axis and its unit, below its right end."""
    ax.set_xlabel(text, loc="right", labelpad=2)


def joined(x: np.ndarray, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curves (r, n) over x (n,) as one line with gaps, which is one short path."""
    gap = np.full((len(curves), 1), np.nan)
    many = np.broadcast_to(x, curves.shape)
    return np.hstack([many, gap]).ravel(), np.hstack([curves, gap]).ravel()
