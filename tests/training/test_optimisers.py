"""Every optimiser and schedule against Keras' own, and that replicas do not feel each other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from replicafit.builtin.optimisers import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    SgdSettings,
    replicafit_optimizers,
)
from replicafit.components import load_target
from replicafit.training.backend import seam
from replicafit.training.schedules import rate_factor

STEPS, R = 100, 3
SHAPES = ((4, 3), (5,))
TYPES = {optimiser.name: optimiser for optimiser in replicafit_optimizers()}
KERAS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "amsgrad": lambda **settings: keras.optimizers.Adam(amsgrad=True, **settings),
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "adamax": keras.optimizers.Adamax,
    "lion": keras.optimizers.Lion,
}
RATES = [2.0**-10, 2.0**-7, 2.0**-5]  # exact in float32, which Keras holds them in
MOMENTS = {"beta_1": [0.9, 0.5, 0.95], "beta_2": [0.999, 0.9, 0.99], "epsilon": [1e-7, 1e-3, 1.0]}

# name, settings of all replicas, settings of each replica; together every setting of every
# optimiser, and those that all share with at least one.
CASES = [
    ("sgd", {}, {}),
    ("sgd", {}, {"momentum": [0.9, 0.0, 0.5]}),
    ("sgd", {"nesterov": True}, {"momentum": [0.9, 0.0, 0.5]}),
    ("sgd", {}, {"momentum": [0.9, 0.1, 0.5], "weight_decay": [0.1, 0.0, 0.3]}),
    ("sgd", {}, {"clipnorm": [1.0, 2.0, 30.0]}),
    ("sgd", {}, {"global_clipnorm": [1.0, 2.0, 30.0]}),
    ("sgd", {}, {"clipvalue": [0.1, 1.0, 30.0]}),
    ("adam", {}, {}),
    ("adam", {}, MOMENTS | {"clipnorm": [0.5, 2.0, 30.0], "weight_decay": [0.1, 0.0, 0.3]}),
    ("adam", {"amsgrad": True}, MOMENTS),
    ("adamw", {}, MOMENTS),
    ("adamw", {"amsgrad": True}, MOMENTS | {"weight_decay": [0.1, 0.0, 0.3]}),
    ("amsgrad", {}, MOMENTS),
    ("nadam", {}, {}),
    ("nadam", {}, MOMENTS | {"global_clipnorm": [0.5, 2.0, 30.0], "weight_decay": [0.1, 0.0, 1.0]}),
    ("rmsprop", {}, {"rho": [0.9, 0.5, 0.99], "epsilon": [1e-7, 1e-3, 1.0]}),
    ("rmsprop", {}, {"momentum": [0.9, 0.0, 0.5], "weight_decay": [0.1, 0.0, 0.3]}),
    ("rmsprop", {"centered": True}, {"rho": [0.9, 0.5, 0.99], "momentum": [0.9, 0.0, 0.5]}),
    ("adagrad", {}, {"initial_accumulator_value": [0.1, 0.0, 2.0], "epsilon": [1e-7, 1e-3, 1.0]}),
    ("adadelta", {}, {"rho": [0.95, 0.5, 0.99], "epsilon": [1e-7, 1e-3, 1.0]}),
    ("adamax", {}, MOMENTS),
    ("lion", {}, {"beta_1": [0.9, 0.5, 0.95], "beta_2": [0.99, 0.9, 0.5]}),
]
COSINE = CosineDecay(decay_steps=60, final_fraction=0.1, warmup_steps=20)
EXPONENTIAL = ExponentialDecay(decay_steps=30, decay_rate=0.5)


def label(case):
    name, shared, own = case
    return "-".join([name, *shared, *own])


@pytest.fixture(params=["float64", "float32"])
def precision(request):
    seam().prepare(request.param)
    return request.param


def gradients(shape_index: int, precision: str) -> np.ndarray:
    """Noise around a slope, of another scale for each replica, (steps, r, ...)."""
    generator = np.random.default_rng(shape_index)
    scale = np.array([0.1, 1.0, 10.0]).reshape(R, *[1] * len(SHAPES[shape_index]))
    noise = generator.normal(0.3, 1.0, (STEPS, R, *SHAPES[shape_index]))
    return (scale * noise).astype(precision)


def initial_weights(precision: str) -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.normal(size=(R, *shape)).astype(precision) for shape in SHAPES]


def with_ours(optimiser, hyper, weights, slopes, precision):
    """The weights after all steps of all replicas, in one compiled call."""

    def steps(weights, slopes, hyper):
        like = [ops.zeros_like(w) for w in weights]
        memory = tuple(tuple(w + start for start in optimiser.memory) for w in like)
        scalars = tuple(ops.zeros((R,), precision) + start for start in optimiser.scalars)

        def one(i, weights, memory, scalars):
            step = ops.zeros((R,), precision) + ops.cast(i + 1, precision)
            now = tuple(ops.take(s, i, axis=0) for s in slopes)
            return i + 1, *optimiser.update(weights, now, memory, scalars, step, hyper)

        start = (ops.zeros((), "int32"), weights, memory, scalars)
        return ops.while_loop(lambda i, *_: i < STEPS, one, start)[1]

    vectors = {name: ops.convert_to_tensor(v.astype(precision)) for name, v in hyper.items()}
    arguments = (tuple(map(ops.convert_to_tensor, each)) for each in (weights, slopes))
    return [ops.convert_to_numpy(w) for w in seam().compiled(steps)(*arguments, vectors)]


def with_keras(optimiser, slot, weights, slopes, precision):
    """The weights of one replica alone after all steps."""
    variables = [keras.Variable(w[slot], dtype=precision) for w in weights]
    optimiser.build(variables)
    for step in range(STEPS):
        optimiser.apply([ops.convert_to_tensor(s[step, slot]) for s in slopes], variables)
    return [ops.convert_to_numpy(v) for v in variables]


def built(name, settings):
    """The optimiser, and its hyperparameters for all replicas."""
    optimiser = load_target(TYPES[name].build)(TYPES[name].settings(type=name, **settings))
    return optimiser, {name: np.full(R, value) for name, value in optimiser.hyper.items()}


def compare(case, precision, tolerance, ours=None, theirs=None):
    name, shared, own = case
    own = {"learning_rate": RATES} | own
    numbers = {key: values[0] for key, values in own.items()}
    optimiser, hyper = built(name, shared | numbers | ({"schedule": ours} if ours else {}))
    hyper |= {key: np.array(values) for key, values in own.items()}
    weights = initial_weights(precision)
    slopes = [gradients(index, precision) for index in range(len(SHAPES))]
    together = with_ours(optimiser, hyper, weights, slopes, precision)
    for slot in range(R):
        settings = shared | {key: values[slot] for key, values in own.items()}
        if theirs:
            settings["learning_rate"] = theirs(settings["learning_rate"])
        alone = with_keras(KERAS[name](**settings), slot, weights, slopes, precision)
        for batch, single in zip(together, alone, strict=True):
            assert batch.dtype == single.dtype == precision
            np.testing.assert_allclose(batch[slot], single, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_each_replica_moves_as_with_keras_alone(case):
    seam().prepare("float64")
    compare(case, "float64", 1e-10)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_also_in_float32(name):
    compare((name, {}, {}), "float32", 2e-5)


def cosine_of_keras(rate):
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=60, alpha=0.1, warmup_target=rate, warmup_steps=20
    )


@pytest.mark.parametrize("name", ["adamw", "nadam"])
def test_the_schedule_acts_on_steps_and_weight_decay_as_in_keras(name):
    case = (name, {}, {"weight_decay": [0.1, 0.0, 0.3]})
    compare(case, "float32", 2e-5, COSINE, cosine_of_keras)


def factor(schedule, precision="float32"):
    steps = ops.convert_to_tensor(np.arange(STEPS).astype(precision))
    result = ops.convert_to_numpy(rate_factor(schedule)(steps))
    assert result.dtype == precision
    return result


def keras_factor(schedule):
    return [float(schedule(step)) for step in range(STEPS)]


@pytest.mark.parametrize("warmup_steps", [0, 20])
def test_cosine_schedule(precision, warmup_steps):
    ours = CosineDecay(decay_steps=60, final_fraction=0.1, warmup_steps=warmup_steps)
    theirs = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=60, alpha=0.1, warmup_target=1.0, warmup_steps=warmup_steps
    )
    np.testing.assert_allclose(factor(ours, precision), keras_factor(theirs), atol=1e-6)


def test_exponential_schedule(precision):
    theirs = keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=30, decay_rate=0.5)
    np.testing.assert_allclose(factor(EXPONENTIAL, precision), keras_factor(theirs), rtol=1e-6)


def test_constant_schedule(precision):
    np.testing.assert_array_equal(factor(ConstantRate(), precision), np.ones(STEPS))


def test_warm_up_rises_from_zero_and_delays_the_decay(precision):
    warm = {"warmup_steps": 20}
    constant = factor(ConstantRate(**warm), precision)
    np.testing.assert_allclose(constant[:20], np.arange(20) / 20, rtol=1e-6)
    np.testing.assert_array_equal(constant[20:], 1.0)
    exponential = factor(ExponentialDecay(decay_steps=30, decay_rate=0.5, **warm), precision)
    np.testing.assert_array_equal(exponential[:20], constant[:20])
    np.testing.assert_array_equal(exponential[20:], factor(EXPONENTIAL, precision)[:-20])


def test_the_schedule_follows_each_replica_s_own_step():
    optimiser, hyper = built("sgd", {"learning_rate": 1.0, "schedule": EXPONENTIAL})
    tensors = {name: ops.convert_to_tensor(v.astype("float32")) for name, v in hyper.items()}
    one = ops.ones((R, 1), "float32")
    step = ops.convert_to_tensor(np.array([1.0, 31.0, 61.0], np.float32))
    (weights,), _, _ = optimiser.update((one,), (one,), ((one * 0,),), (), step, tensors)
    np.testing.assert_allclose(ops.convert_to_numpy(weights)[:, 0], [0.0, 0.5, 0.75], atol=1e-6)


@pytest.mark.parametrize("clipping", ["clipnorm", "global_clipnorm", "clipvalue"])
@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_bad_gradient_harms_no_other_replica(name, clipping):
    settings = {clipping: 0.5, "weight_decay": 0.1, "schedule": COSINE}
    optimiser, hyper = built(name, settings)
    weights = initial_weights("float32")
    slopes = [gradients(index, "float32") for index in range(len(SHAPES))]
    good = with_ours(optimiser, hyper, weights, slopes, "float32")
    for slope in slopes:
        slope[5, 0] = np.nan
        slope[50, 0] = np.inf
    bad = with_ours(optimiser, hyper, weights, slopes, "float32")
    for before, after in zip(good, bad, strict=True):
        np.testing.assert_array_equal(before[1:], after[1:])


@pytest.mark.parametrize("name", sorted(TYPES))
def test_settings_have_the_defaults_of_keras(name):
    config = KERAS[name]().get_config()
    ours = TYPES[name].settings().model_dump(exclude={"type", "schedule"})
    assert ours == pytest.approx({key: config[key] for key in ours})


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_switch_is_no_hyperparameter(name):
    optimiser, _ = built(name, {})
    assert not {"nesterov", "amsgrad", "centered", "schedule", "type"} & set(optimiser.hyper)


@pytest.mark.parametrize(
    "settings",
    [
        {"clipnorm": 1.0, "global_clipnorm": 1.0},
        {"clipnorm": 1.0, "clipvalue": 1.0},
        {"global_clipnorm": {"choice": [1.0, 2.0]}, "clipvalue": 1.0},
    ],
)
def test_at_most_one_way_to_clip(settings):
    with pytest.raises(ValidationError, match=" and ".join(settings) + " exclude each other"):
        SgdSettings(**settings)


@pytest.mark.parametrize("schedule", ["cosine", {}, {"type": "cosin"}, {"decay_steps": 3}])
def test_an_unknown_schedule_is_told_what_there_is(schedule):
    with pytest.raises(ValidationError, match=r"give \{type: constant\}, \{type: cosi"):
        SgdSettings(schedule=schedule)
