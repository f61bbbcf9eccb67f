"""Tables for two hadrons: file format, folding, and every kind of bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hadronic import hadronic_dataset, slow_prediction
from toy import FLAVOURS, toy_dataset, toy_function

from replicafit.data import ProductTable, read_dataset, write_dataset
from replicafit.data.cuts import select
from replicafit.errors import DataError


def rewritten(path, **changes):
    """The file at ``path`` with other keys; None takes one away."""
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "dy.npz"
    write_dataset(path, hadronic_dataset("DY", 6))
    return path


def test_round_trip(file):
    dataset, back = hadronic_dataset("DY", 6), read_dataset(file)
    (ours,), (theirs,) = dataset.tables, back.tables
    for field in dataclasses.fields(ours):
        np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))
    assert not theirs.values.flags.writeable


def test_tables_of_both_kinds_in_one_file(tmp_path):
    hadronic = hadronic_dataset("DY", 6)
    linear = np.ones((6, len(FLAVOURS), len(hadronic.x_grid)))
    mixed = dataclasses.replace(
        hadronic, tables=(linear, *hadronic.tables, linear), operation="ODD"
    )
    write_dataset(tmp_path / "mixed.npz", mixed)
    kinds = [type(table) for table in read_dataset(tmp_path / "mixed.npz").tables]
    assert kinds == [np.ndarray, ProductTable, np.ndarray]


def test_without_subsets_a_table_acts_on_the_whole_grid(file):
    table = hadronic_dataset("DY", 6).tables[0]
    n = len(hadronic_dataset("DY", 6).x_grid)
    values = np.ones((6, len(table.channels), n, len(table.x2)))
    rewritten(file, fk_0=values, fk_0_x1=None)
    np.testing.assert_array_equal(read_dataset(file).tables[0].x1, np.arange(n))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"fk_0_channels": np.array([[0, 99]])},
            r"'fk_0_channels' has the index 99, .* 9 flavours",
        ),
        ({"fk_0_channels": np.array([[0, -1]])}, "index -1"),
        ({"fk_0_channels": np.array([0, 1])}, r"must be \(c, 2\)"),
        ({"fk_0_channels": np.array([[0.5, 1.0]])}, "must hold indices"),
        ({"fk_0_channels": np.array([[0, 1]])}, r"'fk_0' has shape \(6, .*\), but \(6, 1, "),
        ({"fk_0_channels": None}, "no 'fk_0_channels', which tells the flavours"),
        ({"fk_0_x1": np.array([0, 99])}, r"'fk_0_x1' has the index 99, .* grid points"),
        ({"fk_0_x2": np.array([1, 1])}, "distinct indices"),
        ({"fk_0_chanels": np.zeros((1, 2))}, "'fk_0_chanels', which is none of a table"),
        ({"fk_1_channels": np.zeros((1, 2), int)}, "no table 'fk_1'"),
    ],
)
def test_bad_keys_are_refused(file, change, words):
    rewritten(file, **change)
    with pytest.raises(DataError, match=words):
        read_dataset(file)


def test_a_number_that_is_not_finite(tmp_path):
    dataset = hadronic_dataset("DY", 6)
    values = np.array(dataset.tables[0].values)
    values[4, 0, 1, 1] = np.inf
    table = dataclasses.replace(dataset.tables[0], values=values)
    write_dataset(tmp_path / "bad.npz", dataclasses.replace(dataset, tables=(table,)))
    with pytest.raises(DataError, match="'fk_0' of dataset DY is not finite for the data 4"):
        read_dataset(tmp_path / "bad.npz")


def test_a_prediction_is_the_sum():
    dataset = hadronic_dataset("DY", 6)
    functions = toy_function(dataset.x_grid)
    expected = slow_prediction(dataset.tables[0], functions)
    np.testing.assert_allclose(dataset.tables[0].predict(functions), expected, rtol=1e-12)
    stack = np.stack([functions, 2 * functions])
    predicted = dataset.tables[0].predict(stack)
    np.testing.assert_allclose(predicted, [expected, 4 * expected], rtol=1e-12)


def test_a_prediction_of_a_replica_is_the_same_in_any_company():
    """Bitwise, which products of matrices are not."""
    rng = np.random.default_rng(1)
    table = ProductTable(
        rng.normal(size=(40, 3, 30, 30)), np.array([[0, 1], [1, 1], [2, 0]]), *[np.arange(30)] * 2
    )
    functions = rng.normal(size=(10, 30, 3))
    together = table.predict(functions)
    for some in (slice(0, 1), slice(2, 5), slice(9, 10)):
        np.testing.assert_array_equal(table.predict(functions[some]), together[some])
    np.testing.assert_array_equal(table.predict(functions[4]), together[4])
    assert table.predict(functions[:0]).shape == (0, 40)


def test_cuts_take_rows():
    dataset = hadronic_dataset("DY", 6)
    kept = np.array([True, False, True, True, False, False])
    whole = dataset.tables[0].predict(toy_function(dataset.x_grid))
    part = select(dataset, kept).tables[0].predict(toy_function(dataset.x_grid))
    np.testing.assert_allclose(part, whole[kept], rtol=1e-12)


@pytest.mark.parametrize("same_points", [True, False])
def test_folding_keeps_every_prediction(same_points):
    """Channels in both orders, one twice, one of zeros, and grid points nobody needs."""
    generator = np.random.default_rng(4)
    values = generator.normal(size=(3, 6, 5, 5))
    values[:, 4] = 0
    values[:, :, 0] = values[..., 2] = 0
    table = ProductTable(
        values=values,
        channels=np.array([[0, 1], [1, 0], [2, 2], [0, 1], [3, 3], [2, 1]]),
        x1=np.arange(5),
        x2=np.arange(5) if same_points else np.arange(5) + 1,
    )
    functions = generator.normal(size=(7, 6, 4))
    folded = table.folded()
    np.testing.assert_allclose(folded.predict(functions), table.predict(functions), rtol=1e-12)
    expected = [[0, 1], [2, 2], [1, 2]] if same_points else [[0, 1], [1, 0], [2, 2], [2, 1]]
    assert folded.channels.tolist() == expected  # the two grids are not worth joining
    assert folded.products < table.products


def test_folding_a_table_of_zeros():
    table = ProductTable(np.zeros((2, 1, 3, 3)), np.array([[0, 1]]), np.arange(3), np.arange(3))
    folded = table.folded()
    assert folded.values.size == 0
    np.testing.assert_array_equal(folded.predict(np.ones((4, 3, 2))), np.zeros((4, 2)))


def test_linear_tables_are_as_they_were(tmp_path):
    dataset = toy_dataset("A", 5)
    write_dataset(tmp_path / "a.npz", dataset)
    with np.load(tmp_path / "a.npz") as archive:
        assert [key for key in archive if key.startswith("fk_")] == ["fk_0"]
