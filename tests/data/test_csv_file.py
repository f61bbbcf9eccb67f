"""Data in plain columns."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicafit.components.builtin.datasets import CsvSettings
from replicafit.data import stack
from replicafit.data.csv_file import read_csv
from replicafit.data.cuts import passing
from replicafit.data.validation import validated
from replicafit.errors import DataError
from replicafit.forward.predictions import predict

TEXT = """\
# measured on a Tuesday
x, y, sigma, run, who

0.5, 1.0, 0.1, 1, Ada
0.1, 2.0, 0.2, 1, Ada
0.5, 1.5, 0.3, 2, Bo
"""


@pytest.fixture
def read(tmp_path: Path):
    def reader(text: str = TEXT, **settings):
        (tmp_path / "some.csv").write_text(text)
        given = {"error": "sigma"} if "covariance" not in settings else {}
        described = CsvSettings.model_validate({"path": "some.csv", **given, **settings})
        return read_csv(described, tmp_path)

    return reader


def test_what_is_in_the_file(read):
    dataset = read()
    assert (dataset.name, dataset.flavours, dataset.operation) == ("some", ("f",), "NULL")
    np.testing.assert_array_equal(dataset.central, [1.0, 2.0, 1.5])
    np.testing.assert_array_equal(dataset.x_grid, [0.1, 0.5])
    np.testing.assert_allclose(stack([dataset]).covariance, np.diag([0.1, 0.2, 0.3]) ** 2)
    assert dataset.may_be_negative


def test_the_forward_map_is_the_identity(read, registry):
    dataset = read(flavour="g")
    values = (dataset.x_grid**2)[:, None]
    np.testing.assert_array_equal(predict(dataset, registry, values), [0.25, 0.1**2, 0.25])


def test_cuts_may_name_columns_of_numbers(read):
    dataset = read()
    assert set(dataset.kinematics) == {"x", "y", "sigma", "run"}
    np.testing.assert_array_equal(passing(dataset, ["run == 1", "x > 0.2"]), [True, False, False])


def test_columns_of_systematics_are_sources(tmp_path):
    text = "x,y,e,LUMI,shift\n0.1,2,0.1,{0},0.3\n0.2,4,0.1,{0},-0.3\n"
    for name, percent in (("A", 1), ("B", 3)):
        (tmp_path / f"{name}.csv").write_text(text.format(percent))
    settings = {"error": "e", "systematics": {"LUMI": "percent", "shift": "absolute"}}
    both = [read_csv(CsvSettings(path=Path(f"{n}.csv"), **settings), tmp_path) for n in "AB"]
    assert both[0].shift_names == ("shift", "LUMI")
    lumi = np.array([0.02, 0.04, 0.06, 0.12])
    shift = np.array([0.3, -0.3, 0.3, -0.3])
    expected = np.outer(lumi, lumi) + np.outer(shift, shift) + 0.01 * np.eye(4)
    np.testing.assert_allclose(stack(both).covariance, expected)


@pytest.mark.parametrize(
    ("text", "settings", "words"),
    [
        (TEXT, {"y": "z"}, "no column 'z'; it has: x, y, sigma, run, who"),
        (TEXT, {"error": "sigm"}, "no column 'sigm'; .* Did you mean 'sigma'"),
        ("1,2,0.1\n2,3,0.1\n", {}, "begins with numbers .*x,y,error"),
        ("x y sigma\n1 2 0.1\n", {}, "has one column .*with commas"),
        (TEXT, {"y": "who"}, "line 4: 'who' is 'Ada', not a finite number"),
        (TEXT, {"x": ["run", "z"]}, "no column 'z'"),
        (TEXT.replace("0.3", "-0.3"), {}, "line 6: the error 'sigma' is -0.3"),
        (TEXT.replace(", Bo", ""), {}, "line 6: 4 values, but 5 columns"),
        (TEXT.replace("who", "x"), {}, "has 2 column 'x'"),
        ("x,y,sigma\n", {}, "at least one datum"),
        ("", {}, "at least one datum"),
        (TEXT, {"systematics": {"lumi": "percent"}}, "no column 'lumi'"),
        (TEXT, {"path": "none.csv"}, "no file at .*none.csv"),
        (TEXT, {"covariance": "some.csv"}, "must hold 3 lines of 3 numbers.*5 in line 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(read, text, settings, words):
    with pytest.raises(DataError, match=words):
        read(text, **settings)


def test_x_has_its_own_units(read):
    dataset = read(TEXT.replace("0.5, 1.5", "-40, 1.5"))
    np.testing.assert_array_equal(dataset.x_grid, [-40, 0.1, 0.5])


def test_several_inputs_are_columns(read, registry):
    dataset = read(x=["run", "x"])
    assert dataset.inputs == ("run", "x")
    np.testing.assert_array_equal(dataset.x_grid, [[1, 0.1], [1, 0.5], [2, 0.5]])
    np.testing.assert_array_equal(dataset.kinematics["run"], [1, 1, 2])
    values = dataset.x_grid.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(predict(dataset, registry, values), [1.5, 1.1, 2.5])
    assert read(x=["x"]).inputs == ("x",)
    for wrong in ([], ["x", "x"]):
        with pytest.raises(ValueError, match="each once"):
            read(x=wrong)


def test_errors_are_given_in_one_way():
    for settings in ({}, {"error": "e", "covariance": "c.csv"}):
        with pytest.raises(ValueError, match="either error"):
            CsvSettings(path=Path("a.csv"), **settings)


@given(st.integers(0, 2**32))
def test_any_covariance_is_reproduced(tmp_path_factory, seed):
    folder, generator = tmp_path_factory.mktemp("csv"), np.random.default_rng(seed)
    root = generator.standard_normal((5, 5)) * generator.uniform(0.01, 10, (5, 1))
    matrix = root @ root.T + np.diag(generator.uniform(0.01, 1, 5))
    (folder / "d.csv").write_text("x,y\n" + "".join(f"0.{i + 1},1\n" for i in range(5)))
    np.savetxt(folder / "c.csv", matrix, delimiter=",", fmt="%.17g")
    dataset = read_csv(CsvSettings(path=Path("d.csv"), covariance=Path("c.csv")), folder)
    np.testing.assert_allclose(stack([dataset]).covariance, matrix, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ("1,0.5\n0.4,1\n", "not symmetric"),
        ("1,2\n2,1\n", "not positive definite.*-1"),
        ("0,0\n0,1\n", "above 0 on its diagonal"),
        ("1.7e308,0\n0,1.7e308\n", "beyond float64"),
        ("1,a\n0,1\n", "line 1: there is something that is not a finite number"),
    ],
)
def test_a_matrix_that_is_no_covariance_is_refused(tmp_path, matrix, words):
    (tmp_path / "d.csv").write_text("x,y\n0.1,1\n0.2,1\n")
    (tmp_path / "c.csv").write_text(matrix)
    with pytest.raises(DataError, match=words):
        read_csv(CsvSettings(path=Path("d.csv"), covariance=Path("c.csv")), tmp_path)


def test_a_diagonal_covariance_is_uncorrelated(tmp_path):
    (tmp_path / "d.csv").write_text("x,y\n0.1,1\n0.2,1\n")
    (tmp_path / "c.csv").write_text("4,0\n0,9\n")
    dataset = read_csv(CsvSettings(path=Path("d.csv"), covariance=Path("c.csv")), tmp_path)
    np.testing.assert_allclose(dataset.stat, [2, 3])
    assert dataset.sys_add.shape == (2, 0)


def test_thousands_of_columns_take_no_time(tmp_path):
    names = ",".join(["x", "y", "error", *(f"c{i}" for i in range(20000))])
    rows = [f"0.{i},1,0.1{',1' * 20000}" for i in (1, 2, 3)]
    (tmp_path / "a.csv").write_text("\n".join([names, *rows]))
    begun = time.process_time()
    read_csv(CsvSettings(path="a.csv", error="error"), tmp_path)
    assert time.process_time() - begun < 5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", ["0.5,1,1e300", "0.5,-1e300,1"])
def test_numbers_whose_squares_are_none_are_refused(tmp_path, row):
    (tmp_path / "a.csv").write_text(f"x,y,error\n0.3,1,1\n{row}\n")
    read = read_csv(CsvSettings(path="a.csv", error="error"), tmp_path)
    with pytest.raises(DataError, match="squares are none"):
        validated(read, "'a.csv'")


@pytest.mark.parametrize("name", ["a\x1b[31m", "\ud800", "a\0b"])
def test_names_that_are_no_text_are_refused(tmp_path, name):
    (tmp_path / "a.csv").write_text("x,y,error\n0.3,1,1\n")
    read = read_csv(CsvSettings(path="a.csv", error="error"), tmp_path)
    for odd in (replace(read, name=name), replace(read, flavours=(name,))):
        with pytest.raises(DataError, match="is no text"):
            validated(odd, "'a.csv'")
