"""Known functions: tables and fits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from replicafit.components import FunctionSource, Relation
from replicafit.data.grid_functions import GridFunctions, combination
from replicafit.data.known_functions import known_function, on_flavours
from replicafit.errors import DataError, PluginError, ReplicafitError
from replicafit.plugins import Plugin, Registry

X = np.geomspace(1e-5, 1, 120)
SCALE = {"q0": 1.65}


def express(name, given):
    return {"b": 1.0} if name == "twin" and "b" in given else None


def read_straight(text, folder, attributes):
    return GridFunctions(X, ("a",), attributes["q0"] * X[:, None], attributes)


@pytest.fixture(scope="module")
def known():
    """Nothing but a relation, twin = b, and one source of functions."""
    source = FunctionSource(
        name="straight",
        recognizes=lambda text, folder: text == "straight",
        read=read_straight,
        form="straight",
    )
    parts = (Relation(name="twins", express=express), source)
    return Registry(plugins=(Plugin("known", "known", "0", "known", parts),))


def smooth(x, q0=1.65):
    powers = np.array([0.8, -0.1])
    return x[:, None] ** powers * (1 - x[:, None]) ** 3 * q0


def write(path, values=None, x=X, flavours=("a", "b"), **attributes):
    values = smooth(x) if values is None else values
    np.savez(path, x=x, flavours=np.array(flavours), values=values, **(SCALE | attributes))


def nowhere(text, folder):
    raise KeyError("no folder")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"recognizes": nowhere}, "failed when asked whether it knows 'f': KeyError"),
        ({"read": lambda *_: None}, "failed when asked for the names of 'f': AttributeError"),
        (
            {"read": lambda *_: Flat(3)},
            r"shape \(120, 3\), not \(120, 1\)",
        ),
        ({"read": lambda *_: Flat(None)}, "failed at 120 points: TypeError"),
    ],
)
def test_what_a_source_does_wrong_is_told_with_its_name(tmp_path, source, told):
    whole = {"recognizes": lambda *_: True, "read": read_straight} | source
    kind = FunctionSource(name="flat", origin="plugin 'own' (own 1.0)", **whole)
    registry = Registry(plugins=(Plugin("own", "own", "1.0", "own", (kind,)),))
    with pytest.raises(ReplicafitError, match=told) as error:
        on_flavours(known_function("f", tmp_path, SCALE, registry), X, ("a",), registry)
    assert "'flat' of plugin 'own' (own 1.0)" in str(error.value)


class Flat:
    flavours = ("a",)

    def __init__(self, width):
        self.width = width

    def __call__(self, x):
        return np.ones((len(x), self.width))


def test_what_a_relation_does_wrong_is_told_with_its_name():
    odd = Relation(name="odd", express=lambda *_: {"nowhere": 1.0}, origin="plugin 'own' (own 1.0)")
    registry = Registry(plugins=(Plugin("own", "own", "1.0", "own", (odd,)),))
    with pytest.raises(PluginError, match=r"relation 'odd' of plugin 'own'.* when asked for 'b'"):
        combination(("a",), ("b",), registry)


def test_a_table_is_interpolated(tmp_path, known):
    write(tmp_path / "f.npz")
    function = known_function("f.npz", tmp_path, SCALE, known)
    between = np.sqrt(X[:-1] * X[1:])[:-4]
    np.testing.assert_allclose(function(X), smooth(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(function(between), smooth(between), rtol=1e-3)
    # as plugins relate functions, so known ones are related
    twin = on_flavours(function, X, ("twin",), known)
    np.testing.assert_array_equal(twin[:, 0], function(X)[:, 1])


def test_a_fit_is_the_mean_of_its_good_replicas(tmp_path, known):
    for number, status in ((1, "stopped"), (2, "completed"), (3, "diverged")):
        folder = tmp_path / "fit" / "replicas" / f"replica_{number:04d}"
        folder.mkdir(parents=True)
        write(folder / "function.npz", smooth(X) * (number if number < 3 else np.nan_to_num(1e9)))
        (folder / "result.json").write_text(json.dumps({"status": status}))

    def values():
        return known_function("fit", tmp_path, SCALE, known).values

    np.testing.assert_allclose(values(), 1.5 * smooth(X))
    run_file = tmp_path / "fit" / "run.json"
    run_file.write_text(json.dumps({"selection": None}))
    np.testing.assert_allclose(values(), 1.5 * smooth(X))
    run_file.write_text(json.dumps({"selection": {"selected": [2]}}))
    np.testing.assert_allclose(values(), 2 * smooth(X))
    run_file.write_text("{")
    with pytest.raises(DataError, match=r"run\.json' is damaged"):
        values()


@pytest.mark.parametrize("status", ["diverged", "undrawn"])
def test_a_fit_without_a_good_replica_is_refused(tmp_path, known, status):
    replica = tmp_path / "fit" / "replicas" / "replica_0001"
    replica.mkdir(parents=True)
    np.savez(replica / "function.npz", x=X, flavours=("a",), values=X[:, None], **SCALE)
    result, run = replica / "result.json", tmp_path / "fit" / "run.json"
    result.write_text(json.dumps({"status": "stopped"}))
    run.write_text(json.dumps({"selection": None}))
    assert known_function("fit", tmp_path, SCALE, known)
    run.write_text(json.dumps({"selection": {"selected": []}}))
    with pytest.raises(DataError, match=r"No replica of the fit in .* is selected"):
        known_function("fit", tmp_path, SCALE, known)
    run.write_text(json.dumps({"selection": None}))
    result.write_text(json.dumps({"status": status}))
    with pytest.raises(DataError, match="holds no fit with a replica that did not diverge"):
        known_function("fit", tmp_path, SCALE, known)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"q0": 1.0}, r"q0 = 1\.0, but .* 1\.65"),
        ({"x": X[::-1]}, "x must ascend"),
        ({"values": np.full((120, 2), np.nan)}, "finite numbers of shape"),
        ({"values": np.ones((3, 2))}, r"\(120, 2\); their shape is \(3, 2\)"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, known, change, words):
    write(tmp_path / "f.npz", **change)
    with pytest.raises(DataError, match=words):
        known_function("f.npz", tmp_path, SCALE, known)


def test_what_says_nothing_of_an_attribute_agrees_with_all(tmp_path, known):
    write(tmp_path / "f.npz", width=2.0)
    for attributes in ({}, {"height": 1.0}, SCALE):
        function = known_function("f.npz", tmp_path, attributes, known)
        assert function.attributes == {"q0": 1.65, "width": 2.0}


def test_a_source_of_a_plugin_gets_the_attributes(tmp_path, known):
    function = known_function("straight", tmp_path, {"q0": 3.0}, known)
    np.testing.assert_allclose(function(X)[:, 0], 3 * X, rtol=1e-12)


def test_names_that_lead_nowhere(tmp_path, known):
    with pytest.raises(DataError, match=r"Give the folder of a fit.*straight"):
        known_function("strait", tmp_path, SCALE, known)
    with pytest.raises(DataError, match="no fit"):
        known_function(".", tmp_path, SCALE, known)
    (tmp_path / "f.npz").write_text("no archive")
    with pytest.raises(DataError, match="no stored function"):
        known_function("f.npz", tmp_path, SCALE, known)


def test_a_flavour_that_is_not_determined(tmp_path, known):
    write(tmp_path / "f.npz")
    with pytest.raises(DataError, match="The tables need c, d, which a function of a, b"):
        on_flavours(known_function("f.npz", tmp_path, SCALE, known), X, ("c", "a", "d"), known)


def test_x_outside_the_table(tmp_path, known):
    write(tmp_path / "f.npz")
    with pytest.raises(DataError, match="does not reach"):
        known_function("f.npz", tmp_path, SCALE, known)(np.array([1e-6, 0.1]))


def test_stored_functions_are_frozen():
    function = GridFunctions(X, ("a", "b"), smooth(X), SCALE)
    with pytest.raises(AttributeError):
        function.attributes = {}
