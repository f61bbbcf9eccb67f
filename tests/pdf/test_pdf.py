"""Quadrature and flavour bases."""

from __future__ import annotations

import numpy as np
import pytest

from replicafit.errors import ModelError
from replicafit.pdf.bases import rotation
from replicafit.pdf.preprocessing_ranges import ALPHA, BETA
from replicafit.pdf.quadrature import sum_rule_nodes


@pytest.mark.parametrize("power", [-0.62, -0.4, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("beta", [1.5, 3.5])
def test_beta_functions(power, beta):
    from math import gamma

    nodes = sum_rule_nodes(32)
    found = (nodes.weights * nodes.x**power * (1 - nodes.x) ** beta).sum()
    exact = gamma(power + 1) * gamma(beta + 1) / gamma(power + beta + 2)
    assert found == pytest.approx(exact, rel=2e-5)


def nnpdf_like(seed: int, flavour: str):
    """Preprocessing times a random network 2-25-20-1 in (x, log x), as a function x f."""
    r = np.random.default_rng(seed)
    w = [r.normal(size=s) * np.sqrt(2 / sum(s)) for s in ((2, 25), (25, 20), (20, 1))]
    alpha, beta = r.uniform(*ALPHA[flavour]), r.uniform(*BETA[flavour])

    def function(x):
        h = np.stack([x, np.log(x)], axis=-1)
        h = np.tanh(np.tanh(h @ w[0]) @ w[1]) @ w[2]
        return (h[:, 0] + 1) * x ** (1 - alpha) * (1 - x) ** beta

    return function


@pytest.mark.parametrize("flavour", ["sigma", "g", "v", "v3", "v8"])
def test_default_nodes_give_every_sum_rule_to_1e_4(flavour):
    """Against 4000 nodes, in units of the integral of the modulus."""
    few, many = sum_rule_nodes(32), sum_rule_nodes(4000)
    for seed in range(40):
        function = nnpdf_like(seed, flavour)
        momentum = flavour in ("sigma", "g")

        def integrate(nodes, f=function, momentum=momentum):
            values = f(nodes.x) * nodes.weights / (1 if momentum else nodes.x)
            return values.sum(), np.abs(values).sum()

        (found, _), (exact, size) = integrate(few), integrate(many)
        assert abs(found - exact) < 1e-4 * size


def test_rotation_folds_flavours_that_are_equal_by_construction():
    fitted = ("sigma", "g", "v")
    matrix = rotation(fitted, ("g", "v15", "t24"))
    np.testing.assert_array_equal(matrix, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_a_flavour_that_is_not_determined_is_named():
    with pytest.raises(ModelError, match="need the flavour 't15'"):
        rotation(("sigma", "g"), ("sigma", "t15"))
