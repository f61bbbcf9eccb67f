"""Regularizers and constraints per replica: a slice fares as it would in a layer of its own."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import constraints, ops, regularizers

from replicafit.layers.per_replica import PerReplicaConstraint, PerReplicaRegularizer

R, F, UNITS = 3, 4, 5


def numpy(values):
    return np.asarray(ops.convert_to_numpy(values))


def weights(*shape):
    """Weights (r, ...), of norms below and above those that constraints allow."""
    draws = np.random.default_rng(0).normal(size=shape or (R, F, UNITS))
    scales = np.array([0.1, 1.0, 10.0]).reshape(-1, *[1] * (draws.ndim - 1))
    return (scales * draws).astype("float32")


def spread(array):
    """A regularizer that looks at all axes it is given."""
    return ops.max(array) - ops.min(array)


class Centred(constraints.Constraint):
    """A constraint that looks at all axes it is given."""

    def __call__(self, w):
        return w - ops.mean(w)


REGULARIZERS = [
    regularizers.L1(0.3),
    regularizers.L2(0.3),
    regularizers.L1L2(0.3, 0.2),
    regularizers.OrthogonalRegularizer(0.3),
    regularizers.OrthogonalRegularizer(0.3, "columns"),
    spread,
]
CONSTRAINTS = [
    constraints.MaxNorm(1.5),
    constraints.MaxNorm(1.5, axis=1),
    constraints.MaxNorm(1.5, axis=[0, 1]),
    constraints.MinMaxNorm(0.5, 1.5, rate=0.7),
    constraints.NonNeg(),
    constraints.UnitNorm(),
    constraints.UnitNorm(axis=-1),
    Centred(),
]


def test_all_of_keras_are_tested():
    for module, cases in ((regularizers, REGULARIZERS), (constraints, CONSTRAINTS)):
        offered = {one for one in vars(module).values() if isinstance(one, type)}
        assert offered - {type(one) for one in cases} <= {
            regularizers.Regularizer,
            constraints.Constraint,
        }


# --- regularizers ----------------------------------------------------------------------------


@pytest.mark.parametrize("single", REGULARIZERS)
def test_each_is_the_single_regularizer_of_the_slice(single):
    values, regularizer = weights(), PerReplicaRegularizer(single, (F, UNITS))
    expected = [float(single(ops.convert_to_tensor(one))) for one in values]
    np.testing.assert_allclose(numpy(regularizer.each(values)), expected, rtol=1e-5)
    np.testing.assert_allclose(float(regularizer(values)), sum(expected), rtol=1e-5)


def test_of_activations_the_second_axis_is_the_replicas():
    outputs = np.moveaxis(weights(R, 2, 6, UNITS), 0, 1)
    each = PerReplicaRegularizer(spread, axis=1).each(outputs)
    np.testing.assert_allclose(numpy(each), np.ptp(outputs, axis=(0, 2, 3)), rtol=1e-6)


def test_single_sees_the_shape_of_a_bias():
    seen = []

    def spy(array):
        seen.append(tuple(array.shape))
        return ops.sum(array)

    each = PerReplicaRegularizer(spy, (UNITS,)).each(weights(R, 1, UNITS))
    assert tuple(each.shape) == (R,)
    assert set(seen) == {(UNITS,)}


def test_a_regularizer_may_give_a_number_of_python():
    regularizer = PerReplicaRegularizer(lambda array: 0.25, (F, UNITS))
    np.testing.assert_array_equal(numpy(regularizer.each(weights())), [0.25] * R)


@pytest.mark.parametrize("single", REGULARIZERS)
def test_a_slot_with_nan_regularizes_alone(single):
    values, regularizer = weights(), PerReplicaRegularizer(single, (F, UNITS))
    before = numpy(regularizer.each(values))
    values[1] = np.nan
    after = numpy(regularizer.each(values))
    assert np.isnan(after[1])
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])


# --- constraints -----------------------------------------------------------------------------


@pytest.mark.parametrize("single", CONSTRAINTS)
def test_each_slice_is_constrained_as_if_alone(single):
    values = weights()
    constrained = numpy(PerReplicaConstraint(single, (F, UNITS))(values))
    assert not np.array_equal(constrained, values)
    for slot in range(R):
        alone = numpy(single(ops.convert_to_tensor(values[slot])))
        np.testing.assert_allclose(constrained[slot], alone, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("single", CONSTRAINTS)
def test_a_slot_with_nan_leaves_the_others(single):
    values, constraint = weights(), PerReplicaConstraint(single, (F, UNITS))
    before = numpy(constraint(values))
    values[1] = np.nan
    after = numpy(constraint(values))
    assert np.isnan(after[1]).any()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])


def test_constraint_of_a_variable_in_the_shape_of_a_bias():
    variable = keras.Variable(weights(R, 1, UNITS))
    constrained = numpy(PerReplicaConstraint("unit_norm", (UNITS,))(variable))
    assert constrained.shape == (R, 1, UNITS)
    np.testing.assert_allclose(np.linalg.norm(constrained, axis=-1), 1, rtol=1e-5)


# --- both ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=8)
@given(
    replicas=st.sampled_from([1, 3]),
    slot=st.integers(0, 2),
    change=st.sampled_from([1.0, -1e4, 1e30, np.inf, np.nan]),
)
def test_what_happens_to_a_slot_stays_in_it(replicas, slot, change):
    values, slot = np.ones((replicas, 2, 3), "float32"), slot % replicas
    others = [other for other in range(replicas) if other != slot]
    for acts in (
        PerReplicaRegularizer("l2", (2, 3)).each,
        PerReplicaConstraint("max_norm", (2, 3)),
    ):
        before = numpy(acts(values))
        disturbed = values.copy()
        disturbed[slot] += change
        after = numpy(acts(disturbed))
        np.testing.assert_array_equal(after[others], before[others])


@pytest.mark.parametrize(
    "one",
    [
        PerReplicaRegularizer(regularizers.OrthogonalRegularizer(0.3, "columns"), (F, UNITS)),
        PerReplicaRegularizer("l1", axis=1),
        PerReplicaConstraint(constraints.MinMaxNorm(0.5, 1.5, axis=[0, 1]), (F, UNITS)),
        PerReplicaConstraint("max_norm", (F, UNITS)),
    ],
)
def test_round_trip(one):
    module = regularizers if isinstance(one, regularizers.Regularizer) else constraints
    config = json.loads(json.dumps(module.serialize(one)))
    twin = module.deserialize(config)
    assert type(twin) is type(one)
    assert twin.get_config() == one.get_config()
    np.testing.assert_array_equal(numpy(twin(weights())), numpy(one(weights())))
