"""The section ``theory`` of runcards."""

from __future__ import annotations

import pytest

from replicafit.errors import RuncardError
from replicafit.plugins import load_registry
from replicafit.runcard import canonical, canonical_hash, load_runcard

CARD = """\
data:
  datasets:
    - {type: file, path: a.npz}
"""


@pytest.fixture
def load(tmp_path):
    def loader(text: str):
        path = tmp_path / "card.yml"
        path.write_text(text)
        return load_runcard(path, load_registry())

    return loader


def test_theory_is_nnpdfs_unless_said(load):
    card = load(CARD + "theory: {}\n")
    assert canonical(card)["theory"] == {
        "order": "nnlo",
        "alpha_s": 0.118,
        "m_z": 91.1876,
        "m_charm": 1.51,
        "m_bottom": 4.92,
        "m_top": 172.5,
        "max_flavours": 5,
    }
    other = load(CARD + "theory: {alpha_s: 0.12, max_flavours: 6}\n")
    assert (other.theory.alpha_s, other.theory.max_flavours, other.theory.m_z) == (0.12, 6, 91.1876)
    assert canonical_hash(other) != canonical_hash(card)


@pytest.mark.parametrize(
    ("theory", "words"),
    [
        ("{m_charm: 5.0}", "masses must rise"),
        ("{order: n3lo}", "'nnlo'"),
        ("{max_flavours: 3}", "greater than or equal to 4"),
        ("{mc: 1.5}", "'mc' is not a key here"),
    ],
)
def test_a_theory_that_cannot_be_is_refused(load, theory, words):
    with pytest.raises(RuncardError, match=words) as error:
        load(f"{CARD}theory: {theory}\n")
    assert ":4:" in str(error.value)
