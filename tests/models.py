"""Models of a few layers, as runcards ask for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import ops

from replicafit.runcard import Setup, runcard_type
from replicafit.training.backend import backend
from replicafit.training.model import build_model

X_LOGX = {"type": "x_logx"}
PREPROCESSING = {"type": "preprocessing"}
SUM_RULES = {"type": "sum_rules"}
EIGHT = ["sigma", "g", "v", "v3", "v8", "t3", "t8", "t15"]
NINE = ["sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15"]
X = np.concatenate([np.geomspace(1e-7, 0.1, 30), np.linspace(0.1, 1, 20)[1:]])


def card(registry, layers, precision="float64", **model):
    return runcard_type(registry).model_validate(
        {
            "seed": 3,
            "precision": precision,
            "data": {"datasets": [{"type": "file", "path": "none.npz"}]},
            "model": {"flavours": EIGHT, "layers": layers, **model},
        }
    )


def model_of(registry, layers, numbers=(1, 2, 3), precision="float64", **model):
    setup = setup_of(registry, layers, precision, **model)
    backend().prepare(precision)
    return build_model(setup, numbers, x_grid=np.geomspace(1e-4, 1, 40))


def setup_of(registry, layers, precision="float64", **model):
    return Setup(card(registry, layers, precision, **model), registry, Path())


def values(network, x):
    tensor = ops.cast(ops.convert_to_tensor(np.asarray(x)[None, :, None]), network.compute_dtype)
    return np.asarray(ops.convert_to_numpy(network(tensor)), dtype=np.float64)[0]


def dense(units, activation=None, **settings):
    return {"type": "multi_dense", "units": units, "activation": activation, **settings}
