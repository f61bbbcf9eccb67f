"""Scans: a search for better settings, many points of it trained in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from replicafit.plugin import Command, OutputError, ReportSection, RuncardSection, hookimpl
from replicafit_scan.settings import ScanSettings


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
def replicafit_report_sections() -> Sequence[ReportSection]:
    """The page about a scan."""
    return [
        ReportSection(
            name="scan",
            build="replicafit_scan.report:sections",
            marked_by="scan.json",
            summary="the best trials, which settings matter, and how it went on",
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
