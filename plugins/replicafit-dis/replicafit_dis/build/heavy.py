"""Structure functions with charm and bottom masses.

They are those of massless quarks, with the number of flavours that Q2 allows, plus for each heavy
quark the massive coefficient functions minus their massless limit: the FONLL scheme
(arXiv:1001.2312, order C; with charm at the starting scale arXiv:1510.00009), for two masses at a
time and without damping. A quark that is not active yet (Q < m) has no limit to be subtracted.

Of the corrections with axial couplings (Z exchange, above 1000 GeV2 where masses matter little)
the vector's are used, and F3 has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.coefficients import (
    Kind,
    Point,
    asymptotic,
    gluon_logarithm,
    intrinsic,
    massive,
    massless,
)
from replicafit_dis.theory import TheoryParameters

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HeavyQuark:
    """One heavy quark.

    Attributes:
        flavour: counts d, u, s, c, b from 1.
        mass: GeV.
        threshold: the Q in GeV from which its own function contributes.
        intrinsic: whether it has a function at q0.
    """

    flavour: int
    mass: float
    threshold: float
    intrinsic: bool

    @property
    def n_light(self) -> int:
        """How many quarks are lighter."""
        return self.flavour - 1

    def active(self, q2: float) -> bool:
        """Whether its function contributes."""
        return q2 >= self.threshold**2


@dataclass(frozen=True)
class Rows:
    """Coefficients of the grid points for unit charges, each (n,).

    Attributes:
        gluon, singlet: times the heavy quark's charge squared; the singlet is the sum of the first
            ``n_singlet`` quarks and antiquarks.
        own: of the heavy quark plus its antiquark, times its charge squared.
        loop: of each lighter quark plus antiquark, times the lighter quark's charge squared.
    """

    gluon: Array
    singlet: Array
    own: Array
    loop: Array
    n_singlet: int


def heavy_quarks(theory: TheoryParameters) -> tuple[HeavyQuark, HeavyQuark]:
    """Charm and bottom, each from its mass on, as in the massless structure functions."""
    charm, bottom = theory.charm_mass, theory.bottom_mass
    return HeavyQuark(4, charm, charm, True), HeavyQuark(5, bottom, bottom, False)


def seen_quarks(theory: TheoryParameters) -> tuple[HeavyQuark, HeavyQuark]:
    """The same for observables with one of them in the final state: bottom from 4 masses on.

    Below that the massive coefficient functions have what there is of the logarithm, and massless
    minus limit, of higher order, is up to 12 per cent of them just above the mass. NNPDF4.0 does
    the same.
    """
    charm, bottom = heavy_quarks(theory)
    return charm, replace(bottom, threshold=SEEN_FROM * bottom.mass)


FAR_ABOVE = 500.0
"""Q2/m2 from which masses are left out: less than 0.1 per cent, and LeProHQ's tables are noisy."""

SEEN_FROM = 4.0
"""In masses of the bottom quark."""


def correction(kind: Kind, point: Point, quark: HeavyQuark) -> Rows:
    """Massive minus massless, of one heavy quark."""
    if point.q2 > FAR_ABOVE * quark.mass**2:
        none = np.zeros_like(point.grid)
        return Rows(none, none, none, none, quark.n_light)
    args = (point, quark.mass, quark.n_light)
    gluon = massive(kind, "GluonVV", *args)
    singlet = massive(kind, "SingletVV", *args)
    loop = massive(kind, "NonSinglet", *args)
    own = np.zeros_like(gluon)
    if quark.active(point.q2):
        gluon = gluon - asymptotic(kind, "Gluon", *args)
        singlet = singlet - asymptotic(kind, "Singlet", *args)
        loop = loop - asymptotic(kind, "NonSinglet", *args)
    if quark.intrinsic:
        charm, from_gluon = intrinsic(kind, point, quark.mass)
        own = charm - massless(kind, "NonSinglet", point, quark.flavour, loops=1)
        gluon = gluon + from_gluon + gluon_logarithm(kind, point, quark.mass)
    return Rows(gluon, singlet, own, loop, quark.n_light)


def single_flavour(kind: Kind, point: Point, quark: HeavyQuark, n_flavours: int) -> Rows:
    """Scattering off one massless quark, of which there are ``n_flavours`` kinds."""
    own = massless(kind, "NonSinglet", point, n_flavours)
    gluon = massless(kind, "Gluon", point, n_flavours)
    singlet = massless(kind, "Singlet", point, n_flavours)
    return Rows(gluon, singlet, own, np.zeros_like(own), n_flavours)


def on_partons(rows: Rows, quark: HeavyQuark, charges: Array) -> Array:
    """The rows times ``charges`` squared of d, u, s, c, b (5,), on 13 partons: (13, n)."""
    own_charge = charges[quark.flavour - 1]
    result = np.zeros((13, len(rows.gluon)))
    result[GLUON] = own_charge * rows.gluon
    for flavour in range(1, 6):
        row = np.zeros_like(rows.gluon)
        if flavour <= rows.n_singlet:
            row += own_charge * rows.singlet
        if flavour < quark.flavour:
            row += charges[flavour - 1] * rows.loop
        if flavour == quark.flavour:
            row += own_charge * rows.own
        result[[GLUON - flavour, GLUON + flavour]] = row
    return result


GLUON = 6
"""Position of the gluon among tbar bbar cbar sbar ubar dbar g d u s c b t."""
