"""The native format: round trips, and every kind of bad input."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from replicafit.data import Dataset, read_dataset, write_dataset
from replicafit.data.cuts import passing
from replicafit.errors import DataError


def test_round_trip(tmp_path, toy_datasets):
    for dataset in toy_datasets:
        path = tmp_path / f"{dataset.name}.npz"
        write_dataset(path, dataset)
        back = read_dataset(path)
        for field in dataclasses.fields(dataset):
            ours, theirs = getattr(dataset, field.name), getattr(back, field.name)
            if isinstance(ours, np.ndarray):
                np.testing.assert_array_equal(ours, theirs)
        assert back.name == dataset.name
        assert back.shift_names == dataset.shift_names
        assert back.operation == dataset.operation
        assert len(back.tables) == len(dataset.tables)
    assert not list(tmp_path.glob(".*"))


def test_metadata_may_hold_anything_and_do_not_rename_a_dataset(tmp_path, toy_datasets):
    about = {"name": "another", "year": np.int64(2021), "bins": np.arange(2), "file": tmp_path}
    write_dataset(tmp_path / "A.npz", dataclasses.replace(toy_datasets[0], metadata=about))
    back = read_dataset(tmp_path / "A.npz")
    assert back.name == toy_datasets[0].name
    assert back.metadata == {"year": 2021, "bins": [0, 1], "file": str(tmp_path)}


def test_q0_for_short_is_an_attribute(toy_datasets):
    given = {f.name: getattr(toy_datasets[0], f.name) for f in dataclasses.fields(Dataset)}
    short = Dataset(**{**given, "attributes": {"z": 2}}, q0=1.65)
    assert short.attributes == {"z": 2, "q0": 1.65}
    assert dataclasses.replace(short, attributes={}).attributes == {}
    assert dataclasses.replace(short, name="other").attributes == short.attributes


def test_kinematics_have_any_name_and_cuts_act_on_them(tmp_path, toy_datasets):
    dataset, path = toy_datasets[0], tmp_path / "a.npz"
    columns = {"x": np.arange(40.0), "sqrt(s)": np.arange(40.0) + 7000, "T_hot": np.ones(40)}
    write_dataset(path, dataclasses.replace(dataset, kinematics=columns))
    back = read_dataset(path)
    assert {name: list(column) for name, column in back.kinematics.items()} == {
        name: list(column) for name, column in columns.items()
    }
    assert passing(back, ["x >= 35", "T_hot < 2"]).sum() == 5
    taken = {"central": np.ones(40), "fk_0": np.zeros(40), "d/dx [GeV]": np.ones(40)}
    write_dataset(path, dataclasses.replace(dataset, kinematics=taken))
    assert set(read_dataset(path).kinematics) == set(taken)


def test_several_inputs_are_written_with_their_names(tmp_path, toy_datasets):
    dataset, path = toy_datasets[0], tmp_path / "a.npz"
    grid = np.stack([np.linspace(-1, 1, len(dataset.x_grid)), 300 * dataset.x_grid], axis=1)
    write_dataset(path, dataclasses.replace(dataset, x_grid=grid, inputs=("angle", "energy")))
    back = read_dataset(path)
    assert back.inputs == ("angle", "energy")
    np.testing.assert_array_equal(back.x_grid, grid)
    write_dataset(path, dataclasses.replace(dataset, x_grid=grid, inputs=("angle",)))
    with pytest.raises(DataError, match=r"'x_grid' must be a list .* for angle; its shape is"):
        read_dataset(path)


def test_the_first_format_is_read_for_ever():
    """``golden.npz`` was written by the release that had this format only."""
    back = read_dataset(Path(__file__).with_name("golden_dataset_1.npz"))
    assert (back.name, back.inputs, back.flavours) == ("GOLDEN", ("x",), ("g", "sigma"))
    np.testing.assert_array_equal(back.central, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(back.x_grid, [0.1, 0.2, 0.5, 1.0])
    assert {name: column.tolist() for name, column in back.kinematics.items()} == {
        "x": [0.1, 0.2, 0.3],
        "q2": [4.0, 5.0, 6.0],
        "T_hot": [40.0, 50.0, 60.0],
    }
    assert back.shift_names == ("CORR", "LUMI")
    np.testing.assert_array_equal(back.sys_add, [[0.1], [0.2], [0.3]])
    np.testing.assert_array_equal(back.sys_mult_percent, [[2.0], [2.0], [2.0]])
    assert back.attributes == {"q0": 1.65}
    assert back.metadata == {"process": "DIS"}
    np.testing.assert_array_equal(back.tables[0], np.arange(24.0).reshape(3, 2, 4))
    assert back.operation == "NULL"


def damage(dataset, **changes):
    return dataclasses.replace(dataset, **changes)


def nan_at(array, index):
    copy = np.array(array)
    copy[index] = np.nan
    return copy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: {"central": nan_at(d.central, 3)}, "'central' .* not finite for the data 3"),
        (lambda d: {"stat": -d.stat}, "'stat' .* negative for the data 0, 1"),
        (lambda d: {"stat": d.stat[:-1]}, "'stat' has shape"),
        (lambda d: {"tables": (d.tables[0][:, :, 1:],)}, "'fk_0' has shape"),
        (lambda d: {"tables": (nan_at(d.tables[0], (5, 0, 0)),)}, "'fk_0' .* the data 5"),
        (lambda d: {"tables": ()}, "'fk_0' is missing"),
        (lambda d: {"x_grid": nan_at(d.x_grid, 2)}, "'x_grid' .* the grid points 2"),
        (lambda d: {"sys_add": nan_at(d.sys_add, (1, 1))}, "'sys_add' .* the data 1"),
        (lambda d: {"attributes": {"values": 1.0}}, "'values' is no name of an attribute"),
    ],
)
def test_bad_values_are_refused(tmp_path, toy_datasets, change, words):
    path = tmp_path / "bad.npz"
    write_dataset(path, damage(toy_datasets[0], **change(toy_datasets[0])))
    with pytest.raises(DataError, match=words):
        read_dataset(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no dataset file at .*none\.npz"):
        read_dataset(tmp_path / "none.npz")


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_truncated_file(tmp_path, toy_datasets, keep):
    path = tmp_path / "cut.npz"
    write_dataset(path, toy_datasets[0])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="damaged"):
        read_dataset(path)


def test_another_format(tmp_path):
    np.savez(tmp_path / "other.npz", format="something/2")
    with pytest.raises(DataError, match="something/2"):
        read_dataset(tmp_path / "other.npz")


def test_a_missing_key(tmp_path, toy_datasets):
    path = tmp_path / "a.npz"
    write_dataset(path, toy_datasets[0])
    with np.load(path) as archive:
        arrays = {k: v for k, v in archive.items() if k != "stat"}
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="lacks the key 'stat'"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"central": np.array(1.0)}, "list of at least one"),
        ({"central": np.array([True] * 40)}, "array of bool"),
        ({"central": np.array(["1"] * 40)}, "array of <U1"),
        ({"stat": np.ones(40, dtype=complex)}, "array of complex128"),
        ({"x_grid": np.array(0.5)}, "'x_grid' must be a list"),
        ({"flavours": np.array("g")}, "wrong kind"),
        ({"metadata": np.array("[" * 10_000)}, "wrong kind"),
        ({"metadata": np.array("[]")}, "wrong kind"),
        ({"fk_0": np.array(3.0)}, "'fk_0'"),
        ({"kinematics_x": np.ones(3)}, "'x' has shape"),
        ({"sys_add": np.ones((40, 2, 2))}, "'sys_add' has shape"),
    ],
)
def test_keys_of_the_wrong_kind(tmp_path, toy_datasets, changes, words):
    write_dataset(tmp_path / "a.npz", toy_datasets[0])
    with np.load(tmp_path / "a.npz") as archive:
        np.savez(tmp_path / "b.npz", **{**archive, **changes})
    with pytest.raises(DataError, match=words):
        read_dataset(tmp_path / "b.npz")
