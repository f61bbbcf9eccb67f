"""Checkpoints: of all that has begun; those that are none are told, and not used."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from replicafit.components.builtin.optimizers import SgdSettings
from replicafit.results.files import write_arrays
from replicafit.training.checkpoint import FORMAT, Checkpoints
from replicafit.training.engine import History
from replicafit.training.optimizers import sgd
from replicafit.training.state import initial_state


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": np.array([FORMAT, FORMAT])},
        {"format": np.array("two")},
        {"format": np.array(FORMAT + 1)},
        {"numbers_0": np.array(["one"])},
        {"numbers_0": np.array(1)},
        {"numbers_0": np.array([1, 2])},
        {"identity": np.array("of another fit")},
        {"array_0_0": np.array(1.0)},
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_told_and_not_used(tmp_path, wrong):
    sound = {"format": FORMAT, "identity": "this"}
    sound |= {"numbers_0": np.array([1]), "array_0_0": np.ones(1)}
    np.savez(tmp_path / "newer.npz", **(sound | wrong))
    np.savez(tmp_path / "older.npz", **sound)
    told: list[str] = []
    found = Checkpoints("this", write_arrays).load(tmp_path, told.append)
    assert found is not None
    assert found.file.name == "older.npz"
    assert len(told) == 1
    assert "newer.npz" in told[0]


def test_replicas_of_several_architectures_go_into_one_checkpoint(tmp_path):
    rows = {
        number: row(units, checks) for number, units, checks in ((3, 4, 2), (1, 5, 1), (2, 4, 0))
    }
    kept = Checkpoints("this", write_arrays)
    kept.save(tmp_path, rows)
    found = kept.load(tmp_path, pytest.fail)
    assert sorted(found.rows) == [1, 2, 3]
    for number, own in rows.items():
        *state, step, _, _ = found.rows[number]
        for ours, theirs in zip(state, keras.tree.flatten(own[0]), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(step[step >= 0], own[1].step)


def row(units, checks):
    """One replica with a weight of so many units, after so many checks."""
    rule = sgd(SgdSettings())
    weights = np.random.default_rng(units).random((1, units))
    hyper = {name: np.ones(1) for name in ("learning_rate", "momentum")[: units - 3]}
    state = initial_state([weights], rule, hyper, np.ones(1, bool), "float64")
    steps = np.arange(checks, dtype=np.int32)
    history = History(steps[None], steps[None] / 2, steps[None] / 3)
    return keras.tree.map_structure(lambda array: array[0], (state, history))
