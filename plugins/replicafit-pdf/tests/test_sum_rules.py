"""Sum rules of functions that rise steeply, and of those that rise too steeply."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_pdf.fit_bases import basis_matrix
from replicafit_pdf.layers.preprocessing import Preprocessing
from replicafit_pdf.layers.rotation import Rotation
from replicafit_pdf.layers.settings import (
    PreprocessingSettings,
    RotationSettings,
    SumRulesSettings,
)
from replicafit_pdf.layers.sum_rule_checks import check
from replicafit_pdf.layers.sum_rules import build
from replicafit_pdf.quadrature import sum_rule_nodes
from scipy.special import beta as beta_function

from replicafit.plugin import LayerContext, ModelError

EIGHT = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
NODES = sum_rule_nodes(32).x


def after(layers, replicas):
    """sum_rules after ``layers``, for x f (b, r, n, f) at its nodes alone."""
    context = LayerContext(
        position=len(layers),
        replica_seeds=tuple(range(replicas)),
        generators=tuple(np.random.default_rng(k) for k in range(replicas)),
        flavours=EIGHT,
        node_count=len(NODES),
        before=tuple(layers),
    )
    layer = build(SumRulesSettings(), context)
    layer.dtype_policy = "float64"
    return layer


def preprocessing(alpha, flavours=EIGHT):
    """Of replicas whose v has the exponents ``alpha`` (r,); all else 0.5."""
    exponents = np.full((len(alpha), len(flavours)), 0.5)
    exponents[:, flavours.index("v")] = alpha
    beta, highest = np.full_like(exponents, 3.0), exponents.max(axis=0)
    return Preprocessing(exponents, beta, flavours=flavours, highest=highest)


@pytest.mark.parametrize("rotated", [False, True])
def test_valence_is_right_however_steep(rotated):
    """Within 1e-4 up to alpha = 0.99, for powers times what changes slowly with log x."""
    alpha = np.array([0.5, 0.85, 0.97, 0.99])
    flavours = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "cp") if rotated else EIGHT
    layers = [preprocessing(alpha, flavours)]
    if rotated:
        layers.append(Rotation(basis_matrix("evolution_charm", flavours)))
    functions = np.ones((1, len(alpha), len(NODES), 8)) * ((1 - NODES) ** 3 * NODES)[:, None]
    functions[0, :, :, 2] = NODES ** (1 - alpha[:, None]) * (1 - NODES) ** 3 * (1 + 2 * NODES)
    found = np.asarray(after(layers, len(alpha)).normalization(functions))[0, :, 0, 2]
    exact = 3 / (beta_function(1 - alpha, 4) + 2 * beta_function(2 - alpha, 4))
    np.testing.assert_allclose(found, exact, rtol=1e-4 if found.dtype == np.float64 else 3e-4)


@pytest.mark.parametrize("highest", [0.85, 0.9305, 0.95])
def test_trained_exponents_may_go_anywhere_in_their_range(highest):
    """Wherever a replica began: here all at the lower end, as t3 of polarised fits may."""
    start, alpha = np.full(5, -0.45), np.array([-0.45, 0.3, 0.6, 0.8, highest])
    exponents = np.full((5, len(EIGHT)), 0.5)
    exponents[:, 2] = start
    most = [0.5] * len(EIGHT)
    most[2] = highest
    bounds = {"low": [[1 - highest], [2.0]], "high": [[1.45], [4.0]]}
    layer = Preprocessing(
        exponents, np.full_like(exponents, 3.0), (2,), flavours=EIGHT, highest=most, **bounds
    )
    functions = np.ones((1, 5, len(NODES), 8)) * ((1 - NODES) ** 3 * NODES)[:, None]
    functions[0, :, :, 2] = NODES ** (1 - alpha[:, None]) * (1 - NODES) ** 3
    found = np.asarray(after([layer], 5).normalization(functions))[0, :, 0, 2]
    np.testing.assert_allclose(found, 3 / beta_function(1 - alpha, 4), rtol=1e-2)


def test_a_trained_exponent_that_no_weights_follow_is_refused():
    for trained in (True, ("v",), ("g",), False):
        settings = PreprocessingSettings(alpha={"v": (0.5, 0.97)}, trained=trained)
        if trained in (True, ("v",)):
            with pytest.raises(ModelError, match=r"trains its alpha up to 0\.97.*out of trained"):
                check(SumRulesSettings(), EIGHT, [(settings, EIGHT)])
        else:
            check(SumRulesSettings(), EIGHT, [(settings, EIGHT)])


def test_a_momentum_that_the_nodes_do_not_follow_is_refused():
    for rules, alpha, refused in (("all", 1.95, True), ("all", 1.9, False), (("v",), 1.95, False)):
        before = [(PreprocessingSettings(alpha={"g": alpha}), EIGHT)]
        if refused:
            with pytest.raises(ModelError, match=r"momentum sum rule.*alpha = 1\.95 for 'g'"):
                check(SumRulesSettings(rules=rules), EIGHT, before)
        else:
            check(SumRulesSettings(rules=rules), EIGHT, before)


def test_a_replica_alone_has_the_same_weights():
    alpha = np.array([0.85, 0.97, 0.99])
    together = after([preprocessing(alpha)], 3)
    for slot, one in enumerate(alpha):
        alone = after([preprocessing([one])], 1)
        np.testing.assert_array_equal(alone._measure[0], together._measure[slot])


def test_nothing_changes_for_functions_that_are_not_steep():
    layer = after([preprocessing([0.7, 0.75])], 2)
    assert not layer.alpha
    assert not layer.weights


@pytest.mark.parametrize(
    ("alpha", "basis", "refused"),
    [
        ({"v": 1.3}, None, True),
        ({"v8": (0.5, 1.0)}, None, True),
        ({"v": 0.99, "sigma": 1.3, "t3": 1.5}, None, False),
        ({"v": 1.3}, "evolution_charm", True),
        ({"u": 1.1, "ubar": 1.1}, "flavour", False),  # differences of these may converge
    ],
)
def test_integrals_that_are_infinite_are_refused(alpha, basis, refused):
    names = ("u", "ubar", "d", "dbar", "s", "sbar", "c", "g") if basis == "flavour" else EIGHT
    if basis == "evolution_charm":
        names = (*EIGHT[:-1], "cp")
    before = [(PreprocessingSettings(alpha=alpha), names)]
    before += [(RotationSettings(basis=basis), names)] if basis else []
    if not refused:
        check(SumRulesSettings(), EIGHT, before)
        return
    with pytest.raises(ModelError, match=r"infinite integral.*alpha = 1(\.3)? .*below 1"):
        check(SumRulesSettings(), EIGHT, before)
