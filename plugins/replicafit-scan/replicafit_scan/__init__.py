"""Scans: a search for better settings, many points of it trained in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from replicafit.components import Command, RuncardSection
from replicafit.components.hookspecs import hookimpl
from replicafit.errors import OutputError
from replicafit_scan.settings import ScanSettings


def require_optuna() -> None:
    """Raises OutputError if Optuna is not installed."""
    if find_spec("optuna") is None:
        raise OutputError(
            "A scan needs optuna, which is not installed: pip install 'replicafit[scan]'"
        )


def refuse_unless_free(folder: Path) -> None:
    """Raises OutputError if there is something in ``folder``."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(
            f"'{folder}' is there already. Continue its scan with --resume, or choose another "
            "folder with -o."
        )


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """The search."""
    return [
        Command(
            name="scan",
            command="replicafit_scan.commands:scan",
            summary="searches for better settings",
        )
    ]


@hookimpl
def replicafit_runcard_sections() -> Sequence[RuncardSection]:
    """What is searched."""
    return [
        RuncardSection(
            name="scan",
            model=ScanSettings,
            part_of_fit=False,
            summary="What replicafit scan tries; a fit does not look at it.",
        )
    ]
