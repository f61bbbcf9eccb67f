"""``replicafit.fit`` and ``check`` from mappings, text and arrays."""

from __future__ import annotations

import numpy as np
import pytest

import replicafit
from replicafit.data import read_dataset
from replicafit.data.given import write_given
from replicafit.errors import DataError, OutputError, RuncardError

X = np.linspace(-3, 4, 24)
Y = np.sin(X)
CARD = {
    "seed": 3,
    "model": {
        "layers": [
            {"type": "x"},
            {"type": "multi_dense", "units": 6, "activation": "tanh"},
            {"type": "multi_dense", "units": 1},
        ]
    },
    "training": {"max_steps": 40, "slots": 2},
}
TEXT = """\
seed: 3
data:
  datasets:
    - {type: given, name: curve, weight: 2, cuts: [t > 3]}
model: {layers: [{type: x}, {type: multi_dense, units: 6}, {type: multi_dense, units: 1}]}
"""


@pytest.fixture(scope="module")
def fit():
    return replicafit.fit(CARD, data={"a curve/1": (X, Y, 0.05)}, replicas=2)


def test_a_fit_of_a_mapping_and_arrays_needs_no_file(fit):
    assert fit.numbers == (1, 2)
    assert fit([0.0, 1.0]).shape == (2, 2, 1)
    np.testing.assert_array_equal(fit.data["central"], Y)
    np.testing.assert_array_equal(fit.data["uncertainty"], np.full(len(X), 0.05))


def test_its_folder_is_whole_wherever_it_is_saved(fit, tmp_path):
    saved = fit.save(tmp_path / "kept")
    (file,) = (saved.folder / "data").iterdir()
    np.testing.assert_array_equal(read_dataset(file).central, Y)
    (saved.folder / "lost").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"again' cannot be written \(\[Errno 2\] No such file"):
        saved.save(tmp_path / "again")
    plan = replicafit.check(saved.folder / "runcard.yml")
    assert (plan.hash, plan.n_data) == (fit.run.hash, {"a curve/1": 24})
    more = {"card": saved.folder / "runcard.yml", "output": saved.folder, "resume": True}
    assert replicafit.fit(**more).numbers == (1, 2)
    for number in (2, np.array([2])):
        assert replicafit.fit(**{**more, "resume": False}, refit=number).numbers == (1, 2)
    again = {"output": saved.folder, "replicas": 2, "resume": True}
    with pytest.raises(OutputError, match="begun with other data; changed since: a curve/1\\."):
        replicafit.fit(CARD, data={"a curve/1": (X, Y + 1, 0.05)}, **again)
    assert replicafit.fit(CARD, data={"a curve/1": (X, Y, 0.05)}, **again).numbers == (1, 2)


def test_a_bad_fit_is_told_where_there_is_no_terminal(fit, tmp_path, capsys):
    saved = fit.save(tmp_path / "kept")
    again = replicafit.fit(saved.folder / "runcard.yml", output=saved.folder, resume=True)
    assert not again.verdict.good
    told = " ".join(capsys.readouterr().err.split())
    assert "Warning: the fit is bad: chi2 per datum of the mean prediction" in told


def test_a_card_of_text_places_what_is_given():
    data = {"other": (X, Y, 0.1), "curve": {"x": X, "y": Y, "error": 0.1, "t": X}}
    plan = replicafit.check(TEXT, data=data, replicas="3-4")
    assert plan.n_data == {"curve": int((X > 3).sum()), "other": len(X)}
    assert plan.runcard["replicas"] == [3, 4]
    assert "curve" in str(plan)
    assert plan._repr_html_().startswith("<pre>")
    weight = {"data.datasets.1.weight": 3}
    assert replicafit.check(TEXT, data=data, settings=weight).hash != plan.hash


