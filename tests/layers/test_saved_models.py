"""Models with our layers open in a fresh process that has imported them; else Keras says so."""

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
import keras, numpy as np
x = np.linspace(-1, 1, 5)[None, :, None]
names = ("sequential", "functional")
try:
    keras.models.load_model(f"{sys.argv[1]}/{names[0]}.keras")
except Exception as cause:
    print(cause)
import replicafit.layers
print("imported")
for name in names:
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    np.save(f"{sys.argv[1]}/{name}.npy", model(x))
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Where they are saved, and what is saved there."""
    folder = tmp_path_factory.mktemp("models")
    models = {"sequential": sequential(), "functional": functional()}
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return folder, models


def test_importing_the_layers_is_enough_to_load_them_and_without_it_is_told(models):
    folder, saved = models
    command = [sys.executable, "-c", LOAD, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told, loaded = done.stdout.split("imported\n")
    assert "Could not locate class 'MultiDense'" in told
    assert "'module': 'replicafit.layers." in told
    assert not loaded
    x = np.linspace(-1, 1, 5)[None, :, None]
    for name, model in saved.items():
        np.testing.assert_array_equal(np.load(folder / f"{name}.npy"), model(x))
