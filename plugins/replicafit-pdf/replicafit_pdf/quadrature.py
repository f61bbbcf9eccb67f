"""Few nodes for the integrals of sum rules.

Integrands behave like x^a (1-x)^b times a smooth function of log x, with a > -1. The substitution
x = t^8 turns the smallest powers in use into smooth functions of t, and Gauss-Legendre nodes in t
converge fast: 32 nodes give every sum rule of NNPDF4.0-like functions to better than 1e-4
(measured: docs/benchmarks.md), where equal accuracy takes thousands of trapezoids. Powers near -1
would converge slowly (of x^-0.93, 32 nodes miss 0.9 %): where the power is known, ``power_weights``
integrate it exactly, and the nodes only have to follow what it multiplies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POWER = 8
"""Of x = t^POWER; below 8 the small powers of v8 converge slowly, above it nodes are wasted."""


@dataclass(frozen=True)
class Nodes:
    """Quadrature nodes: the integral of f over (0, 1) is ``sum(weights * f(x))``.

    Attributes:
        x: ascending, (q,).
        weights: (q,).
    """

    x: np.ndarray
    weights: np.ndarray


def sum_rule_nodes(count: int) -> Nodes:
    """``count`` Gauss-Legendre nodes in t, with x = t^8."""
    t, weights = np.polynomial.legendre.leggauss(count)
    t, weights = (t + 1) / 2, weights / 2
    return Nodes(x=t**POWER, weights=weights * POWER * t ** (POWER - 1))


def power_weights(count: int, alpha: np.ndarray) -> np.ndarray:
    """Weights (..., q) of the integrals of x^-alpha g(x), for values of x^-alpha g at the nodes.

    g is taken as the polynomial in t through its values at the ``count`` nodes, x^-alpha exactly:
    with s = 8 (1 - alpha) the integral of t^(s-1) P_k(2t - 1) over (0, 1) is the product of
    (s - j) / (s + j) for j = 1 to k, over s.

    Args:
        count: of nodes, as for ``sum_rule_nodes``.
        alpha: below 1, (...).
    """
    t, weights = np.polynomial.legendre.leggauss(count)
    s = POWER * (1 - np.asarray(alpha, dtype=np.float64)[..., None])
    j = np.arange(1, count)
    moments = np.concatenate([np.ones_like(s), np.cumprod((s - j) / (s + j), axis=-1)], axis=-1) / s
    polynomials = np.polynomial.legendre.legvander(t, count - 1) * (2 * np.arange(count) + 1)
    lagrange = moments @ (polynomials * weights[:, None] / 2).T
    result: np.ndarray = lagrange * POWER * ((t + 1) / 2) ** (POWER - s)
    return result
