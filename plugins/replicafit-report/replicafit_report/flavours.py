"""Which functions a report draws, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

NOTHING = 1e-6
"""Functions that are nowhere larger are taken to vanish."""

SYMBOLS = {
    "sigma": "Σ",
    "g": "g",
    "v": "V",
    **{
        f"v{n}": "V" + str(n).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        for n in (3, 8, 15, 24, 35)
    },
    **{
        f"t{n}": "T" + str(n).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
        for n in (3, 8, 15, 24, 35)
    },
}
_NEEDED = ("sigma", "t3", "t8", "t15", "v", "v3", "v8")
_QUARKS = ("u", "d", "s", "c", "b", "t")
_LADDER = ("3", "8", "15", "24", "35")
_PARTONS = {*_QUARKS, "g", "gluon", "singlet", *(f"{q}bar" for q in _QUARKS), "cp", "photon"}
_BARRED = {"u": "ū", "d": "d̄", "s": "s̄"}


def are_partons(flavours: Sequence[str]) -> bool:
    """Whether functions of these names are parton distributions, of which x f is shown."""
    return set(flavours) <= {*SYMBOLS, *_PARTONS}


@dataclass(frozen=True)
class Functions:
    """Functions on one grid.

    Attributes:
        symbols: what they are called, length f.
        x: (n,).
        values: x f(x, Q), (r, n, f).
        prefix: stands before the symbol: what the values are.
    """

    symbols: tuple[str, ...]
    x: np.ndarray
    values: np.ndarray
    prefix: str = "x "

    def of(self, symbol: str) -> np.ndarray:
        """One of them, (r, n)."""
        return np.asarray(self.values[..., self.symbols.index(symbol)])


def as_fitted(x: np.ndarray, flavours: tuple[str, ...], values: np.ndarray) -> Functions:
    """The functions in the flavours of the tables."""
    prefix = "x " if are_partons(flavours) else ""
    return Functions(tuple(SYMBOLS.get(name, name) for name in flavours), x, values, prefix)


def as_partons(x: np.ndarray, flavours: tuple[str, ...], values: np.ndarray) -> Functions | None:
    """Quarks, antiquarks and gluon, if the flavours of the tables determine them.

    Where nothing else is said there is no bottom and no top, and as much charm as anticharm
    (arXiv:2109.02653, section 3.1). Bottom is left out where there is none.
    """
    if not set(_NEEDED) <= set(flavours):
        return None
    column = {name: values[..., i] for i, name in enumerate(flavours)}
    plus = _quarks(column["sigma"], [column.get(f"t{n}", column["sigma"]) for n in _LADDER])
    minus = _quarks(column["v"], [column.get(f"v{n}", column["v"]) for n in _LADDER])
    chosen = {"g": column["g"]} if "g" in column else {}
    for flavour in _QUARKS[:5]:
        chosen[flavour] = (plus[flavour] + minus[flavour]) / 2
        if flavour in _BARRED:
            chosen[_BARRED[flavour]] = (plus[flavour] - minus[flavour]) / 2
    if np.abs(chosen["b"]).max() < NOTHING:
        del chosen["b"]
    return Functions(tuple(chosen), x, np.stack(list(chosen.values()), axis=-1))


def _quarks(total: np.ndarray, ladder: Sequence[np.ndarray]) -> Mapping[str, np.ndarray]:
    """q + qbar, or q - qbar, of each quark from the evolution basis.

    The k-th of ``ladder`` is the sum of the first k quarks minus k times the next.
    """
    quarks, left = {}, total
    for k, name in reversed(list(enumerate(_QUARKS[1:], start=1))):
        quarks[name] = (left - ladder[k - 1]) / (k + 1)
        left = left - quarks[name]
    return {"u": left, **quarks}


def distinct(functions: Functions) -> Functions:
    """Without functions that equal an earlier one or vanish."""
    kept: list[int] = []
    for i in range(len(functions.symbols)):
        one = functions.values[..., i]
        same = any(np.allclose(one, functions.values[..., j], rtol=1e-6, atol=1e-9) for j in kept)
        if not same and np.abs(one).max() > 1e-9:
            kept.append(i)
    symbols = tuple(functions.symbols[i] for i in kept)
    return replace(functions, symbols=symbols, values=functions.values[..., kept])
