"""Every built-in layer passes the conformance kit."""

import pytest

from replicafit.testing import check_layer


@pytest.mark.parametrize(
    ("name", "features", "settings"),
    [
        ("x_logx", 0, {}),
        ("multi_dense", 8, {"units": 5, "activation": "tanh"}),
        ("multi_dense", 0, {"units": 5, "bias_initializer": "random_normal"}),
        ("preprocessing", 8, {}),
        ("sum_rules", 8, {}),
    ],
)
def test_built_in_layer_conforms(name, features, settings):
    check_layer(name, features=features, **settings)
