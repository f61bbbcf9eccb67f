"""From quarks, named by PDG numbers as in LHAPDF files, to the evolution basis.

With q+- = q +- qbar: sigma and v are the sums of all q+ and q-; t3 = u+ - d+, t8 = u+ + d+ - 2 s+,
t15 = u+ + d+ + s+ - 3 c+, t24 and t35 likewise; v3 to v35 the same with q-
(arXiv:2109.02653, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

GLUON = 21
QUARKS = (2, 1, 3, 4, 5, 6)
"""u, d, s, c, b, t: in the order in which t3, t8 ... take them in."""

LADDER = ("3", "8", "15", "24", "35")
EVOLUTION = ("sigma", "g", "v", *(f"v{n}" for n in LADDER), *(f"t{n}" for n in LADDER))


def evolution_from_quarks(content: Mapping[int, np.ndarray]) -> np.ndarray:
    """Functions (n, f) in the order of ``EVOLUTION``, from (n,) per PDG number.

    What is not given is zero.
    """
    zero = np.zeros_like(next(iter(content.values())))
    found = {q: content.get(q, zero) for quark in QUARKS for q in (quark, -quark)}
    plus = np.stack([found[q] + found[-q] for q in QUARKS])
    minus = np.stack([found[q] - found[-q] for q in QUARKS])
    columns = [plus.sum(axis=0), content.get(GLUON, zero), minus.sum(axis=0)]
    return np.stack([*columns, *_ladder(minus), *_ladder(plus)], axis=-1)


def _ladder(quarks: np.ndarray) -> list[np.ndarray]:
    """Sum of the first k quarks minus k times the next, for k = 1 to 5."""
    return [quarks[:k].sum(axis=0) - k * quarks[k] for k in range(1, len(QUARKS))]
