"""Fits for human eyes: reports, comparisons, TensorBoard.

What is listed here is public: what the sections of plugins (``replicafit_report_sections``) are
made with. The libraries that draw are imported when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from replicafit.plugin import Command, ObserverType, hookimpl
from replicafit_report.section import (
    Answer,
    Block,
    Cell,
    Code,
    Facts,
    Figure,
    Figures,
    Legend,
    More,
    Notice,
    Row,
    Section,
    Table,
    Text,
)

if TYPE_CHECKING:
    from replicafit_report.coverage import coverage_figures, places_of
    from replicafit_report.functions import function_sections, opening_figures
    from replicafit_report.page import figures, save
    from replicafit_report.pictures import (
        BLUE,
        CYCLE,
        GREEN,
        INK,
        MUTED,
        ORANGE,
        PURPLE,
        REPLICA,
        VERMILLION,
        Drawing,
        band,
        drawing,
        few_ticks,
        label_x,
        log_axis,
        replica_points,
        rows_by_name,
    )
    from replicafit_report.ranges import Range
    from replicafit_report.record import Record, recorded
    from replicafit_report.replicas import histograms
    from replicafit_report.sides import SectionContext, Side
    from replicafit_report.views import Functions

_LATER = {
    "replicafit_report.pictures": (
        *("BLUE", "CYCLE", "GREEN", "INK", "MUTED", "ORANGE", "PURPLE", "REPLICA", "VERMILLION"),
        *("Drawing", "band", "drawing", "few_ticks", "label_x", "log_axis", "replica_points"),
        "rows_by_name",
    ),
    "replicafit_report.coverage": ("coverage_figures", "places_of"),
    "replicafit_report.functions": ("function_sections", "opening_figures"),
    "replicafit_report.page": ("figures", "save"),
    "replicafit_report.ranges": ("Range",),
    "replicafit_report.record": ("Record", "recorded"),
    "replicafit_report.replicas": ("histograms",),
    "replicafit_report.sides": ("SectionContext", "Side"),
    "replicafit_report.views": ("Functions",),
}

__all__ = [
    "BLUE",
    "CYCLE",
    "GREEN",
    "INK",
    "MUTED",
    "ORANGE",
    "PURPLE",
    "REPLICA",
    "VERMILLION",
    "Answer",
    "Block",
    "Cell",
    "Code",
    "Drawing",
    "Facts",
    "Figure",
    "Figures",
    "Functions",
    "Legend",
    "More",
    "Notice",
    "Range",
    "Record",
    "Row",
    "Section",
    "SectionContext",
    "Side",
    "Table",
    "Text",
    "band",
    "coverage_figures",
    "drawing",
    "few_ticks",
    "figures",
    "function_sections",
    "histograms",
    "label_x",
    "log_axis",
    "opening_figures",
    "places_of",
    "recorded",
    "replica_points",
    "rows_by_name",
    "save",
]


def __getattr__(name: str) -> Any:
    """What is imported late, by name."""
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'replicafit_report' has no attribute {name!r}")


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """What people do with fits."""
    return [
        Command(
            name="report",
            command="replicafit_report.commands:report",
            summary="writes a page about a fit",
        ),
        Command(
            name="compare",
            command="replicafit_report.commands:compare",
            summary="writes a page that compares fits",
        ),
    ]


@hookimpl
def replicafit_observers() -> Sequence[ObserverType]:
    """Who watches fits."""
    return [
        ObserverType(
            name="tensorboard",
            build="replicafit_report.tensorboard:build",
            summary="writes event files for TensorBoard",
        )
    ]
