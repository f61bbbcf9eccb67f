"""Presets complete the cards that name things of parton distribution functions."""

from __future__ import annotations

import numpy as np
import pytest

from replicafit.data.cuts import variables
from replicafit.runcard import load_runcard

CARD = """\
data:
  datasets:
    - {type: file, path: a.npz}
"""


@pytest.fixture
def load(tmp_path, registry):
    def loader(text: str):
        (tmp_path / "card.yml").write_text(text)
        return load_runcard(tmp_path / "card.yml", registry)

    return loader


@pytest.mark.parametrize("where", ["  cuts: [w2 > 12.5]\n", "      cuts: [x < 0.5 or w2 > 12.5]\n"])
def test_w2_is_known_to_cards_that_cut_on_it(load, toy_datasets, where):
    text = CARD + where
    if where.startswith("      "):
        text = CARD.replace("{type: file, path: a.npz}", "type: file\n      path: a.npz") + where
    card = load(text)
    assert "replicafit_pdf:dis_kinematics" in [each.path for each in card.extends]
    found = variables(toy_datasets[0], card.data.derived)
    x, q2 = found["x"], found["q2"]
    np.testing.assert_allclose(found["w2"], q2 * (1 / x - 1) + 0.938272**2, rtol=1e-6)


def test_others_do_not_know_it(load):
    assert not load(CARD + "  cuts: [q2 >= 3.49]\n").data.derived
