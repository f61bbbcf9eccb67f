"""NNLO evolution and massless structure functions, by hoppet (arXiv:0804.3755, 2510.09310).

hoppet keeps its state in one global place, so there is one ``Evolution`` in a process.
"""

from __future__ import annotations

import hoppet
import numpy as np
import numpy.typing as npt

from replicafit_dis.build.observables import SF
from replicafit_dis.theory import TheoryParameters

Array = npt.NDArray[np.float64]

N_PARTONS = 13  # tbar bbar cbar sbar ubar dbar g d u s c b t, hoppet's order
GLUON = 6
NO_TOP = 1e8  # GeV: a mass that is never reached

STEP = 0.1  # hoppet's step in ln(1/x); halving it moves structure functions by 1e-6
Q_MAX = 250.0  # GeV; the highest datum is at 224

# How many quarks q plus antiquarks (flavours without v) or minus antiquarks (with v) of each kind,
# in the order u, d, s, c, a unit of each function stands for: sigma = sum of all four,
# t3 = u - d, t8 = u + d - 2s, t15 = u + d + s - 3c, inverted. Charm is active at q0, bottom is not.
_QUARKS = ("u", "d", "s", "c")
_POSITION = {"d": 1, "u": 2, "s": 3, "c": 4}
_CONTENT = {
    "singlet": (1 / 4, 1 / 4, 1 / 4, 1 / 4),
    "3": (1 / 2, -1 / 2, 0.0, 0.0),
    "8": (1 / 6, 1 / 6, -1 / 3, 0.0),
    "15": (1 / 12, 1 / 12, 1 / 12, -1 / 4),
}


def parton_content(flavour: str) -> Array:
    """The partons that one unit of an evolution-basis function stands for, shape (13,)."""
    partons = np.zeros(N_PARTONS)
    if flavour == "g":
        partons[GLUON] = 1.0
        return partons
    valence = flavour.startswith("v")
    for quark, amount in zip(_QUARKS, _CONTENT[_multiplet(flavour)], strict=True):
        position = _POSITION[quark]
        partons[GLUON + position] = amount / 2.0
        partons[GLUON - position] = (-1.0 if valence else 1.0) * amount / 2.0
    return partons


def _multiplet(flavour: str) -> str:
    return "singlet" if flavour in ("sigma", "v") else flavour[1:]


class Evolution:
    """hoppet, set up for one theory.

    Attributes:
        x: where initial conditions are asked for, shape (m,), in the order hoppet asks.
    """

    def __init__(self, theory: TheoryParameters, x_min: float) -> None:
        loops = theory.order + 1
        hoppet.SetPoleMassVFN(theory.charm_mass, theory.bottom_mass, NO_TOP)
        hoppet.StartExtended(
            float(np.ceil(-np.log(x_min))),
            STEP,
            theory.q0,
            Q_MAX,
            STEP / 4.0,
            loops,
            -6,
            hoppet.factscheme_MSbar,
        )
        hoppet.PreEvolve(theory.alpha_s, theory.q_ref, loops, 1.0, theory.q0)
        # hoppet knows the weak mixing angle by the W mass alone, and uses it for nothing else.
        w_mass = theory.z_mass * np.sqrt(1.0 - theory.sin2_theta_w)
        hoppet.StartStrFctExtended(
            loops, -6, hoppet.scale_choice_Q, 0.0, True, w_mass, theory.z_mass
        )
        self._loops = loops
        self._columns = [getattr(hoppet, _hoppet_name(sf)) for sf in SF]
        self.x = self._probe()

    def alpha_s(self, q: float) -> float:
        """The strong coupling at ``q`` GeV."""
        return float(hoppet.AlphaS(q))

    def start_from(self, partons: Array) -> None:
        """Evolves x f(x, q0) ``partons`` (m, 13), given at ``self.x``, and convolutes."""
        rows = iter(partons)
        hoppet.CachedEvolve(lambda x, q: next(rows))
        hoppet.InitStrFct(self._loops, 0, 1.0, 1.0)

    def structure_functions(self, x: Array, q: Array) -> Array:
        """All structure functions (m, s) of the last start, at x (m,) and q (m,) in GeV."""
        values = [hoppet.StrFct(a, b, b, b) for a, b in zip(x.tolist(), q.tolist(), strict=True)]
        return np.array(values)[:, self._columns]

    def partons(self, x: Array, q: Array) -> Array:
        """x f(x, Q) of the last start, at every x (n,) and q (k,) in GeV; shape (k, 13, n)."""
        inside = np.minimum(x, 1.0 - 1e-12).tolist()
        return np.array([[hoppet.Eval(a, b) for a in inside] for b in q.tolist()]).swapaxes(1, 2)

    def _probe(self) -> Array:
        asked: list[float] = []

        def note(x: float, q: float) -> Array:
            asked.append(x)
            return np.zeros(N_PARTONS)

        hoppet.CachedEvolve(note)
        return np.array(asked)


def _hoppet_name(sf: SF) -> str:
    """``F2_GZ`` is ``iF2gZ`` in hoppet."""
    kind, exchange = sf.name.split("_")
    return f"i{kind}" + {"EM": "EM", "GZ": "gZ", "Z": "Z", "WP": "Wp", "WM": "Wm"}[exchange]
