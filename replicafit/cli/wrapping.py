"""Text wrapped at words to what the terminal can show."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

import click

NARROWEST, WIDEST = 30, 100
"""In characters: below, words would be cut; above, lines are hard to follow."""


def page() -> click.HelpFormatter:
    """What ``--help`` is written with, as wide as the terminal."""
    return click.HelpFormatter(width=_width())


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)


def wrapped(lines: Sequence[str]) -> str:
    """``lines``, each as wide as the terminal and what does not fit a little further in below."""
    return "\n".join(
        textwrap.fill(
            line,
            _width(),
            subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines
    )


def write_names(page: click.HelpFormatter, rows: Sequence[tuple[str, str]]) -> None:
    """Names on the left, meanings on the right; one below the other where there is no room."""
    if rows:
        page.width -= page.current_indent  # write_dl does not count it
        page.write_dl(rows, col_max=max(10, page.width // 2 - 6))
        page.width += page.current_indent
