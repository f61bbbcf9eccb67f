"""Fits of functions of other things than x in (0, 1], from the card to what is read of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import replicafit
from replicafit.data.known_functions import read_function
from replicafit.errors import DataError, ModelError, RuncardError
from replicafit.forward.assembly import load_data
from replicafit.plugin import load_setup

CARD = """\
seed: 2
replicas: 2
data:
  datasets:
    - {type: csv, path: surface.csv, error: error, x: [energy, angle]}
model:
  flavours: [f]
  layers:
    - {type: x_logx, inputs: [energy]}
    - {type: multi_dense, units: 12, activation: tanh}
    - {type: multi_dense, units: 1}
training: {optimizer: {type: adam, learning_rate: 0.02}, max_steps: 1500, slots: 2}
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    generator = np.random.default_rng(1)
    energy, angle = generator.uniform(1, 80, 150), generator.uniform(-60, 60, 150)
    y = truth(energy, angle) + 0.02 * generator.standard_normal(150)
    rows = "".join(f"{a},{b},{c},0.02\n" for a, b, c in zip(energy, angle, y, strict=True))
    (folder / "surface.csv").write_text("energy,angle,y,error\n" + rows)
    (folder / "card.yml").write_text(CARD)
    return folder / "card.yml"


def truth(energy, angle):
    return np.log(energy) / 4 + np.sin(angle / 40)


@pytest.fixture(scope="module")
def surface(card):
    return replicafit.fit(card, output=card.parent / "fit")


def test_a_surface_is_fitted_in_units_of_its_own(surface):
    energy, angle = np.meshgrid([5.0, 20.0, 60.0], [-40.0, 0.0, 40.0])
    x = np.stack([energy.ravel(), angle.ravel()], axis=1)
    values = surface(x)
    assert values.shape == (2, 9, 1)
    np.testing.assert_allclose(values[:, :, 0].mean(axis=0), truth(*x.T), atol=0.1)
    np.testing.assert_array_equal(surface[1](x), values[0])


def test_its_inputs_are_kept(surface):
    assert [one.name for one in surface.inputs] == ["energy", "angle"]
    assert [one.log for one in surface.inputs] == [True, False]
    assert -60 <= surface.inputs[1].low < surface.inputs[1].high <= 60
    assert [each.name for each in surface.run.inputs] == ["energy", "angle"]
    assert surface.x.shape == (44**2, 2)


def test_its_tables_are_the_networks(surface):
    np.testing.assert_allclose(surface(surface.x[::97]), surface.values[:, ::97], atol=1e-5)
    inside = surface.x[100:1800:50] * 0.97 + 0.03 * surface.x.mean(axis=0)
    np.testing.assert_allclose(surface.interpolate(inside), surface(inside), atol=1e-3)
    known = read_function(surface.folder / "replicas" / "replica_0001" / "function.npz")
    np.testing.assert_array_equal(known(inside), surface.interpolate(inside)[0])


def test_a_point_outside_is_refused_by_name(surface):
    with pytest.raises(ValueError, match=r"angle must lie in \[-.*\]; given: 90"):
        surface([[5.0, 90.0]])
    with pytest.raises(ValueError, match=r"an array \(n, 2\) of energy, angle"):
        surface([5.0, 6.0, 7.0])


def test_its_network_opens_with_keras_alone(surface):
    import keras

    network = keras.models.load_model(
        surface.folder / "replicas" / "replica_0002" / "network.keras", compile=False
    )
    x = np.array([[3.0, -10.0], [70.0, 50.0]], "float32")
    np.testing.assert_array_equal(np.asarray(network(x)), surface[2](x))


def changed(card: Path, *pairs: tuple[str, str]) -> Path:
    text = card.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    other = card.with_name("other.yml")
    other.write_text(text)
    return other


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("[energy]", "[mass]")], r"Layer 0 .*x_logx\) names the input 'mass', .* energy, angle"),
        (
            [("inputs: [energy]", "inputs: [angle]")],
            r"takes the log.* angle in \[-.*type: x",
        ),
        ([("  datasets", "  x_range: [0, 90]\n  datasets")], "one range, but the inputs are"),
        ([("  datasets", "  x_range: {energy: [0, 9]}\n  datasets")], r"energy in \[0, 9\], but"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_fitted(card, pairs, message):
    with pytest.raises((DataError, ModelError), match=message):
        load_data(load_setup(changed(card, *pairs)))


def test_layers_for_the_unit_interval_ask_for_it(card):
    pytest.importorskip("replicafit_pdf", reason="has such layers")
    last = "    - {type: multi_dense, units: 1}\n"
    pairs = ("x_logx, inputs: [energy]", "x"), (last, f"{last}    - {{type: vanish_at_one}}\n")
    with pytest.raises(ModelError, match=r"\(vanish_at_one\) needs one input in \(0, 1\], but the"):
        load_data(load_setup(changed(card, *pairs)))


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ("[0, 90]", "[0, 90]"),
        ("[0, null]", "[0, inf)"),
        ("[0, .inf]", "[0, inf)"),
        ("[-.inf, 90]", "(-inf, 90]"),
    ],
)
def test_ranges_of_cards(card, ends, found):
    x_range = ("  datasets", f"  x_range: {{energy: {ends}}}\n  datasets")
    plain = ("type: x_logx, inputs: [energy]", "type: x")
    data = load_data(load_setup(changed(card, x_range, plain)))
    assert data.inputs[0].range == found


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ("[3]", "give two ends"),
        ("[null, null]", "at least one end"),
        ("[3, 3]", "must rise"),
        ("[a, b]", "number"),
        ("[true, 3]", "number"),
    ],
)
def test_ranges_that_are_none(card, ends, message):
    x_range = ("  datasets", f"  x_range: {{energy: {ends}}}\n  datasets")
    with pytest.raises(RuncardError, match=message):
        load_setup(changed(card, x_range))


def test_points_that_float32_does_not_tell_apart_are_refused(tmp_path):
    lines = "".join(f"{1.7e9 + k},1,0.1\n" for k in range(20))
    (tmp_path / "a.csv").write_text("time,y,e\n" + lines)
    card = tmp_path / "a.yml"
    layers = "[{type: x}, {type: multi_dense, units: 1}]"
    card.write_text(
        "data: {datasets: [{type: csv, path: a.csv, x: time, error: e}]}\n"
        f"model: {{flavours: [f], layers: {layers}}}\n"
    )
    with pytest.raises(DataError, match=r"are the same number in float32. Subtract from time"):
        load_data(load_setup(card))
    card.write_text(card.read_text() + "precision: float64\n")
    assert load_data(load_setup(card)).inputs[0].name == "time"
