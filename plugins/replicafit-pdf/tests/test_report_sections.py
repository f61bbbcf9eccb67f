"""What reports show of parton distributions."""

from __future__ import annotations

import numpy as np
from replicafit_pdf.report_sections import as_partons
from replicafit_report.views import plain

FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")


def test_partons_give_back_the_evolution_basis():
    values = np.random.default_rng(4).standard_normal((3, 5, len(FLAVOURS)))
    found = as_partons(plain(FLAVOURS, np.linspace(0.1, 0.5, 5), values, None))
    assert found is not None
    u, ubar, d, dbar, s, sbar = (found.of(q) for q in ("u", "ū", "d", "d̄", "s", "s̄"))
    column = dict(zip(FLAVOURS, np.moveaxis(values, -1, 0), strict=True))
    cplus, cminus = (column["sigma"] - column["t15"]) / 4, (column["v"] - column["v15"]) / 4
    np.testing.assert_allclose(u + ubar + d + dbar + s + sbar + cplus, column["sigma"])
    np.testing.assert_allclose(u + ubar - d - dbar, column["t3"])
    np.testing.assert_allclose(u + ubar + d + dbar - 2 * (s + sbar), column["t8"])
    np.testing.assert_allclose(u - ubar - d + dbar, column["v3"])
    np.testing.assert_allclose(u - ubar + d - dbar + s - sbar + cminus, column["v"])
    np.testing.assert_allclose(found.of("c"), (cplus + cminus) / 2)
    assert as_partons(plain(("f",), np.linspace(0, 1, 3), np.ones((1, 3, 1)), None)) is None
