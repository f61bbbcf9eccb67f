"""Sections of reports about parton distributions (``replicafit_report_sections``).

Fits of the evolution basis are shown as quarks, antiquarks and gluon, x f at the scale of the fit;
with sum rules as the replicas fulfil them, and effective exponents. Needs replicafit-report, which
is what calls this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from replicafit_report import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    Figures,
    Functions,
    More,
    Range,
    Row,
    Section,
    SectionContext,
    Table,
    Text,
    band,
    drawing,
    function_sections,
    opening_figures,
)
from scipy.integrate import simpson

from replicafit_pdf.layers.settings import SumRulesSettings
from replicafit_pdf.theory import is_polarised, layers_of

NOTHING = 1e-6
"""Functions that are nowhere larger are taken to vanish."""
LOGARITHMIC = Range(log=True, low=1e-5, high=1.0)
LINEAR = Range(log=False, low=0.01, high=1.0, edge=0.0)
OPENING = Range(log=True, low=1e-4, high=1.0)
SPOTS = (0.001, 0.01, 0.1, 0.4)
EXPONENTS = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
SAME = 1e-6
"""Distance below which x is 1."""
TINY = 1e-30
"""Beside which functions vanish: their logarithm is finite."""
QUARKS = ("u", "d", "s", "c", "b", "t")
BARRED = {"u": "ū", "d": "d̄", "s": "s̄"}
LADDER = ("3", "8", "15", "24", "35")
NEEDED = ("sigma", "t3", "t8", "t15", "v", "v3", "v8")
_LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SYMBOLS: Mapping[str, str] = {
    "sigma": "Σ",
    "g": "g",
    "v": "V",
    **{f"{kind}{n}": kind.upper() + n.translate(_LOW) for kind in "vt" for n in LADDER},
}
NAMES = {
    *SYMBOLS,
    *(name for quark in QUARKS for name in (quark, f"{quark}bar")),
    *("gluon", "singlet", "cp", "photon"),
}


def partons(context: SectionContext) -> Sequence[Section]:
    """The functions, if all sides are parton distributions by their names and their x."""
    if not all(set(one.names) <= NAMES and _of_fractions(one) for one in context.functions):
        return []
    fit, q = context.fit, context.scale
    if q is None:
        return parton_sections(context, context.functions, "", symbol="Q₀")
    if fit is not None and np.isclose(q, fit.attributes.get("q0", 0.0), rtol=SAME):
        place = f"at Q₀ = {q:g} GeV"
        return parton_sections(context, context.functions, place, symbol="Q₀")
    return parton_sections(context, context.functions, f"at Q = {q:g} GeV")


def _of_fractions(functions: Functions) -> bool:
    """Whether they depend on one x, in (0, 1]: others may be called u or t, too."""
    x = functions.x
    return x.ndim == 1 and bool(x[0] > 0 and x[-1] <= 1 + SAME)


def parton_sections(
    context: SectionContext,
    each: Sequence[Functions],
    place: str,
    scale: float | None = None,
    symbol: str = "Q",
) -> list[Section]:
    """Sections about parton distributions at one scale.

    Args:
        each: those of each side, in the evolution basis.
        place: such as ``at Q₀ = 1.65 GeV``.
        scale: in GeV, if it is not that of the fit.
        symbol: of the scale, as in ``place``.
    """
    each = [
        replace(
            one,
            form=f"x {{}}(x, {symbol})",
            place=place,
            ranges=(LOGARITHMIC, LINEAR),
            spots=SPOTS,
        )
        for one in each
    ]
    quarks = [as_partons(one) for one in each]
    known = [one for one in quarks if one is not None]
    if len(known) < len(each):
        return function_sections(
            context,
            [named(one) for one in each],
            id=f"functions{'' if scale is None else f'-{scale:g}'}",
            title=f"Functions {place}",
            explained=_explained(place),
        )
    more = [] if scale is not None or context.compares else _evolution_basis(context, each)
    return function_sections(
        context,
        known,
        id="functions" if scale is None else f"functions-{scale:g}",
        title=f"Functions {place}",
        explained=_explained(place),
        opening=[] if scale is not None or context.compares else _opening(known[0]),
        more=more,
    )


def _explained(place: str) -> str:
    return f"x f(x, Q) {place}, on a logarithmic and on a linear axis; the functions have no unit."


def named(functions: Functions) -> Functions:
    """With the symbols that people write."""
    return replace(functions, names=tuple(SYMBOLS.get(n, n) for n in functions.names))


def as_partons(functions: Functions) -> Functions | None:
    """Quarks, antiquarks and gluon, if functions of the evolution basis determine them.

    Where nothing else is said there is no bottom and no top, and as much charm as anticharm
    (arXiv:2109.02653, section 3.1). Bottom is left out where there is none.
    """
    names = functions.names
    if not set(NEEDED) <= set(names):
        return None

    def way(values: np.ndarray) -> np.ndarray:
        column = {name: values[..., i] for i, name in enumerate(names)}
        plus = _quarks(column["sigma"], [column.get(f"t{n}", column["sigma"]) for n in LADDER])
        minus = _quarks(column["v"], [column.get(f"v{n}", column["v"]) for n in LADDER])
        gluon = [column["g"]] if "g" in column else []
        for quark in QUARKS[:5]:
            gluon.append((plus[quark] + minus[quark]) / 2)
            gluon += [(plus[quark] - minus[quark]) / 2] if quark in BARRED else []
        return np.stack(gluon, axis=-1)

    shown = [n for q in QUARKS[:5] for n in (q, BARRED.get(q)) if n]
    found = functions.becoming(["g", *shown] if "g" in names else shown, way)
    if np.abs(found.of("b")).max() < NOTHING:
        found = found.only([n for n in found.names if n != "b"])
    return found


def _quarks(total: np.ndarray, ladder: Sequence[np.ndarray]) -> Mapping[str, np.ndarray]:
    """q + qbar, or q - qbar, of each quark from the evolution basis.

    The k-th of ``ladder`` is the sum of the first k quarks minus k times the next.
    """
    quarks, left = {}, total
    for k, name in reversed(list(enumerate(QUARKS[1:], start=1))):
        quarks[name] = (left - ladder[k - 1]) / (k + 1)
        left = left - quarks[name]
    return {"u": left, **quarks}


def _opening(partons: Functions) -> list[Figure]:
    """The functions people know best, in one picture."""
    sea = (partons.of("ū") + partons.of("d̄")) / 2
    curves: list[Any] = [
        ("x u valence", partons.of("u") - partons.of("ū"), BLUE, None),
        ("x d valence", partons.of("d") - partons.of("d̄"), GREEN, None),
        ("x (ū + d̄) / 2", sea, PURPLE, None),
        ("x s", partons.of("s"), ORANGE, None),
    ]
    if "g" in partons.names:
        curves.append(("x g / 10", partons.of("g") / 10, VERMILLION, None))
    return opening_figures(partons, curves, OPENING)


def _evolution_basis(context: SectionContext, each: Sequence[Functions]) -> list[More]:
    """The functions that the tables use and that are no partons."""
    shown = [named(one.only([n for n in one.names if n != "g"])) for one in each]
    [section, *_] = function_sections(context, shown, id="basis", title="basis")
    heading = "The flavours of the evolution basis, as the tables use them"
    return [More(heading, [b for b in section.blocks if isinstance(b, Figures)])]


# Sum rules and exponents

Rules = Mapping[str, tuple[Mapping[str, float], int, float]]
"""Of x f: coefficients, by which power of x it is divided, and the value of the proton."""
RULES: Rules = {
    "momentum, ∫ x (Σ + g)": ({"sigma": 1.0, "g": 1.0}, 0, 1.0),
    "valence, ∫ V": ({"v": 1.0}, 1, 3.0),
    "∫ V₃": ({"v3": 1.0}, 1, 1.0),
    "∫ V₈": ({"v8": 1.0}, 1, 3.0),
    "∫ V₁₅": ({"v15": 1.0}, 1, 3.0),
}


def _rules(card: Mapping[str, Any], attributes: Mapping[str, float]) -> Rules:
    if not is_polarised(card, attributes):
        return RULES
    given = next((item for item in layers_of(card) if item.get("type") == "sum_rules"), {})
    charges = SumRulesSettings.model_validate({k: given[k] for k in ("t3", "t8") if k in given})
    return {
        "axial charge, ∫ T₃": ({"t3": 1.0}, 1, charges.t3.value),
        "axial charge, ∫ T₈": ({"t8": 1.0}, 1, charges.t8.value),
    }


def sum_rules(context: SectionContext) -> Section | None:
    """What the replicas that count make of the sum rules of the proton, from their tables.

    Integrals in x = e^t over the tables, from the lowest x that they have.
    """
    ours, fit = context.functions[0], context.fit
    if context.compares or fit is None or not {"sigma", "v"} <= set(ours.names):
        return None
    if not _of_fractions(ours) or ours.x[0] > LOGARITHMIC.low or ours.x[-1] < 1 - SAME:
        return None  # of data.x_range
    rows, t = [], np.log(ours.x)
    for name, (coefficients, power, exact) in _rules(fit.card, fit.attributes).items():
        if not set(coefficients) <= set(ours.names):
            continue
        integrand = sum(c * ours.of(n) for n, c in coefficients.items()) / ours.x**power
        found = simpson(integrand * ours.x, x=t, axis=1)
        spread = f" ± {found.std(ddof=1):.1e}" if len(found) > 1 else ""
        rows.append(Row([name, f"{exact:g}", f"{found.mean():.4f}{spread}"]))
    small, large = _effective_exponents(ours)
    low = float(ours.x[0])
    text = (
        f"Integrals over the tables of each replica that counts, from x = {low:.0e}: what a sum "
        "rule misses is what lies below. Mean and deviation."
    )
    exponents = (
        "How the functions f go with x at small x, f ~ x⁻ᵅ, and with 1 - x at large x, "
        "f ~ (1 - x)ᵝ: slopes of their logarithms, median and 68 % of the replicas that count "
        "(arXiv:1604.00024)."
    )
    table = Table(["", "proton", "mean over replicas"], rows, name="sum rules")
    return Section(
        "sum-rules",
        "Sum rules and exponents",
        [
            Text(text),
            table,
            Text(exponents),
            Figures(small, "Effective exponents at small x"),
            Figures(large, "Effective exponents at large x"),
        ],
        "Sum rules",
    )


def _effective_exponents(ours: Functions) -> tuple[list[Figure], list[Figure]]:
    """alpha = - d ln|f| / d ln x and beta = d ln|f| / d ln(1 - x), with f = (x f) / x."""
    alphas, betas = [], []
    small = (ours.x > 1e-6) & (ours.x < 0.05)
    large = (ours.x > 0.5) & (ours.x < 0.95)
    for name in (n for n in EXPONENTS if n in ours.names):
        symbol, logarithm = SYMBOLS.get(name, name), np.log(np.abs(ours.of(name) / ours.x) + TINY)
        alpha = -np.gradient(logarithm[:, small], np.log(ours.x[small]), axis=1)
        beta = np.gradient(logarithm[:, large], np.log1p(-ours.x[large]), axis=1)
        alphas.append(_exponent(f"{symbol} at small x", ours.x[small], alpha, log=True))
        betas.append(_exponent(f"{symbol} at large x", ours.x[large], beta, log=False))
    return alphas, betas


def _exponent(title: str, x: np.ndarray, values: np.ndarray, log: bool) -> Figure:
    with drawing(title, height=170) as made:
        kept = values[np.isfinite(values).all(axis=1)]
        edges = band(made.ax, x, kept, BLUE, median=True) if len(kept) else np.array([[0.0], [1.0]])
        low, high = np.percentile(edges, [3, 97])
        room = 0.15 * (high - low) or 0.1
        made.ax.set_ylim(low - room, high + room)
        Range(log=log, low=float(x[0]), high=float(x[-1])).apply(made.ax)
    return made.done()
