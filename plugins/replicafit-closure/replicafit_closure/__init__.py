"""Closure tests: many fits to data made from a known function, and what they say of the method."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.plugin import Command, ReportSection, RuncardSection, hookimpl
from replicafit_closure.settings import ClosureStudySettings


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """The study."""
    return [
        Command(
            name="closure",
            command="replicafit_closure.commands:closure",
            summary="tests a method with data made from a known function",
        )
    ]


@hookimpl
def replicafit_report_sections() -> Sequence[ReportSection]:
    """The page about a study."""
    return [
        ReportSection(
            name="closure",
            build="replicafit_closure.report:sections",
            marked_by="closure.json",
            summary="bias, variance and coverage over many fits with known truth",
        )
    ]


@hookimpl
def replicafit_runcard_sections() -> Sequence[RuncardSection]:
    """What is tested."""
    return [
        RuncardSection(
            name="closure",
            model=ClosureStudySettings,
            part_of_fit=False,
            summary="What replicafit closure fits; a fit does not look at it.",
        )
    ]
