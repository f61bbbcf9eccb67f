"""What commands tell the terminal and the shell: exit codes, warnings, text as wide as it fits."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

import click

from replicafit.plugins import Registry, load_registry

FAILED = 1
"""The command ran, and not all is well: replicas missing, a disk full, a law broken."""
REFUSED = 2
"""What was given cannot be used; nothing was done. Click's own code for bad options."""
INCOMPLETE = 3
"""All replicas are fitted, and an exporter failed; ``--resume`` makes up for it."""
INTERRUPTED = 130
"""By Ctrl-C; as shells count a signal 2."""

NARROWEST, WIDEST = 30, 100
"""In characters: below, words would be cut; above, lines are hard to follow."""


def installed() -> Registry:
    """The installed plugins; what is wrong with some is printed."""
    registry = load_registry()
    warn_of(registry)
    return registry


def warn_of(registry: Registry) -> None:
    """Prints what is wrong with plugins."""
    for problem in registry.problems:
        click.echo(f"Warning: {problem}", err=True)


def page() -> click.HelpFormatter:
    """What ``--help`` is written with, as wide as the terminal."""
    columns = shutil.get_terminal_size().columns
    return click.HelpFormatter(width=min(max(columns, NARROWEST), WIDEST))


def wrapped(lines: Sequence[str]) -> str:
    """``lines``, each as wide as the terminal and what does not fit a little further in below."""
    return "\n".join(
        textwrap.fill(
            line,
            page().width,
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
