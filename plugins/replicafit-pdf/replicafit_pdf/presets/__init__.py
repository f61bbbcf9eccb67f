"""Parts of runcards that others extend, and the older cards that they complete unasked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from replicafit.plugin import Preset, hookimpl


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
            summary="the fit of NNPDF4.0: network, optimizer, stopping, integrability",
        ),
        Preset(
            name="replicafit_pdf:nnpdf40_network",
            card="replicafit_pdf:presets/nnpdf40_network.yml",
            implied_by=lambda card: _lacks(card, "layers", "choice"),
            summary="the network of NNPDF4.0",
        ),
        Preset(
            name="replicafit_pdf:dis_kinematics",
            card="replicafit_pdf:presets/dis_kinematics.yml",
            implied_by=_cuts_on_w2,
            summary="w2, the squared mass of the hadronic final state",
        ),
    ]


def _cuts_on_w2(card: Mapping[str, Any]) -> bool:
    """Whether some cut names w2."""
    data = card.get("data")
    data = data if isinstance(data, dict) else {}
    entries = data.get("datasets")
    holders = [data, *(entries if isinstance(entries, list) else ())]
    cuts = [each.get("cuts") for each in holders if isinstance(each, dict)]
    texts = [text for each in cuts if isinstance(each, list) for text in each]
    return any(isinstance(text, str) and re.search(r"\bw2\b", text) for text in texts)


def _lacks(card: Mapping[str, Any], *keys: str) -> bool:
    """Whether ``model`` has none of ``keys``, though data come with tables: not columns alone."""
    model, data = card.get("model", {}), card.get("data")
    datasets = data.get("datasets") if isinstance(data, dict) else None
    if not isinstance(model, dict) or not isinstance(datasets, list):
        return False
    types = [entry.get("type") for entry in datasets if isinstance(entry, dict)]
    return any(kind not in ("csv", "given") for kind in types) and not any(
        key in model for key in keys
    )
