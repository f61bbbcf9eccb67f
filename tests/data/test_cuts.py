"""Cuts: what is kept, and messages where nothing can be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicafit.data import stack
from replicafit.data.cuts import by_fold, passing, select, variables
from replicafit.errors import DataError


def test_derived_kinematics(toy_datasets):
    derived = {"s": "q2 / (x * y)", "ratio": "q2 / x", "twice": "2 * ratio", "x": "q2", "p": "pt"}
    found = variables(toy_datasets[0], derived)
    kinematics = toy_datasets[0].kinematics
    np.testing.assert_array_equal(found["ratio"], kinematics["q2"] / kinematics["x"])
    np.testing.assert_array_equal(found["twice"], 2 * found["ratio"])
    np.testing.assert_array_equal(found["x"], kinematics["x"])  # a dataset's own stay
    assert "p" not in found
    assert not np.isfinite(found["s"]).any()  # y is 0; no warning
    assert passing(toy_datasets[0], ("ratio > 20",), derived).sum() == (found["ratio"] > 20).sum()


@settings(max_examples=25, deadline=None)
@given(low=st.floats(0.02, 0.4), high=st.floats(0.5, 0.8))
def test_cut_data_are_those_data_alone(toy_datasets, low, high):
    dataset = toy_datasets[0]
    kept = passing(dataset, (f"x > {low!r}", f"x < {high!r}"))
    np.testing.assert_array_equal(kept, passing(dataset, (f"{low!r} < x < {high!r}",)))
    cut = select(dataset, kept)
    assert cut.n_data == kept.sum()
    assert np.all((cut.kinematics["x"] > low) & (cut.kinematics["x"] < high))
    whole = stack([dataset]).covariance
    np.testing.assert_allclose(stack([cut]).covariance, whole[np.ix_(kept, kept)], rtol=1e-12)


def test_cuts_that_leave_nothing_name_dataset_and_cuts(toy_datasets):
    with pytest.raises(
        DataError, match=r"none of the 40 data of dataset A: 'q2 > 5' alone keeps 4"
    ):
        passing(toy_datasets[0], ("q2 > 5", "q2 < 5"))


def test_an_unknown_variable_names_the_known_ones(toy_datasets):
    with pytest.raises(DataError, match=r"'pt'.* dataset A .* It has: x, q2, y, w2\."):
        passing(toy_datasets[0], ("pt > 30",), {"w2": "q2 * (1 - x) / x"})
    bare = dataclasses.replace(toy_datasets[0], kinematics={})
    with pytest.raises(DataError, match="no kinematics"):
        passing(bare, ("w2 > 12.5",))
    assert passing(bare, ()).all()


def test_folds(toy_datasets):
    fitted, out = by_fold(toy_datasets, (("A",), ("BB", "RATIO")), 2)
    assert [d.name for d in fitted] == ["A"]
    assert [d.name for d in out] == ["BB", "RATIO"]
    assert by_fold(toy_datasets, (("A",),), None) == (tuple(toy_datasets), ())


@pytest.mark.parametrize(
    ("folds", "words"),
    [((("BBB",),), "Did you mean 'BB'"), ((("A", "BB", "RATIO"),), "nothing is left to fit")],
)
def test_folds_that_cannot_be(toy_datasets, folds, words):
    with pytest.raises(DataError, match=words):
        by_fold(toy_datasets, folds, 1)
