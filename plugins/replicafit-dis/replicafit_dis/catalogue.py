"""The datasets this plugin ships: where each was published, what was measured, and the cuts.

A new dataset is one entry here, one name in ``DatasetName``, and, if it measures something new, one
``Observable`` that ``replicafit_dis.build.observables`` knows how to predict.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DatasetName = Literal[
    "BCDMS_NC_P_EM-F2",
    "BCDMS_NC_D_EM-F2",
    "NMC_NC_P_EM-SIGMARED",
    "NMC_NC_EM_D_OVER_P-F2",
    "SLAC_NC_P_EM-F2",
    "SLAC_NC_D_EM-F2",
    "HERA_NC_225GEV_EP-SIGMARED",
    "HERA_NC_251GEV_EP-SIGMARED",
    "HERA_NC_300GEV_EP-SIGMARED",
    "HERA_NC_318GEV_EP-SIGMARED",
    "HERA_NC_318GEV_EM-SIGMARED",
    "HERA_CC_318GEV_EP-SIGMARED",
    "HERA_CC_318GEV_EM-SIGMARED",
    "HERA_NC_318GEV_EAVG_CHARM-SIGMARED",
    "HERA_NC_318GEV_EAVG_BOTTOM-SIGMARED",
    "NUTEV_CC_FE_NU-SIGMARED",
    "NUTEV_CC_FE_NB-SIGMARED",
]
"""The names a runcard may give."""

Observable = Literal[
    "F2_EM", "SIGMA_EM", "SIGMA_NC", "SIGMA_CC", "SIGMA_CHARM", "SIGMA_BOTTOM", "SIGMA_NU_CHARM"
]
"""F2 and reduced cross section of photon exchange; reduced cross sections of both currents; of the
neutral current, averaged over e+ and e-, with charm or bottom in the final state; and of neutrinos
with charm."""

Target = Literal["proton", "deuteron", "iron"]

DATA_FOLDER = Path(__file__).parent / "data"
POSITIVITY_FOLDER = DATA_FOLDER.with_name("positivity")
FIT_FILE = DATA_FOLDER.with_name("dis_fit.npz")


@dataclass(frozen=True)
class Cuts:
    """Data are kept if ``q2 >= q2_min`` and ``q2 (1 - x) / x >= w2_min``, both in GeV2."""

    q2_min: float
    w2_min: float = 12.5


@dataclass(frozen=True)
class DatasetInfo:
    """One dataset.

    Attributes:
        name: what runcards call it.
        nnpdf_name: set and observable in the package nnpdf-data.
        variant: which of its treatments of the uncertainties.
        observable: what was measured.
        lepton_charge: of the beam, -1 or +1; 0 where the experiment averaged over both. It matters
            only for ``SIGMA_NC`` and ``SIGMA_CC``. Neutrinos: +1, antineutrinos -1, the charge of
            the W, as for electrons.
        targets: one table for each; two mean the ratio of the first to the second.
        cuts: which data are kept.
        experiment: collaboration.
        reference: the publication.
        url: its arXiv or INSPIRE page.
    """

    name: DatasetName
    nnpdf_name: str
    variant: str
    observable: Observable
    lepton_charge: int
    targets: tuple[Target, ...]
    cuts: Cuts
    experiment: str
    reference: str
    url: str

    @property
    def process(self) -> str:
        """``DIS_CC``, ``DIS_NC``, or this with the quark that was seen."""
        if self.observable in ("SIGMA_CHARM", "SIGMA_BOTTOM"):
            return "DIS_NC_" + self.observable.removeprefix("SIGMA_")
        return "DIS_CC" if self.observable in ("SIGMA_CC", "SIGMA_NU_CHARM") else "DIS_NC"

    @property
    def tagged(self) -> int | None:
        """The quark in the final state, 4 (charm) or 5 (bottom), where the experiment saw one."""
        return {"SIGMA_CHARM": 4, "SIGMA_BOTTOM": 5, "SIGMA_NU_CHARM": 4}.get(self.observable)

    @property
    def masses(self) -> bool:
        """Whether the theory has heavy-quark masses: not in HERA's charged current, far above."""
        return self.observable != "SIGMA_CC"

    @property
    def operation(self) -> str:
        """How the tables combine: ``NULL`` for one, ``RATIO`` for the first over the second."""
        return "RATIO" if len(self.targets) == 2 else "NULL"


CUTS = Cuts(q2_min=3.49)
CHARM_CUTS = Cuts(q2_min=8.0)


def _fixed_target(
    name: DatasetName,
    nnpdf_name: str,
    targets: tuple[Target, ...],
    experiment: str,
    reference: str,
    url: str,
    observable: Observable = "F2_EM",
) -> DatasetInfo:
    # The deuteron enters the d variants ("legacy_dw") as nuclear uncertainties.
    variant = "legacy" if observable == "SIGMA_EM" else "legacy_dw"
    return DatasetInfo(
        name=name,
        nnpdf_name=nnpdf_name,
        variant=variant,
        observable=observable,
        lepton_charge=1,
        targets=targets,
        cuts=CUTS,
        experiment=experiment,
        reference=reference,
        url=url,
    )


