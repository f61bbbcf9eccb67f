"""Quadrature and flavour bases."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_pdf.evolution_basis import rotation
from replicafit_pdf.fit_bases import FIT_BASES, basis_flavours, basis_matrix
from replicafit_pdf.preprocessing_ranges import ALPHA, BETA
from replicafit_pdf.quadrature import POWER, Nodes, sum_rule_nodes
from scipy.special import roots_legendre

from replicafit.errors import ModelError


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
    t, weights = (np.array(each) / 2 for each in roots_legendre(4000))
    t += 0.5
    few, many = sum_rule_nodes(32), Nodes(t**POWER, weights * POWER * t ** (POWER - 1))
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
    with pytest.raises(ModelError, match="do not determine 't15'"):
        rotation(("sigma", "g"), ("sigma", "t15"))


# Fit bases

BASES_OF_THE_FIELD = {
    "evolution": "EVOL",
    "evolution_charm": "NN31IC",
    "flavour": "FLAVOUR",
    "charm_asymmetry": "CCBAR_ASYMM",
}
EVOLUTION_14 = (
    *("sigma", "g", "v", "v3", "v8", "v15", "v24", "v35"),
    *("t3", "t8", "t15", "t24", "t35"),
)


def quark_content(name: str) -> dict[str, float]:
    """A function of the evolution basis from its definition, in terms of u, ubar, d ... c, cbar."""
    if name == "g":
        return {"g": 1.0}
    light = {"3": (1, -1, 0, 0), "8": (1, 1, -2, 0), "15": (1, 1, 1, -3)}
    weights = light.get(name[1:], (1, 1, 1, 1))
    sign = -1.0 if name[0] == "v" else 1.0
    pairs = zip("udsc", weights, strict=True)
    return {q + bar: w * s for q, w in pairs for bar, s in (("", 1.0), ("bar", sign))}


def fitted_content(basis: str, name: str) -> dict[str, float]:
    """How much of each quark a fitted flavour of ``basis`` stands for, where it is a quark."""
    charm = {"c": {"c": 1.0, "cbar": 1.0}, "cp": {"c": 0.5, "cbar": 0.5}}
    return charm.get(name, {name: 1.0})


@pytest.mark.parametrize("basis", ["flavour", "flavour_charm"])
def test_flavour_bases_follow_from_the_definitions(basis):
    fitted = tuple(FIT_BASES[basis].rows)
    wanted = basis_flavours(basis, fitted)
    expected = [
        [
            sum(quark_content(g).get(q, 0.0) * w for q, w in fitted_content(basis, f).items())
            for g in wanted
        ]
        for f in fitted
    ]
    np.testing.assert_array_equal(basis_matrix(basis, fitted), expected)


@pytest.mark.parametrize("basis", FIT_BASES)
def test_bases_can_be_inverted(basis):
    table = FIT_BASES[basis]
    fitted = tuple(table.rows)
    matrix = basis_matrix(basis, fitted)
    assert matrix.shape == (len(fitted), len(table.columns))
    np.testing.assert_allclose(matrix @ np.linalg.pinv(matrix), np.eye(len(fitted)), atol=1e-12)


@pytest.mark.parametrize(("basis", "field_name"), BASES_OF_THE_FIELD.items())
def test_bases_are_those_of_n3fit(reference, basis, field_name):
    golden = np.load(reference / "n3fit" / "layers_golden.npz")
    assert FIT_BASES[basis].field_name == field_name
    names = [{"sng": "sigma"}.get(str(f), str(f)) for f in golden[f"rot_{field_name}_flavours"]]
    whole = basis_matrix(basis, names) @ rotation(basis_flavours(basis, names), EVOLUTION_14)
    found = golden[f"rot_{field_name}_in"] @ whole
    expected = golden[f"rot_{field_name}_out"] @ golden["fkrot_matrix"][:, 1:]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_order_of_flavours_is_free():
    names = tuple(FIT_BASES["flavour"].rows)
    turned = names[::-1]
    np.testing.assert_array_equal(
        basis_matrix("flavour", turned), basis_matrix("flavour", names)[::-1]
    )


def test_a_basis_of_other_flavours_is_an_error():
    with pytest.raises(ModelError, match=r"rotates the flavours u, ubar.*are sigma, g"):
        basis_flavours("flavour", ("sigma", "g"))


# Default exponents


@pytest.mark.parametrize("ranges", [ALPHA, BETA])
def test_default_exponents_are_allowed(ranges):
    from replicafit_pdf.layers.settings import PreprocessingSettings

    PreprocessingSettings.model_validate({"alpha" if ranges is ALPHA else "beta": ranges})
