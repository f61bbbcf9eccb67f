"""The key ``theory`` of runcards: the strong coupling and the quark masses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from replicafit.plugin import OutputError, Settings
from replicafit_pdf.fit_bases import POLARISED

_GEV: Any = {"unit": "GeV"}
POLARIZATION = "polarization"
"""The attribute that is 1 of polarised functions and 0 of others, where data say so."""
_NOT_EVOLVED = (
    "The functions of this fit are polarised, and only unpolarised ones can be evolved. Take "
    "function.npz of the replicas, which is at q0, instead."
)


class TheorySettings(Settings):
    """The strong coupling and the quark masses, for evolution beyond q0; masses in GeV.

    Defaults: NNPDF4.0 NNLO, arXiv:2109.02653, section 3.1.
    """

    order: Literal["lo", "nlo", "nnlo"] = Field(
        default="nnlo", description="Perturbative order of evolution and coupling."
    )
    alpha_s: float = Field(
        default=0.118,
        gt=0,
        lt=1,
        description="The strong coupling at m_z, with max_flavours or as many flavours as are "
        "active there.",
    )
    m_z: float = Field(default=91.1876, gt=0, description="Mass of the Z.", json_schema_extra=_GEV)
    m_charm: float = Field(
        default=1.51,
        gt=0,
        description="Pole mass of charm, and threshold between three and four flavours.",
        json_schema_extra=_GEV,
    )
    m_bottom: float = Field(
        default=4.92,
        gt=0,
        description="Pole mass of bottom, and threshold between four and five flavours.",
        json_schema_extra=_GEV,
    )
    m_top: float = Field(
        default=172.5,
        gt=0,
        description="Pole mass of top, and threshold between five and six flavours.",
        json_schema_extra=_GEV,
    )
    max_flavours: int = Field(default=5, ge=4, le=6, description="Active flavours at most.")

    @model_validator(mode="after")
    def _ordered(self) -> TheorySettings:
        if not self.m_charm < self.m_bottom < self.m_top:
            raise ValueError("masses must rise from m_charm over m_bottom to m_top")
        return self


def theory_of(runcard: Mapping[str, Any]) -> TheorySettings:
    """What the functions of a runcard with all defaults evolve by; it may lack the section.

    Raises:
        OutputError: they are polarised, which evolve otherwise.
    """
    if is_polarised(runcard, {}):
        raise OutputError(_NOT_EVOLVED)
    return TheorySettings.model_validate(runcard.get("theory") or {})


def is_polarised(runcard: Mapping[str, Any], attributes: Mapping[str, float]) -> bool:
    """Whether data, basis or sum rules of axial charges say that the functions are polarised."""
    return bool(attributes.get(POLARIZATION)) or any(
        (layer.get("type") == "rotation" and layer.get("basis") == POLARISED)
        or (layer.get("type") == "sum_rules" and bool({"t3", "t8"} & {*layer.get("rules", ())}))
        for layer in layers_of(runcard)
    )


def layers_of(runcard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The layers of a runcard with all defaults, of all its architectures."""
    model = runcard.get("model") or {}
    for network in model.get("choice") or (model,):
        yield from network.get("layers") or ()


def scale_of(attributes: Mapping[str, float]) -> float:
    """The scale q0 in GeV that fitted functions evolve from.

    Raises:
        OutputError: their data say of none, or that they are polarised.
    """
    if attributes.get(POLARIZATION):
        raise OutputError(_NOT_EVOLVED)
    if "q0" not in attributes:
        raise OutputError(
            "The data of this fit name no scale q0 that its functions belong to, so that they "
            "cannot be evolved. Datasets in columns take q0 in their entry in the runcard."
        )
    return attributes["q0"]
