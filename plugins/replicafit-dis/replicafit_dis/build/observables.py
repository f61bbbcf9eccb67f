"""Observables as linear combinations of massless structure functions.

The combinations are data, not code that evaluates anything: ``Combination`` holds the weight of
every structure function that contributes to an observable, at the kinematics where it does. So
target-mass corrections and reduced cross sections are plain numpy, tested without the evolution
program.

Conventions: F2 and F1 are those of arXiv:1109.3717 (at leading order F2 = x times the sum of
coupling (q + qbar); charged current: x (D + Ubar) for W+). Structure functions with Z exchange
carry the quarks' vector and axial couplings, not the lepton's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from replicafit_dis.catalogue import DatasetInfo
from replicafit_dis.theory import TheoryParameters

Array = npt.NDArray[np.float64]


class SF(IntEnum):
    """Columns of the structure-function axis s."""

    F1_EM = 0
    F2_EM = 1
    F1_GZ = 2
    F2_GZ = 3
    F3_GZ = 4
    F1_Z = 5
    F2_Z = 6
    F3_Z = 7
    F1_WP = 8
    F2_WP = 9
    F3_WP = 10
    F1_WM = 11
    F2_WM = 12
    F3_WM = 13


@dataclass(frozen=True)
class Combination:
    """Sum over terms t of ``weights[t] . F(x[t], q2[t])``, added up for each datum.

    Attributes:
        datum: which datum the term contributes to, shape (t,).
        x: shape (t,).
        q2: GeV2, shape (t,).
        weights: of each structure function, shape (t, s).
        n_data: how many data there are.
    """

    datum: npt.NDArray[np.int64]
    x: Array
    q2: Array
    weights: Array
    n_data: int

    def scaled(self, factor: Array) -> Combination:
        """Every datum's terms multiplied by its ``factor`` (d,)."""
        return replace(self, weights=self.weights * factor[self.datum, None])

    def __add__(self, other: Combination) -> Combination:
        return Combination(
            datum=np.concatenate([self.datum, other.datum]),
            x=np.concatenate([self.x, other.x]),
            q2=np.concatenate([self.q2, other.q2]),
            weights=np.concatenate([self.weights, other.weights]),
            n_data=self.n_data,
        )

    @property
    def q2_of_data(self) -> Array:
        """q2 of each datum, the same in all its terms, (d,)."""
        q2 = np.zeros(self.n_data)
        q2[self.datum] = self.q2
        return q2

    @property
    def sees_valence(self) -> bool:
        """Whether anything but photon exchange contributes, that is C-odd functions too."""
        photon = np.isin(np.arange(len(SF)), (SF.F1_EM, SF.F2_EM))
        return bool(np.any(self.weights[:, ~photon] != 0.0))


@dataclass(frozen=True)
class Couplings:
    """Weights of the structure functions in the exchange of one current, each (d, s).

    F2 = f2 . F, F1 = f1 . F and F3 = f3 . F, with F the vector of all structure functions.
    """

    f1: Array
    f2: Array
    f3: Array


def single(x: Array, q2: Array, weights: Array) -> Combination:
    """One term for each datum: x, q2 (d,) and weights (d, s)."""
    return Combination(np.arange(len(x)), x, q2, weights, len(x))


def couplings(info: DatasetInfo, q2: Array, theory: TheoryParameters) -> Couplings:
    """The structure functions that ``info.observable`` is made of, at each q2 (d,)."""
    if info.observable in ("F2_EM", "SIGMA_EM"):
        return photon(q2)
    if info.observable in ("SIGMA_CC", "SIGMA_NU_CHARM"):
        return charged_current(q2, info.lepton_charge)
    return neutral_current(q2, theory)


def photon(q2: Array) -> Couplings:
    """Photon exchange only."""
    return Couplings(
        f1=_columns(q2, {SF.F1_EM: 1.0}), f2=_columns(q2, {SF.F2_EM: 1.0}), f3=_columns(q2, {})
    )


