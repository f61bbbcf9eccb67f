"""Exporter ``lhapdf``: a fit as an LHAPDF set; evolution for reports; LHAPDF sets read back.

In a runcard::

    export: [network, function, history, lhapdf]

or afterwards ``replicafit export DIR --format lhapdf``. This module is what replicafit loads to
learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from replicafit_pdf.evolution_basis import DGLAP, EVOLUTION

from replicafit.plugin import Evolution, Exporter, FunctionSource, ReportSection, hookimpl
from replicafit_lhapdf.reading import Member, PdfSet, read_set, recognizes

if TYPE_CHECKING:
    from replicafit_lhapdf.exporter import check_hessian_set, write_hessian_set

__all__ = [
    "Member",
    "PdfSet",
    "check_hessian_set",
    "read_set",
    "replicafit_evolutions",
    "replicafit_exporters",
    "replicafit_function_sources",
    "write_hessian_set",
]


def __getattr__(name: str) -> Any:
    """What is about Hessian sets, imported when it is asked for."""
    if name in ("check_hessian_set", "write_hessian_set"):
        from replicafit_lhapdf import exporter

        return getattr(exporter, name)
    raise AttributeError(f"module 'replicafit_lhapdf' has no attribute {name!r}")


@hookimpl
def replicafit_exporters() -> Sequence[Exporter]:
    """The one exporter of this plugin."""
    return [
        Exporter(
            name="lhapdf",
            finish="replicafit_lhapdf.exporter:export",
            check="replicafit_lhapdf.exporter:check",
            needs=("function",),
            summary="lhapdf/NAME: all replicas evolved in Q, as an LHAPDF set",
        )
    ]


@hookimpl
def replicafit_function_sources() -> Sequence[FunctionSource]:
    """LHAPDF sets."""
    return [
        FunctionSource(
            name="lhapdf",
            recognizes=recognizes,
            read="replicafit_lhapdf.reading:read_at_scale",
            form="the folder of an LHAPDF set, or one member of it (NAME_0000.dat)",
            summary="LHAPDF sets, as LHAPDF interpolates them",
        )
    ]


@hookimpl
def replicafit_evolutions() -> Sequence[Evolution]:
    """The one evolution of this plugin."""
    return [
        Evolution(
            name=DGLAP,
            evolve="replicafit_lhapdf.scales:evolve",
            flavours=EVOLUTION,
            unit="GeV",
            summary="functions at other scales than q0, by hoppet; for reports",
        )
    ]


@hookimpl
def replicafit_report_sections() -> Sequence[ReportSection]:
    """Functions at other scales."""
    return [
        ReportSection(
            name="scales",
            build="replicafit_lhapdf.report_sections:scales",
            summary="parton distributions at the scales of --at-q",
        )
    ]
