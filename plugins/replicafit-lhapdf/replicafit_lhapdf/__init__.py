"""Exporter ``lhapdf``: a fit as an LHAPDF set; evolution for reports; LHAPDF sets read back.

In a runcard::

    export: [network, function, history, lhapdf]

or afterwards ``replicafit export DIR --format lhapdf``. This module is what replicafit loads to
learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.components import DGLAP, Evolution, Exporter
from replicafit.components.hookspecs import hookimpl
from replicafit_lhapdf.flavours import EVOLUTION
from replicafit_lhapdf.reading import Member, PdfSet, read_set

__all__ = ["Member", "PdfSet", "read_set", "replicafit_evolutions", "replicafit_exporters"]


@hookimpl
def replicafit_exporters() -> Sequence[Exporter]:
    """The one exporter of this plugin."""
    return [
        Exporter(
            name="lhapdf",
            finish="replicafit_lhapdf.exporter:export",
            needs=("function",),
            summary="lhapdf/NAME: all replicas evolved in Q, as an LHAPDF set",
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