def neutral_current(q2: Array, theory: TheoryParameters) -> Couplings:
    """Photon and Z exchange with an unpolarised lepton (arXiv:1506.06042, eqs. 3 to 7).

    With v, a the lepton's couplings and kappa the ratio of Z to photon propagator,
    F2 = F2_EM - v kappa F2_GZ + (v2 + a2) kappa2 F2_Z and
    F3 = -a kappa F3_GZ + 2 v a kappa2 F3_Z, the sign of F3 in the cross section being the lepton's.
    """
    s2 = theory.sin2_theta_w
    vector, axial = -0.5 + 2.0 * s2, -0.5
    kappa = q2 / (q2 + theory.z_mass**2) / (4.0 * s2 * (1.0 - s2))
    interference, pure = -vector * kappa, (vector**2 + axial**2) * kappa**2
    return Couplings(
        f1=_columns(q2, {SF.F1_EM: 1.0, SF.F1_GZ: interference, SF.F1_Z: pure}),
        f2=_columns(q2, {SF.F2_EM: 1.0, SF.F2_GZ: interference, SF.F2_Z: pure}),
        f3=_columns(q2, {SF.F3_GZ: -axial * kappa, SF.F3_Z: 2.0 * vector * axial * kappa**2}),
    )


def charged_current(q2: Array, lepton_charge: int) -> Couplings:
    """W+ exchange for positrons, W- for electrons; propagator and coupling are divided out."""
    f1, f2, f3 = (
        (SF.F1_WP, SF.F2_WP, SF.F3_WP) if lepton_charge > 0 else (SF.F1_WM, SF.F2_WM, SF.F3_WM)
    )
    return Couplings(
        f1=_columns(q2, {f1: 1.0}), f2=_columns(q2, {f2: 1.0}), f3=_columns(q2, {f3: 1.0})
    )


def _columns(q2: Array, values: dict[SF, float | Array]) -> Array:
    """Weights (d, s) that are zero except in the columns given."""
    weights = np.zeros((len(q2), len(SF)))
    for column, value in values.items():
        weights[:, column] = value
    return weights


def reduced_cross_section(
    f2: Combination, fl: Combination, xf3: Combination, y: Array, info: DatasetInfo
) -> Combination:
    """Y+ F2 - y2 FL -+ Y- xF3, over Y+ (neutral current) or 2 (charged), Y+- = 1 +- (1 - y)2.

    arXiv:1506.06042, eqs. 2 and 11. The upper sign is for positrons.
    """
    plus, minus = 1.0 + (1.0 - y) ** 2, 1.0 - (1.0 - y) ** 2
    norm = 2.0 * np.ones_like(y) if info.observable == "SIGMA_CC" else plus
    sign = -float(info.lepton_charge)
    return f2.scaled(plus / norm) + fl.scaled(-(y**2) / norm) + xf3.scaled(sign * minus / norm)


def neutrino_cross_section(
    f2: Combination,
    fl: Combination,
    xf3: Combination,
    x: Array,
    y: Array,
    info: DatasetInfo,
    theory: TheoryParameters,
) -> Combination:
    """100 pi / (G2 M E) d2sigma/dx dy, hep-ex/0102049, with F2 = x sum |V|2 (q + qbar).

    (Y+ - 2 (M x y)2/Q2) F2 - y2 FL +- Y- xF3, times 100 and the W propagator squared; the upper
    sign is for neutrinos.
    """
    plus, minus = 1.0 + (1.0 - y) ** 2, 1.0 - (1.0 - y) ** 2
    plus = plus - 2.0 * (theory.nucleon_mass * x * y) ** 2 / f2.q2_of_data
    norm = 100.0 / (1.0 + f2.q2_of_data / theory.w_mass**2) ** 2
    sign = float(info.lepton_charge)
    return f2.scaled(norm * plus) + fl.scaled(-norm * y**2) + xf3.scaled(sign * norm * minus)
