"""Lists of names with their meaning, wrapped at words to what the terminal can show."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import click

NARROWEST, WIDEST = 30, 100
"""In characters: below, words would be cut; above, lines are hard to follow."""


def page() -> click.HelpFormatter:
    """What ``--help`` is written with, as wide as the terminal."""
    width = shutil.get_terminal_size().columns
    return click.HelpFormatter(width=min(max(width, NARROWEST), WIDEST))


def write_names(page: click.HelpFormatter, rows: Sequence[tuple[str, str]]) -> None:
    """Names on the left, meanings on the right; one below the other where there is no room."""
    if rows:
        page.width -= page.current_indent  # write_dl does not count it
        page.write_dl(rows, col_max=max(10, page.width // 2 - 6))
        page.width += page.current_indent