def _hera(name: DatasetName) -> DatasetInfo:
    """The HERA I+II combination names current, energy and lepton in its dataset names."""
    return DatasetInfo(
        name=name,
        nnpdf_name=name,
        variant="legacy",
        observable="SIGMA_CC" if "_CC_" in name else "SIGMA_NC",
        lepton_charge=1 if "_EP-" in name else -1,
        targets=("proton",),
        cuts=CUTS,
        experiment="H1 and ZEUS",
        reference="Eur. Phys. J. C75 (2015) 580",
        url="https://arxiv.org/abs/1506.06042",
    )


def _hera_heavy(name: DatasetName, observable: Observable, cuts: Cuts) -> DatasetInfo:
    """The combination of HERA's measurements with charm or bottom."""
    return DatasetInfo(
        name=name,
        nnpdf_name=name,
        variant="legacy",
        observable=observable,
        lepton_charge=0,
        targets=("proton",),
        cuts=cuts,
        experiment="H1 and ZEUS",
        reference="Eur. Phys. J. C78 (2018) 473",
        url="https://arxiv.org/abs/1804.01019",
    )


def _nutev(name: DatasetName, nnpdf_name: str, w_charge: int) -> DatasetInfo:
    """Dimuons: charm made by neutrinos or antineutrinos on iron."""
    return DatasetInfo(
        name=name,
        nnpdf_name=nnpdf_name,
        variant="legacy_dw",
        observable="SIGMA_NU_CHARM",
        lepton_charge=w_charge,
        targets=("iron",),
        cuts=CUTS,
        experiment="NuTeV",
        reference="Phys. Rev. D64 (2001) 112006 and D. A. Mason, thesis (2006)",
        url=_INSPIRE + "712244",
    )


_INSPIRE = "https://inspirehep.net/literature/"

_ENTRIES: tuple[DatasetInfo, ...] = (
    _fixed_target(
        "BCDMS_NC_P_EM-F2",
        "BCDMS_NC_NOTFIXED_P_EM-F2",
        ("proton",),
        "BCDMS",
        "Phys. Lett. B223 (1989) 485",
        _INSPIRE + "276661",
    ),
    _fixed_target(
        "BCDMS_NC_D_EM-F2",
        "BCDMS_NC_NOTFIXED_D_EM-F2",
        ("deuteron",),
        "BCDMS",
        "Phys. Lett. B237 (1990) 592",
        _INSPIRE + "285497",
    ),
    _fixed_target(
        "NMC_NC_P_EM-SIGMARED",
        "NMC_NC_NOTFIXED_P_EM-SIGMARED",
        ("proton",),
        "NMC",
        "Nucl. Phys. B483 (1997) 3",
        "https://arxiv.org/abs/hep-ph/9610231",
        observable="SIGMA_EM",  # below 70 GeV2, where the Z adds 0.1 per cent
    ),
    _fixed_target(
        "NMC_NC_EM_D_OVER_P-F2",
        "NMC_NC_NOTFIXED_EM-F2",
        ("deuteron", "proton"),
        "NMC",
        "Nucl. Phys. B487 (1997) 3",
        "https://arxiv.org/abs/hep-ex/9611022",
    ),
    _fixed_target(
        "SLAC_NC_P_EM-F2",
        "SLAC_NC_NOTFIXED_P_EM-F2",
        ("proton",),
        "SLAC",
        "Phys. Lett. B282 (1992) 475",
        _INSPIRE + "319089",
    ),
    _fixed_target(
        "SLAC_NC_D_EM-F2",
        "SLAC_NC_NOTFIXED_D_EM-F2",
        ("deuteron",),
        "SLAC",
        "Phys. Lett. B282 (1992) 475",
        _INSPIRE + "319089",
    ),
    _hera("HERA_NC_225GEV_EP-SIGMARED"),
    _hera("HERA_NC_251GEV_EP-SIGMARED"),
    _hera("HERA_NC_300GEV_EP-SIGMARED"),
    _hera("HERA_NC_318GEV_EP-SIGMARED"),
    _hera("HERA_NC_318GEV_EM-SIGMARED"),
    _hera("HERA_CC_318GEV_EP-SIGMARED"),
    _hera("HERA_CC_318GEV_EM-SIGMARED"),
    _hera_heavy("HERA_NC_318GEV_EAVG_CHARM-SIGMARED", "SIGMA_CHARM", CHARM_CUTS),
    _hera_heavy("HERA_NC_318GEV_EAVG_BOTTOM-SIGMARED", "SIGMA_BOTTOM", CUTS),
    _nutev("NUTEV_CC_FE_NU-SIGMARED", "NUTEV_CC_NOTFIXED_FE_NU-SIGMARED", 1),
    _nutev("NUTEV_CC_FE_NB-SIGMARED", "NUTEV_CC_NOTFIXED_FE_NB-SIGMARED", -1),
)

DATASETS: dict[str, DatasetInfo] = {entry.name: entry for entry in _ENTRIES}
"""Every dataset by its name, fixed targets first."""


def dataset_path(name: str, folder: Path = DATA_FOLDER) -> Path:
    """Where the file of the dataset ``name`` is."""
    return folder / f"{name}.npz"
