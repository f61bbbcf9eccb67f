"""What a page is made of: sections with figures, tables and text, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Figure:
    """One picture, one idea.

    Attributes:
        svg: inline SVG.
        title: what it shows.
        caption: what to read off it.
        screen: ``narrow`` or ``broad`` for a figure that is meant for one of them only.
        canvas: the figure of matplotlib, from which files are written.
    """

    svg: str
    title: str
    caption: str = ""
    screen: str = ""
    canvas: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Figures:
    """Figures side by side where there is room.

    Attributes:
        figures: in reading order.
        heading: what they share, if anything.
        layout: ``three``, ``two`` or ``one`` column where there is room, or ``packed``: columns
            of figures that differ in height.
    """

    kind: ClassVar[str] = "figures"
    figures: Sequence[Figure]
    heading: str = ""
    layout: str = "three"


@dataclass(frozen=True)
class Cell:
    """A table cell with a bar behind its text.

    Attributes:
        text: what it says.
        share: length of the bar, 0 to 1.
    """

    text: str
    share: float


@dataclass(frozen=True)
class Row:
    """A table row.

    Attributes:
        cells: one for each heading.
        emphasis: ``strong`` for totals, ``group`` for the line that opens a group, ``bad``.
        replica: the number of the replica that it is about.
    """

    cells: Sequence[str | Cell]
    emphasis: str = ""
    replica: int | None = None


@dataclass(frozen=True)
class Table:
    """A table: first column text, the others numbers unless ``text`` is set.

    Attributes:
        name: what it shows, for its file and for those who do not see it.
        explore: whether readers may sort and filter its rows.
    """

    kind: ClassVar[str] = "table"
    headings: Sequence[str]
    rows: Sequence[Row]
    text: bool = False
    name: str = ""
    explore: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Legend:
    """What the marks in the figures below mean: (class of the swatch, words)."""

    kind: ClassVar[str] = "legend"
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """Text as it is."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Facts:
    """A few numbers worth a large type: (number, what it is)."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """The sentence that a page opens with; ``mood`` is ``good``, ``fair``, ``bad`` or nothing."""

    kind: ClassVar[str] = "answer"
    text: str
    mood: str = ""


@dataclass(frozen=True)
class Notice:
    """Something a reader must not overlook."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True)
class More:
    """Blocks behind a line to click on; printed in full."""

    kind: ClassVar[str] = "more"
    summary: str
    blocks: Sequence[Block]


Block = Figures | Table | Text | Legend | Code | Facts | Answer | Notice | More


@dataclass(frozen=True)
class Section:
    """A part of the page that the menu names.

    Attributes:
        id: its anchor; a section of a plugin with the id of another takes its place.
        title: its heading.
        blocks: its content.
        short: its name in the menu.
        opening: pictures for the first screen, best one for broad and one for narrow screens.
        findings: sentences for the first screen.
        page: in a page about another folder than a fit's, what the page is called.
    """

    id: str
    title: str
    blocks: Sequence[Block]
    short: str = ""
    opening: Sequence[Figure] = ()
    findings: Sequence[str] = ()
    page: str = ""
