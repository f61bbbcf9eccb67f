"""What acts in training alone: dropout, regularizers and constraints, for each replica."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from models import X_LOGX, dense, model_of

from replicafit.layers.dropout import ReplicaDropout
from replicafit.training.engine import network_functions

SHAPE = (1, 3, 40, 25)


def masks(seeds, calls=1):
    """What each step in training lets through, (calls, r, n, f)."""
    layer = ReplicaDropout(0.3, seeds)
    features = np.ones((1, len(seeds), *SHAPE[2:]), np.float32)
    found = []
    for step in range(calls):
        layer.steps_taken.assign([step] * len(seeds))
        found.append(np.asarray(layer(features, training=True))[0])
    return np.stack(found)


def test_dropout_keeps_the_mean_and_its_fraction():
    found = masks(range(3), 20)
    assert set(np.unique(found)) == {0.0, np.float32(1 / 0.7)}
    assert (found == 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / found.size))


def test_dropout_differs_from_replica_to_replica_and_from_step_to_step():
    flat = (masks(range(3), 2) > 0).reshape(6, -1)
    agreement = (flat[:, None] == flat[None]).mean(axis=-1)[~np.eye(6, dtype=bool)]
    np.testing.assert_allclose(agreement, 0.7**2 + 0.3**2, atol=0.08)


def test_dropout_of_a_replica_does_not_depend_on_its_neighbours():
    together = masks([5, 6, 7], 4)
    np.testing.assert_array_equal(together[:, [1]], masks([6], 4))
    np.testing.assert_array_equal(together[:, ::-1], masks([7, 6, 5], 4))


def test_dropout_is_absent_outside_of_training():
    layer = ReplicaDropout(0.9, [1, 2, 3])
    features = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(layer(features)), features)


def test_a_replica_has_the_mask_of_its_own_step():
    """Where one replica is at another step than its neighbour, through ``stateless_call``."""
    x = keras.Input((2, 5, 30))
    model = keras.Model(x, ReplicaDropout(0.5, [1, 2])(x))
    ones = np.ones((1, 2, 5, 30), np.float32)

    def at(*steps):
        seeds = np.array([1, 2], np.int32)
        fixed = [ops.convert_to_tensor(a) for a in (seeds, np.array(steps, np.int32))]
        return np.asarray(model.stateless_call([], fixed, ones, training=True)[0])[0]

    np.testing.assert_array_equal(at(7, 7)[0], at(7, 9)[0])
    np.testing.assert_array_equal(at(3, 9)[1], at(7, 9)[1])
    assert (at(7, 7)[1] != at(7, 9)[1]).any()


def test_the_engine_trains_with_dropout_and_checks_without(registry):
    layers = [X_LOGX, dense(6, "tanh"), {"type": "dropout", "rate": 0.5}, dense(8)]
    network = model_of(registry, layers, numbers=(1, 2)).network
    functions = network_functions(network, np.array([0.1, 0.5]))
    weights, fixed = (
        tensors(v) for v in (network.trainable_variables, network.non_trainable_variables)
    )

    def at(*steps):
        given = [np.array(steps, np.int32)] if steps else []
        return np.asarray(functions(weights, fixed, *given)[0])

    whole = np.asarray(network(np.array([[[0.1], [0.5]]])))[0]
    np.testing.assert_allclose(at(), whole, rtol=1e-12)
    assert (at(0, 0) != at()).any()
    np.testing.assert_array_equal(at(7, 7)[0], at(7, 9)[0])
    assert (at(7, 7)[1] != at(7, 9)[1]).any()


# Regularizers and constraints reach the layer


def tensors(variables):
    return tuple(ops.convert_to_tensor(ops.convert_to_numpy(v)) for v in variables)


def regularization(registry, **settings):
    """What the engine adds to the loss for two replicas, and the first layer's weights."""
    layers = [X_LOGX, dense(5, **settings), dense(8)]
    network = model_of(registry, layers, numbers=(1, 2)).network
    weights = tuple(
        ops.convert_to_tensor(ops.convert_to_numpy(v)) for v in network.trainable_variables
    )
    _, penalty = network_functions(network, np.array([0.1, 0.5]))(weights, ())
    return float(penalty), [np.asarray(w) for w in weights[:2]]


def test_no_regularizer_adds_nothing(registry):
    assert regularization(registry)[0] == 0


@pytest.mark.parametrize(
    ("given", "each"),
    [
        ("l2", lambda w: 0.01 * (w**2).sum()),
        ({"class_name": "L2", "config": {"l2": 0.3}}, lambda w: 0.3 * (w**2).sum()),
        ({"class_name": "L1", "config": {"l1": 0.2}}, lambda w: 0.2 * np.abs(w).sum()),
        (
            {"class_name": "L1L2", "config": {"l1": 0.2, "l2": 0.1}},
            lambda w: 0.2 * np.abs(w).sum() + 0.1 * (w**2).sum(),
        ),
    ],
)
def test_regularizer_changes_the_loss(registry, given, each):
    penalty, (kernel, _) = regularization(registry, kernel_regularizer=given)
    assert penalty == pytest.approx(each(kernel[0]) + each(kernel[1]), rel=1e-5)
    start = {"bias_initializer": {"class_name": "RandomNormal", "config": {}}}
    penalty, (_, bias) = regularization(registry, bias_regularizer=given, **start)
    assert penalty == pytest.approx(each(bias[0]) + each(bias[1]), rel=1e-5)


def test_regularizer_of_dense_per_flavour_changes_the_loss(registry):
    layer = {"type": "dense_per_flavour", "units": 8, "hidden": [3], "kernel_regularizer": "l2"}
    network = model_of(registry, [X_LOGX, layer], numbers=(1, 2)).network
    weights = tuple(
        ops.convert_to_tensor(ops.convert_to_numpy(v)) for v in network.trainable_variables
    )
    _, penalty = network_functions(network, np.array([0.1]))(weights, ())
    kernels = [np.asarray(w) for w in weights if w.shape[2] > 1]
    assert float(penalty) == pytest.approx(0.01 * sum((k**2).sum() for k in kernels), rel=1e-5)


def test_constraint_reaches_the_layer_for_each_replica_alone(registry):
    largest = {"class_name": "MaxNorm", "config": {"max_value": 0.5}}
    layers = [X_LOGX, dense(5, kernel_constraint=largest), dense(8)]
    kernel = model_of(registry, layers, numbers=(1, 2)).network.trainable_variables[0]
    loud = np.asarray(kernel).copy()
    loud[0] *= 1000
    found = np.asarray(kernel.constraint(ops.convert_to_tensor(loud)))
    assert np.linalg.norm(found, axis=1).max() <= 0.5 + 1e-6
    quiet = np.asarray(kernel.constraint(kernel.value))
    np.testing.assert_array_equal(found[1], quiet[1])
