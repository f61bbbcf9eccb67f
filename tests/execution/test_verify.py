"""``replicafit verify``: the independence law on a runcard, bit by bit."""

from __future__ import annotations

import keras
import pytest
from toy import TOY_CARD

from replicafit.execution.verify import Case, verify
from replicafit.runcard import load_setup

WIDE = "    - {type: multi_dense, units: 8}\n"
CHOICE = TOY_CARD.replace("  layers:", "  choice:\n  - layers:").replace(
    WIDE, "    - {type: dropout, rate: 0.2}\n" + WIDE
)


@pytest.fixture
def floatx(request):
    """Of Keras, which a runcard's precision overrules."""
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    yield
    keras.config.set_floatx(before)


@pytest.mark.parametrize(
    ("precision", "text", "floatx"),
    [("float32", TOY_CARD, "float64"), ("float64", CHOICE, "float16")],
    indirect=["floatx"],
)
def test_the_law_holds_on_toy_data(toy_folder, registry, precision, text, floatx):
    card = toy_folder / f"verify_{precision}.yml"
    card.write_text(text.replace("seed: 7", f"seed: 7\nprecision: {precision}"))
    cases = verify(load_setup(card, registry=registry), replicas=3, many=60)
    assert all(case.holds for case in cases), cases
    exact = [case for case in cases if case.allowed == 0]
    assert len(exact) == 4
    assert all(case.few == case.many == 0 for case in exact)


def test_verdicts():
    assert not Case("x", few=1e-9, many=0.0, allowed=0).holds
    assert not Case("x", few=0.0, many=1e-9, allowed=0).holds
    assert Case("x", few=0.0, many=0.0, allowed=0).holds
    assert Case("x", few=9.0, many=9.0, allowed=None).holds
