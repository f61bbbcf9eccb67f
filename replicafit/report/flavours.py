"""Which functions a report draws, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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
QUARKS = ("u", "ū", "d", "d̄", "s", "s̄", "c")
_NEEDED = ("sigma", "t3", "t8", "t15", "v", "v3", "v8")


@dataclass(frozen=True)
class Functions:
    """Functions on one grid.

    Attributes:
        symbols: what they are called, length f.
        x: (n,).
        values: x f(x, q0), (r, n, f).
    """

    symbols: tuple[str, ...]
    x: np.ndarray
    values: np.ndarray

    def of(self, symbol: str) -> np.ndarray:
        """One of them, (r, n)."""
        return np.asarray(self.values[..., self.symbols.index(symbol)])


def as_fitted(x: np.ndarray, flavours: tuple[str, ...], values: np.ndarray) -> Functions:
    """The functions in the flavours of the tables."""
    return Functions(tuple(SYMBOLS.get(name, name) for name in flavours), x, values)


def as_partons(x: np.ndarray, flavours: tuple[str, ...], values: np.ndarray) -> Functions | None:
    """Quarks, antiquarks and gluon, if the flavours of the tables determine them.

    Four active flavours at q0 and as much charm as anticharm unless v15 says otherwise
    (arXiv:2109.02653, section 3.1).
    """
    if not set(_NEEDED) <= set(flavours):
        return None
    column = {name: values[..., i] for i, name in enumerate(flavours)}
    plus = _quarks(column["sigma"], column["t3"], column["t8"], column["t15"])
    minus = _quarks(column["v"], column["v3"], column["v8"], column.get("v15", column["v"]))
    partons = {}
    for flavour, anti in (("u", "ū"), ("d", "d̄"), ("s", "s̄")):
        partons[flavour] = (plus[flavour] + minus[flavour]) / 2
        partons[anti] = (plus[flavour] - minus[flavour]) / 2
    partons["c"] = (plus["c"] + minus["c"]) / 2
    gluon = {"g": column["g"]} if "g" in column else {}
    chosen = {**gluon, **partons}
    return Functions(tuple(chosen), x, np.stack(list(chosen.values()), axis=-1))


def _quarks(
    total: np.ndarray, three: np.ndarray, eight: np.ndarray, fifteen: np.ndarray
) -> Mapping[str, np.ndarray]:
    """q + qbar, or q - qbar, of each quark from the evolution basis."""
    charm = (total - fifteen) / 4
    light = total - charm
    strange = (light - eight) / 3
    up = (light - strange + three) / 2
    return {"u": up, "d": up - three, "s": strange, "c": charm}


def distinct(functions: Functions) -> Functions:
    """Without functions that equal an earlier one or vanish."""
    kept: list[int] = []
    for i in range(len(functions.symbols)):
        one = functions.values[..., i]
        same = any(np.allclose(one, functions.values[..., j], rtol=1e-6, atol=1e-9) for j in kept)
        if not same and np.abs(one).max() > 1e-9:
            kept.append(i)
    symbols = tuple(functions.symbols[i] for i in kept)
    return Functions(symbols, functions.x, functions.values[..., kept])
