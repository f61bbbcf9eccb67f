"""Every built-in layer passes the conformance kit."""

from dataclasses import replace
from typing import Literal

import keras
import numpy as np
import pytest
import replicafit_pdf
from keras import ops
from replicafit_pdf.fit_bases import FIT_BASES

from replicafit.components import ComponentSettings, LayerType
from replicafit.components.builtin import replicafit_layers
from replicafit.components.inputs import Input
from replicafit.plugins import Plugin, Registry
from replicafit.testing import ConformanceError, check_layer

EIGHT = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
NINE = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")
CASES = [
    ("x", 0, {}),
    ("x_logx", 0, {}),
    ("feature_scaling", 0, {"knots": 8}),
    ("multi_dense", 8, {"units": 5, "activation": "tanh"}),
    ("multi_dense", 8, {"units": 5, "activation": "square"}),
    ("multi_dense", 8, {"units": 5, "activation": "square_singlet"}),
    ("multi_dense", 8, {"units": 5, "activation": "modified_tanh", "use_bias": False}),
    ("multi_dense", 0, {"units": 5, "bias_initializer": "random_normal"}),
    ("dense_per_flavour", 8, {"units": 3, "hidden": [4, 2]}),
    ("dense_per_flavour", 0, {"units": 1, "hidden": [4], "bias_initializer": "random_normal"}),
    ("dense_per_flavour", 8, {"units": 2, "hidden": [3], "output_activation": "square"}),
    ("dropout", 8, {"rate": 0.4}),
    ("keras", 8, {"layer": "LayerNormalization"}),
    ("keras", 8, {"layer": "PReLU"}),
    ("keras", 8, {"layer": "RMSNormalization"}),
    ("keras", 8, {"layer": "Dense", "config": {"units": 5, "use_bias": False}}),
    ("keras", 0, {"layer": "Rescaling", "config": {"scale": 2.0}}),
    ("vanish_at_one", 8, {}),
    ("preprocessing", 8, {}),
    ("preprocessing", 8, {"trained": ["v3", "t8"]}),
    ("preprocessing", 8, {"trained": True}),
    ("sum_rules", 8, {}),
    ("sum_rules", 8, {"rules": ["momentum", "v3"]}),
    ("sum_rules", 8, {"rules": ["t3", "t8"]}),
    ("sum_rules", 9, {"flavours": NINE}),
    ("sum_rules", 9, {"flavours": NINE, "rules": ["v_open_charm", "v3", "v8"]}),
    *(
        ("rotation", len(table.rows), {"basis": name, "flavours": tuple(table.rows)})
        for name, table in FIT_BASES.items()
    ),
]


@pytest.mark.parametrize(("name", "features", "settings"), CASES)
def test_built_in_layer_conforms(registry, name, features, settings):
    check_layer(name, registry, features=features, **{"flavours": EIGHT, **settings})


@pytest.mark.parametrize("name", ["x", "feature_scaling"])
def test_layer_conforms_on_inputs_of_other_ranges(registry, name):
    inputs = Input("T", 250.0, 400.0), Input("p", 0.0, float("inf"), half=3.0)
    check_layer(name, registry, features=0, inputs=inputs)


def test_every_built_in_layer_is_tried():
    ours = [*replicafit_layers(), *replicafit_pdf.replicafit_layers()]
    assert {kind.name for kind in ours} == {name for name, _, _ in CASES}


@pytest.mark.parametrize(("name", "features", "settings"), CASES)
def test_size_is_what_the_layer_has(registry, name, features, settings):
    """What the planner counts with, against the layer as built."""
    import numpy as np

    from replicafit.testing.layers import _LayerTest

    settings = dict(settings)
    flavours = settings.pop("flavours", EIGHT)[:features]
    kind = registry.get(LayerType, name)
    model = kind.settings.model_validate({"type": name, **settings})
    trial = _LayerTest(kind, model, features, (1, 2), tuple(flavours))
    inputs = trial.inputs.shape[-1]
    out, parameters = kind.size(model, inputs) if kind.size else (inputs, 0)
    trained = sum(int(np.prod(v.shape[1:])) for v in trial.layer.trainable_variables)
    assert (out, parameters) == (trial.outputs.shape[-1], trained)


@keras.saving.register_keras_serializable(package="test_conformance")
class Scaled(keras.layers.Layer):
    """Keeps a number for each replica in an attribute, where refilling a slot does not reach."""

    def __init__(self, factors, **kwargs):
        super().__init__(**kwargs)
        self.factors = list(factors)

    def call(self, features):
        return features * ops.reshape(ops.cast(self.factors, features.dtype), (1, -1, 1, 1))

    def compute_output_shape(self, input_shape):
        return input_shape

    def split(self, slot, features=None):
        return keras.layers.Rescaling(self.factors[slot])

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


def test_a_layer_that_tells_another_size_is_found():
    kind = LayerType(name="same", build=lambda _: keras.layers.Identity(), size=lambda _, f: (f, f))
    wrong = {
        "size: it says .8, 8. .* found .8, 0.": kind,
        "flavours: it names": replace(kind, size=None, flavours=lambda _, names: names[1:]),
        "grid points": replace(kind, size=None, extra_grid=lambda _: np.array([2.0])),
    }
    for rule, each in wrong.items():
        registry = Registry(plugins=(Plugin("one", "one", "0", "one", (each,)),))
        with pytest.raises(ConformanceError, match=f"^{rule}"):
            check_layer("same", registry)


def test_state_outside_weights_is_found():
    class ScaledSettings(ComponentSettings):
        type: Literal["scaled"] = "scaled"

    def build(settings, context):
        return Scaled([float(g.uniform()) for g in context.generators])

    scaled = LayerType(name="scaled", settings=ScaledSettings, build=build)
    registry = Registry(plugins=(Plugin("one", "one", "0", "one", (scaled,)),))
    with pytest.raises(ConformanceError, match=r"^all that differs between replicas is in weights"):
        check_layer("scaled", registry)
