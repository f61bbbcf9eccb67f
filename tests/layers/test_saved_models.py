"""Models with our layers open in a fresh process that has imported replicafit, before or after."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest

from replicafit.layers import MultiDense, MultiInitializer, replicate

SEEDS = [1, 2]


def sequential() -> keras.Model:
    starts = MultiInitializer("he_normal", SEEDS)
    return keras.Sequential(
        [
            keras.Input((5, 1)),
            MultiDense(3, replica_seeds=SEEDS, is_first_layer=True, activation="tanh"),
            MultiDense(1, replica_seeds=SEEDS, kernel_initializer=starts.single_initializer),
        ]
    )


def functional() -> keras.Model:
    inputs = keras.Input((None, 1))
    hidden = MultiDense(3, replica_seeds=SEEDS, is_first_layer=True)(inputs)
    normed = replicate(keras.layers.LayerNormalization(), replica_seeds=SEEDS)(hidden)
    return keras.Model(inputs, MultiDense(1, replica_seeds=SEEDS)(normed))


LOAD = """
import sys
import numpy as np
x = np.linspace(-1, 1, 5)[None, :, None]
for name in ("sequential", "functional"):
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    np.save(f"{sys.argv[1]}/{name}.npy", model(x))
"""
BEFORE = """
import importlib.util, sys, replicafit
ours = sys.meta_path[0]
assert importlib.util.find_spec("keras").origin and "keras" not in sys.modules
import keras
assert ours not in sys.meta_path  # once is enough
"""
AFTER = """
import keras
import replicafit
"""


@pytest.mark.parametrize("imports", [BEFORE, AFTER])
def test_import_replicafit_is_enough_to_load_them(imports, tmp_path):
    models = {"sequential": sequential(), "functional": functional()}
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    subprocess.run([sys.executable, "-c", imports + LOAD, str(tmp_path)], check=True)
    x = np.linspace(-1, 1, 5)[None, :, None]
    for name, model in models.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), model(x))
