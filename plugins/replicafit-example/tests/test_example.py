"""The layer keeps every rule of layers."""

import pytest

from replicafit.testing import check_layer


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_residual_dense_conforms(activation):
    check_layer("residual_dense", activation=activation)
