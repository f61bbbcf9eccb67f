"""Figures and tables of a page as files of their own."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from replicafit.plugin import OutputError
from replicafit_report.section import Block, Cell, Figure, Figures, More, Section, Table

DOTS_PER_INCH = 200


def write_files(sections: Sequence[Section], folder: Path) -> None:
    """Every figure as PDF and PNG, every table as CSV; named after section and title.

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for own, made in named(sections):
            if isinstance(made, Table):
                _write_table(made, folder / f"{own}.csv")
                continue
            for ending in ("pdf", "png"):
                made.canvas.savefig(folder / f"{own}.{ending}", dpi=DOTS_PER_INCH)
    except OSError as cause:
        raise OutputError(
            f"Figures cannot be written to '{folder}' ({cause.strerror}). Choose another folder."
        ) from None


def named(sections: Sequence[Section]) -> Iterator[tuple[str, Figure | Table]]:
    """Every figure and table, with a name of its own: of section and title."""
    taken: set[str] = set()
    for section in sections:
        for made in _made(section.blocks):
            title = made.title if isinstance(made, Figure) else made.name
            yield _free(f"{section.id}-{title}", taken), made


def _made(blocks: Sequence[Block]) -> Iterator[Figure | Table]:
    for block in blocks:
        if isinstance(block, Figures):
            yield from (figure for figure in block.figures if figure.screen != "narrow")
        elif isinstance(block, More):
            yield from _made(block.blocks)
        elif isinstance(block, Table) and block.name:
            yield block


def _free(title: str, taken: set[str]) -> str:
    """A name for a file that is not ``taken``, of letters that every program reads: ubar for a u
    with a bar, sigma for the Greek letter. Some file systems take capitals for the same.
    """
    plain = unicodedata.normalize("NFKD", title).replace("\N{COMBINING MACRON}", "bar")
    plain = re.sub(r"[^\W\x00-\x7f]", lambda m: _letter(m[0]), plain)
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", plain).strip("_")[:100]
    found, count = name, 1
    while found.lower() in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found.lower())
    return found


def _letter(letter: str) -> str:
    return unicodedata.name(letter, "x").split()[-1].lower()


def _write_table(table: Table, file: Path) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(table.headings)
        for row in table.rows:
            texts = [cell.text if isinstance(cell, Cell) else cell for cell in row.cells]
            writer.writerow([text.replace("\u00a0", " ") for text in texts])
