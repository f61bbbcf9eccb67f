"""Parts of runcards that others extend, and the older cards that they complete unasked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicafit.components import Preset
from replicafit.components.hookspecs import hookimpl


@hookimpl
def replicafit_presets() -> Sequence[Preset]:
    """The presets of parton distribution functions."""
    return [
        Preset(
            name="replicafit_pdf:evolution_basis",
            card="replicafit_pdf:presets/evolution_basis.yml",
            implied_by=lambda card: _lacks(card, "flavours"),
            summary="the eight functions of NNPDF4.0",
        ),
        Preset(
            name="replicafit_pdf:nnpdf40",
            card="replicafit_pdf:presets/nnpdf40.yml",
            implied_by=lambda card: _lacks(card, "layers", "choice"),
            summary="the network of NNPDF4.0",
        ),
    ]


def _lacks(card: Mapping[str, Any], *keys: str) -> bool:
    """Whether ``model`` has none of ``keys``, though data come with tables: not columns alone."""
    model, data = card.get("model", {}), card.get("data")
    datasets = data.get("datasets") if isinstance(data, dict) else None
    if not isinstance(model, dict) or not isinstance(datasets, list):
        return False
    types = [entry.get("type") for entry in datasets if isinstance(entry, dict)]
    return any(kind != "csv" for kind in types) and not any(key in model for key in keys)
