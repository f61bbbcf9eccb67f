"""The parameters of the theory, and the names of the functions its tables act on."""

from __future__ import annotations

from dataclasses import asdict, dataclass

FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")
"""The evolution basis, in the order of the tables' flavour axis f."""

C_EVEN = frozenset({"sigma", "g", "t3", "t8", "t15"})
"""Those with the same sign for quarks and antiquarks: all that photon exchange sees."""

ISOTRIPLET = ("t3", "v3")
"""Those that change sign between proton and neutron (isospin symmetry)."""


@dataclass(frozen=True)
class TheoryParameters:
    """Parameters of the predictions; masses and scales in GeV.

    Attributes:
        order: of evolution and coefficient functions, 2 = NNLO.
        q0: the scale of the functions that the tables act on.
        alpha_s: the strong coupling at ``q_ref``, five flavours.
        charm_mass, bottom_mass: pole masses, where the number of flavours changes. Charm is active
            at q0 (intrinsic charm is allowed); no top.
        nucleon_mass: in the target-mass corrections.
        z_mass, w_mass, sin2_theta_w: electroweak parameters.
    """

    order: int = 2
    q0: float = 1.65
    alpha_s: float = 0.118
    q_ref: float = 91.2
    charm_mass: float = 1.51
    bottom_mass: float = 4.92
    nucleon_mass: float = 0.938
    z_mass: float = 91.1876
    w_mass: float = 80.398
    sin2_theta_w: float = 0.23126

    def as_dict(self) -> dict[str, float]:
        """For the metadata of a file."""
        return asdict(self)

    def summary(self, masses: bool) -> str:
        """One line for people; ``masses`` says whether heavy quarks' masses are in."""
        quarks = "charm and bottom masses by FONLL" if masses else "massless quarks (ZM-VFNS)"
        return (
            f"NNLO, {quarks}, target-mass corrections, alpha_s({self.q_ref} GeV)"
            f"={self.alpha_s}; NNLO evolution from q0={self.q0} GeV"
        )
