"""A replica is the same bit by bit from any number of lanes, which share a compiled program."""

from __future__ import annotations

import numpy as np
import pytest

import replicafit
from replicafit.plugin import Observer

X = np.linspace(-3, 4, 24)
DATA = {"curve": (X, np.sin(X), 0.05)}
CARD = {
    "seed": 5,
    "replicas": 24,
    "model": {
        "layers": [
            {"type": "x"},
            {"type": "multi_dense", "units": 6, "activation": "tanh"},
            {"type": "multi_dense", "units": 1},
        ]
    },
    "training": {
        "optimizer": {"type": "sgd", "learning_rate": {"log_uniform": [1e-6, 1e-3]}},
        "max_steps": 600,
        "patience": 20,
        "check_every": 10,
    },
}
"""Some rates diverge, some end early, and their slots are refilled: 24 replicas in ten slots."""


class Stop(Observer):
    """Ends a fit as Ctrl-C does, after some replicas."""

    def __init__(self, after: int) -> None:
        self.left = after

    def replica_ends(self, result: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def bits(fit: replicafit.Fit) -> dict[int, tuple[str, int, bytes]]:
    """How each replica ended, selected or not, after how many steps, and its values."""
    return {
        result.number: (result.status, result.steps, fit.all[result.number](X).tobytes())
        for result in fit.finished
    }


@pytest.fixture(scope="module")
def one():
    found = replicafit.fit(CARD, data=DATA, executor="lanes:1")
    ends = bits(found)
    assert len({steps for _, steps, _ in ends.values()}) > 2
    assert {"diverged", "stopped"} <= {status for status, _, _ in ends.values()}
    return ends


@pytest.mark.parametrize("lanes", [2, 4])
def test_lanes_change_no_bit(one, lanes):
    found = replicafit.fit(CARD, data=DATA, executor=f"lanes:{lanes}")
    assert bits(found) == one


def test_a_fit_goes_on_with_another_number_of_lanes(one, tmp_path):
    begun = {"data": DATA, "output": tmp_path / "fit"}
    with pytest.raises(KeyboardInterrupt):
        replicafit.fit(CARD, executor="lanes:2", observer=Stop(after=7), **begun)
    found = replicafit.fit(CARD, executor="lanes:4", resume=True, **begun)
    assert bits(found) == one


def test_replicas_until_enough_are_good_are_the_same(one):
    card = {**CARD, "replicas": {"good": 11, "at_most": 24}}
    counts = []
    for lanes in (1, 4):
        found = replicafit.fit(card, data=DATA, executor=f"lanes:{lanes}")
        ends = bits(found)
        assert ends == {number: one[number] for number in ends}
        counts.append(found.numbers[:11])
    assert counts[0] == counts[1]


@pytest.mark.parametrize("slots", [3, 5])
def test_it_does_not_matter_which_slot_a_replica_has(slots):
    card = {**CARD, "training": {**CARD["training"], "max_steps": 100, "slots": slots}}
    ends = [bits(replicafit.fit(card, data=DATA, replicas=r)) for r in ("6-7", "2-7", "3-14")]
    for some in ends[1:]:
        assert {number: some[number] for number in (6, 7)} == ends[0]


def test_a_replica_is_judged_as_if_it_were_alone():
    """Outside of compiled programs the last digits of these layers depend on the slot."""
    layers = [
        {"type": "x"},
        {"type": "multi_dense", "units": 5, "activation": "softplus"},
        {"type": "keras", "layer": "LayerNormalization"},
        {"type": "multi_dense", "units": 1},
    ]
    training = {"max_steps": 20, "check_every": 10, "slots": 2}
    card = {**CARD, "model": {"layers": layers}, "training": training}
    x = np.linspace(0.05, 1, 30)  # tables have 191 points there: no whole vectors
    data = {"curve": (x, np.sin(3 * x), 0.05)}
    together = replicafit.fit(card, data=data, replicas=5).all
    assert [each.network.name for each in together] == [f"replica_{n}" for n in range(1, 6)]
    for numbers in ("2-2", "3-3", "2-3"):
        some = replicafit.fit(card, data=data, replicas=numbers).all
        np.testing.assert_array_equal(some.values, together.only(some.numbers).values)