def test_frames_covariances_and_several_inputs():
    pandas = pytest.importorskip("pandas", reason="optional")
    frame = pandas.DataFrame({"x": X, "y": Y, "error": 0.1, "note": "text"})
    one = replicafit.check(CARD, data={"f": frame}).data.datasets[0]
    np.testing.assert_array_equal(one.x_grid, X)
    covariance = 0.01 * (np.eye(len(X)) + 0.5)
    two = replicafit.check(CARD, data={"f": (X, Y, covariance)}).data
    np.testing.assert_allclose(two.covariance, covariance, atol=1e-12)
    both = pandas.DataFrame({"energy": X, "angle": Y})
    several = {"x": both, "y": Y, "error": 0.1}
    assert replicafit.check(CARD, data={"f": several}).data.datasets[0].inputs == (
        *("energy", "angle"),
    )
    alone = {"x": both[["energy"]], "y": Y, "error": 0.1}
    three = replicafit.check(CARD, data={"f": alone}).data.datasets[0]
    assert three.inputs == ("energy",)
    np.testing.assert_array_equal(three.kinematics["x"], X)  # where Fit.measured looks
    named = frame.assign(flavour="g")
    assert replicafit.check(CARD, data={"f": named}).data.flavours == ("g",)
    with pytest.raises(DataError, match=r"'flavour' names 2 functions \(g, h\)"):
        replicafit.check(CARD, data={"f": frame.assign(flavour=["g", "h"] * 12)})
    plain = (np.stack([X, Y], axis=1), Y, 0.1)
    assert replicafit.check(CARD, data={"f": plain}).data.datasets[0].inputs == ("x1", "x2")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([X, Y], "data is a mapping of names to data, such as .*, not a list"),
        ({"f": X}, "that cannot be read. Give a Dataset"),
        ({"f": {"x": X, "y": Y}}, r"data\['f'\] has no 'error', only: x, y"),
        ({"f": (X, Y[:3], 0.1)}, r"x has the shape \(24,\) and y \(3,\)"),
        ({"f": (X, Y, [0.1, 0.2])}, r"error has the shape \(2,\); give one number, \(24,\), or"),
        ({"f": (X, Y, -0.1)}, "'stat' of dataset f is negative"),
        ({"f": (X, Y * np.nan, 0.1)}, "'y' must be finite numbers"),
        ({"f": (X, ["1"] * len(X), 0.1)}, "'y' must be finite numbers"),
        ({"f": (X, np.ma.masked_less(Y, 0), 0.1)}, "'y' must be finite numbers"),
        ({"f": (X, Y, -np.eye(len(X)))}, r"covariance in data\['f'\] needs numbers above 0"),
        ({}, "data"),
    ],
)
def test_data_that_cannot_be_used_are_explained(data, words):
    with pytest.raises((DataError, RuncardError), match=words):
        replicafit.check(CARD, data=data)


def test_a_name_that_makes_no_name_of_a_file_is_told(tmp_path, toy_datasets):
    with pytest.raises(DataError, match=r"cannot be kept in .* shorter name"):
        write_given(tmp_path, {300 * "n": toy_datasets[0]})


def test_cards_that_cannot_be_used_are_explained():
    with pytest.raises(RuncardError, match="There is no runcard at"):
        replicafit.fit("nowhere.yml")
    with pytest.raises(RuncardError, match="or a mapping; given: a int"):
        replicafit.check(3)
    with pytest.raises(RuncardError, match="here is a ndarray"):
        replicafit.check({"seed": X})
    with pytest.raises(RuncardError, match=r"runcard:1:1: .*'sed'"):
        replicafit.check("sed: 3\n" + TEXT, data={"curve": (X, Y, 0.1)})
    with pytest.raises(DataError, match="neither in data of"):
        replicafit.check(TEXT)


def test_paths_of_a_card_with_given_data_work_from_anywhere(tmp_path, monkeypatch):
    text = "x,y,error\n" + "\n".join(f"{x},{y},0.1" for x, y in zip(X, Y, strict=True))
    (tmp_path / "mine.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    card = {**CARD, "data": {"datasets": [{"type": "csv", "path": "mine.csv", "error": "error"}]}}
    plan = replicafit.check(card, data={"curve": (X, Y, 0.1)})
    assert plan.n_data == {"mine": 24, "curve": 24}
    assert plan.runcard["data"]["datasets"][0]["path"] == str(tmp_path / "mine.csv")
    assert replicafit.check(card).runcard["data"]["datasets"][0]["path"] == "mine.csv"
