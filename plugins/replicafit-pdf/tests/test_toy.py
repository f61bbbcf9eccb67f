"""Known functions for closure tests."""

from __future__ import annotations

import numpy as np
import pytest
from replicafit_pdf.bernstein import BernsteinPdf
from replicafit_pdf.toy import ToyLesHouches
from scipy.special import roots_legendre

from replicafit.data.known_functions import known_function, on_flavours
from replicafit.errors import DataError

X = np.geomspace(1e-5, 1, 120)


@pytest.mark.parametrize("name", ["toy_les_houches", "toy_bernstein"])
def test_sum_rules(name, registry, tmp_path):
    toy = known_function(name, tmp_path, {"q0": 1.65}, registry)

    nodes, weights = roots_legendre(1000)
    t = (nodes + 1) / 2
    values = dict(zip(toy.flavours, toy(t**8).T, strict=True))

    def integral(flavour, power):
        return weights / 2 @ (values[flavour] * 8 * t**power)

    assert integral("sigma", 7) + integral("g", 7) == pytest.approx(1, abs=1e-5)
    assert [integral(f, -1) for f in ("v", "v3", "v8")] == pytest.approx([3, 1, 3], abs=1e-5)


@pytest.mark.parametrize("name", ["toy_les_houches", "toy_bernstein"])
def test_they_are_of_fractions_of_a_momentum(name, registry, tmp_path):
    toy = known_function(name, tmp_path, {}, registry)
    for x in (np.array([0.1, 2.0]), np.array([0.0, 0.1]), np.full((3, 2), 0.5)):
        with pytest.raises(DataError, match=r"one x in \(0, 1\]"):
            toy(x)
    assert (toy(np.array([1 + 1e-12])) == toy(np.ones(1))).all()


def test_toy_has_no_charm(registry):
    values = on_flavours(ToyLesHouches(), X, ("sigma", "t15", "v", "v15"), registry)
    np.testing.assert_allclose(values[:, 0], values[:, 1])
    np.testing.assert_allclose(values[:, 2], values[:, 3])


def test_bernstein_pdfs_are_positive_and_have_a_little_charm(registry):
    partons = ("sigma", "g", "t15", "t3", "t8", "v", "v3", "v8")
    values = dict(zip(partons, on_flavours(BernsteinPdf(), X, partons, registry).T, strict=True))
    charm = (values["sigma"] - values["t15"]) / 4
    assert (charm[:-1] > 0).all()
    assert (charm < 0.03 * values["sigma"] + 1e-12).all()
    assert (values["g"][:-1] > 0).all()
