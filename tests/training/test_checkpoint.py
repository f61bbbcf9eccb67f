"""Checkpoints that are none: told, and not used."""

from __future__ import annotations

import numpy as np
import pytest

from replicafit.results.files import write_arrays
from replicafit.training.checkpoint import FORMAT, Checkpoints


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": np.array([FORMAT, FORMAT])},
        {"format": np.array("two")},
        {"format": np.array(FORMAT + 1)},
        {"numbers": np.array(["one"])},
        {"numbers": np.array(1)},
        {"numbers": np.array([1, 2])},
        {"identity": np.array("of another fit")},
        {"array_0": np.array(1.0)},
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_told_and_not_used(tmp_path, wrong):
    sound = {"format": FORMAT, "numbers": np.array([1]), "identity": "this", "array_0": np.ones(1)}
    np.savez(tmp_path / "newer.npz", **(sound | wrong))
    np.savez(tmp_path / "older.npz", **sound)
    told: list[str] = []
    found = Checkpoints("this", write_arrays).load(tmp_path, told.append)
    assert found is not None
    assert found.file.name == "older.npz"
    assert len(told) == 1
    assert "newer.npz" in told[0]
