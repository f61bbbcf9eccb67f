"""The layer keeps every rule of layers, and computes what it says."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from replicafit_kan import KanSettings, _size
from replicafit_kan.layer import Kan
from replicafit_kan.splines import SplineGrid
from scipy.interpolate import BSpline

from replicafit.plugin import replicate
from replicafit.testing import check_layer

SEEDS = [11, 12, 13]


def basis(grid: SplineGrid, x: np.ndarray, order: int = 0) -> np.ndarray:
    """All B-splines, or a derivative, at x (n,), by scipy one after the other, (n, c)."""
    steps = np.arange(-grid.degree, grid.intervals + grid.degree + 1)
    knots = grid.low + grid.step * steps
    columns = []
    for i in range(grid.count):
        own = knots[i : i + grid.degree + 2]
        spline = BSpline.basis_element(own, extrapolate=False)
        columns.append(np.nan_to_num(spline.derivative(order)(x) if order else spline(x)))
    return np.stack(columns, axis=-1)


def layer(**settings: Any) -> Any:
    """Four outputs for each of three replicas."""
    return replicate(Kan(4, dtype="float64", **settings), SEEDS)


GRID = SplineGrid(-1.0, 1.0, 5, 3)
"""That of ``layer()``."""


def features(shape: tuple[int, ...]) -> np.ndarray:
    """Some within the grid from -1 to 1 and some beyond it."""
    return np.random.default_rng(1).uniform(-1.6, 1.6, shape)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def silu_slope(x: np.ndarray) -> np.ndarray:
    s = 1 / (1 + np.exp(-x))
    return s + x * s * (1 - s)


def parts_of(kan: Any, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the activation (r, f, g) and of the splines (r, c, f, g)."""
    kernel = ops.convert_to_numpy(kan.weights[0])
    base, splines = kernel[:, :n_features], kernel[:, n_features:]
    return base, splines.reshape(len(kernel), GRID.count, n_features, -1)


@pytest.mark.parametrize(
    "settings",
    [{}, {"intervals": 3, "degree": 2, "low": 0.0, "high": 2.0, "activation": "tanh"}],
    ids=["default", "other"],
)
def test_kan_conforms(settings: dict[str, Any]) -> None:
    check_layer("kan", units=4, **settings)


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5])
def test_splines_are_those_of_scipy(degree: int) -> None:
    grid = SplineGrid(-0.5, 2.0, 7, degree)
    x = np.linspace(-3.0, 4.0, 501)
    ours = ops.convert_to_numpy(grid.splines(ops.convert_to_tensor(x[:, None], "float64")))
    np.testing.assert_allclose(ours, basis(grid, x), rtol=1e-12, atol=1e-14)


def test_splines_sum_to_one_within_the_grid() -> None:
    grid = SplineGrid(-1.0, 1.0, 6, 3)
    x = ops.convert_to_tensor(np.linspace(-1.0, 1.0, 50)[:, None], "float64")
    np.testing.assert_allclose(ops.convert_to_numpy(ops.sum(grid.splines(x), -1)), 1.0, rtol=1e-14)


def test_values_are_the_sums_of_the_paper() -> None:
    kan, x = layer(), features((1, 3, 6, 2))
    ours = ops.convert_to_numpy(kan(x))
    base, splines = parts_of(kan, 2)
    for r in range(3):
        for n in range(6):
            wanted = np.zeros(4)
            for i in range(2):
                wanted += silu(x[0, r, n, i]) * base[r, i]
                wanted += basis(GRID, x[0, r, n, i : i + 1])[0] @ splines[r, :, i]
            np.testing.assert_allclose(ours[0, r, n], wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients by tf.GradientTape")
def test_gradients_in_features_and_weights() -> None:
    tf = pytest.importorskip("tensorflow")
    kan, x = layer(), features((1, 3, 6, 2))
    kan(x)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = ops.sum(kan(given))
    by_x, by_kernel = tape.gradient(total, [given, kan.weights[0].value])
    base, splines = parts_of(kan, 2)
    flat = np.moveaxis(x[0], -1, 1).reshape(3, 2, 6)  # (r, f, n)
    for r in range(3):
        for i in range(2):
            values, slopes = (basis(GRID, flat[r, i], order) for order in (0, 1))
            wanted = silu_slope(flat[r, i]) * base[r, i].sum() + slopes @ splines[r, :, i].sum(-1)
            np.testing.assert_allclose(by_x[0, r, :, i], wanted, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(by_kernel[r, i], silu(flat[r, i]).sum(), rtol=1e-11)
            for c, summed in enumerate(values.sum(0)):
                row = by_kernel[r, 2 + 2 * c + i]
                np.testing.assert_allclose(row, summed, rtol=1e-11, atol=1e-13)


def test_one_replica_is_plain_keras(tmp_path: Path) -> None:
    kan, x = layer(), features((1, 3, 6, 2))
    stack = ops.convert_to_numpy(kan(x))
    plain = kan.split(1)
    assert all(type(part).__module__.startswith("keras.") for part in plain.layers)
    plain.save(tmp_path / "one.keras")
    again = keras.saving.load_model(tmp_path / "one.keras", custom_objects={})
    np.testing.assert_allclose(ops.convert_to_numpy(again(x[0, 1])), stack[0, 1], rtol=1e-12)


def test_trained_weights_leave_as_weights() -> None:
    """So that a later fit can start from them."""
    kan = layer()
    kan.build((1, 3, 6, 2))
    (kernel,) = kan.split(2).trainable_variables
    np.testing.assert_array_equal(kernel, ops.convert_to_numpy(kan.weights[0])[2])


def test_the_planner_counts_the_parameters_there_are() -> None:
    settings = KanSettings(units=4, intervals=7, degree=2)
    kan = layer(intervals=7, degree=2)
    kan(features((1, 3, 6, 2)))
    assert _size(settings, 2) == (4, kan.count_params() // 3)


def test_grid_must_ascend() -> None:
    with pytest.raises(ValueError, match="low must be less than high"):
        KanSettings(units=4, low=1.0, high=1.0)


def test_build_uses_every_setting() -> None:
    from replicafit_kan.layer import build

    given = KanSettings(
        units=2,
        intervals=4,
        degree=2,
        low=-2.0,
        high=3.0,
        activation="tanh",
        kernel_initializer="he_normal",
    )
    config = build(given).get_config()
    for name in ("units", "intervals", "degree", "low", "high", "activation"):
        assert config[name] == getattr(given, name)
    assert config["kernel_initializer"]["class_name"] == "HeNormal"


def test_the_truth_of_the_figure_is_read():
    pytest.importorskip("matplotlib", reason="the figure is drawn with matplotlib")
    script = run_path(str(Path(__file__).parents[1] / "plot_closure.py"))
    for flavour in script["SHOWN"]:
        assert (script["truth_of"](flavour) > 0).all()
