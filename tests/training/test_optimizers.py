"""Every optimizer and schedule against Keras' own, and that replicas do not feel each other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from replicafit.components import load_target
from replicafit.components.builtin.optimizers import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    SgdSettings,
    replicafit_optimizers,
)
from replicafit.training.backend import backend
from replicafit.training.optimizers import rate_factor

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
STEPS, R = 100, 3
SHAPES = ((4, 3), (5,))
TYPES = {optimizer.name: optimizer for optimizer in replicafit_optimizers()}
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
RATES = [1e-3, 1e-2, 3e-2]
MOMENTS = {"beta_1": [0.9, 0.5, 0.95], "beta_2": [0.999, 0.9, 0.99], "epsilon": [1e-7, 1e-3, 1.0]}

# name, settings of all replicas, settings of each replica; together every setting of every
# optimizer, and those that all share with at least one.
CASES = [
    ("sgd", {}, {"momentum": [0.9, 0.0, 0.5]}),
    ("sgd", {"nesterov": True}, {"momentum": [0.9, 0.0, 0.5]}),
    ("sgd", {}, {"momentum": [0.9, 0.1, 0.5], "weight_decay": [0.1, 0.0, 0.3]}),
    ("sgd", {}, {"clipnorm": [1.0, 2.0, 30.0]}),
    ("sgd", {}, {"global_clipnorm": [1.0, 2.0, 30.0]}),
    ("sgd", {}, {"clipvalue": [0.1, 1.0, 30.0]}),
    ("adam", {}, MOMENTS | {"clipnorm": [0.5, 2.0, 30.0], "weight_decay": [0.1, 0.0, 0.3]}),
    ("adam", {"amsgrad": True}, MOMENTS),
    ("adamw", {}, MOMENTS),
    ("adamw", {"amsgrad": True}, MOMENTS | {"weight_decay": [0.1, 0.0, 0.3]}),
    ("amsgrad", {}, MOMENTS),
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
    """Also that of Keras, which turns each hyperparameter and schedule into its ``floatx``."""
    backend().prepare(request.param)
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx(before)


in_float64 = pytest.mark.parametrize("precision", ["float64"], indirect=True)
in_float32 = pytest.mark.parametrize("precision", ["float32"], indirect=True)
NUMBER = {"float64": np.float64, "float32": float}  # Keras on TensorFlow rounds Python's to float32


def gradients(shape_index: int, precision: str) -> np.ndarray:
    """Noise around a slope, of another scale for each replica, (steps, r, ...)."""
    generator = np.random.default_rng(shape_index)
    scale = np.array([0.1, 1.0, 10.0]).reshape(R, *[1] * len(SHAPES[shape_index]))
    noise = generator.normal(0.3, 1.0, (STEPS, R, *SHAPES[shape_index]))
    return (scale * noise).astype(precision)


def initial_weights(precision: str) -> list[np.ndarray]:
    generator = np.random.default_rng(7)
    return [generator.normal(size=(R, *shape)).astype(precision) for shape in SHAPES]


def traced(function):
    """``function`` compiled as fast as can be, since it is called only a hundred times."""
    if not ON_TENSORFLOW:
        return backend().compiled(function)
    import tensorflow as tf

    return tf.function(function, autograph=False)  # no XLA: it takes longer than the steps


def with_ours(optimizer, hyper, weights, slopes, steps=STEPS):
    """The weights of all replicas after that many steps."""
    precision = weights[0].dtype.name
    vectors = {name: ops.convert_to_tensor(v.astype(precision)) for name, v in hyper.items()}
    memory = tuple(
        tuple(ops.full(w.shape, start, precision) for start in optimizer.memory) for w in weights
    )
    scalars = tuple(ops.full((R,), start, precision) for start in optimizer.scalars)
    weights = tuple(map(ops.convert_to_tensor, weights))
    update = traced(optimizer.update)
    for i in range(steps):
        now = tuple(ops.convert_to_tensor(s[i]) for s in slopes)
        step = ops.full((R,), i + 1, precision)
        weights, memory, scalars = update(weights, now, memory, scalars, step, vectors)
    return [ops.convert_to_numpy(w) for w in weights]


def with_keras(optimizers, weights, slopes, steps=STEPS):
    """The weights of each replica after that many steps of an optimizer of its own."""
    precision = weights[0].dtype.name
    alone = [[keras.Variable(w[slot], dtype=precision) for w in weights] for slot in range(R)]
    for optimizer, variables in zip(optimizers, alone, strict=True):
        optimizer.build(variables)
    step = keras_step(optimizers, alone)
    for i in range(steps):
        step([[ops.convert_to_tensor(s[i, slot]) for s in slopes] for slot in range(R)])
    return [[ops.convert_to_numpy(v) for v in variables] for variables in alone]


def keras_step(optimizers, alone):
    """``gradients of each replica -> None``: alters the variables."""

    def stateful(slopes):
        for optimizer, variables, own in zip(optimizers, alone, slopes, strict=True):
            optimizer.apply(own, variables)

    if ON_TENSORFLOW:
        return traced(stateful)

    @traced
    def moved(memories, slopes, weights):
        each = zip(optimizers, memories, slopes, weights, strict=True)
        return [optimizer.stateless_apply(m, g, w) for optimizer, m, g, w in each]

    def step(slopes):
        kept = [o.variables for o in optimizers]
        new = moved(values(kept), slopes, values(alone))
        for old, state in zip([*zip(alone, kept, strict=True)], new, strict=True):
            for variable, value in zip([*old[0], *old[1]], [*state[0], *state[1]], strict=True):
                variable.assign(value)

    return step


def values(variables):
    return [[v.value for v in own] for own in variables]


def built(name, settings):
    """The optimizer, and its hyperparameters for all replicas."""
    optimizer = load_target(TYPES[name].build)(TYPES[name].settings(type=name, **settings))
    return optimizer, {name: np.full(R, value) for name, value in optimizer.hyper.items()}


def same(ours, theirs, precision, name="", cosine=False):
    """Equal but for rounding; Keras itself computes a few things in float32."""
    in_float32 = name == "nadam" if ON_TENSORFLOW else cosine  # its constant 0.96; ops.cos
    tolerance = 2e-5 if precision == "float32" else 1e-6 if in_float32 else 1e-11
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def compare(case, precision, ours=None, theirs=None):
    """Ours and Keras'; optionally a schedule, and what makes Keras' own of a learning rate."""
    name, shared, own = case
    own = {"learning_rate": RATES} | own
    first = {key: values[0] for key, values in own.items()}
    optimizer, hyper = built(name, shared | first | ({"schedule": ours} if ours else {}))
    hyper |= {key: np.array(values) for key, values in own.items()}
    weights = initial_weights(precision)
    slopes = [gradients(index, precision) for index in range(len(SHAPES))]
    together = with_ours(optimizer, hyper, weights, slopes)
    number = float if name == "adadelta" else NUMBER[precision]  # its rule takes no numpy number
    each = [
        shared | {key: number(vector[slot]) for key, vector in hyper.items()} for slot in range(R)
    ]
    if theirs:
        each = [one | {"learning_rate": theirs(one["learning_rate"])} for one in each]
    alone = with_keras([KERAS[name](**settings) for settings in each], weights, slopes)
    for slot in range(R):
        for batch, single in zip(together, alone[slot], strict=True):
            assert single.dtype == precision
            same(batch[slot], single, precision, name, cosine=ours is COSINE)


@in_float64
@pytest.mark.parametrize("case", CASES, ids=label)
def test_each_replica_moves_as_with_keras_alone(case, precision):
    compare(case, precision)


@in_float32
@pytest.mark.parametrize("name", sorted(TYPES))
def test_also_in_float32(name, precision):
    compare((name, {}, {}), precision)


def cosine_of_keras(rate, warmup_steps=20):
    return keras.optimizers.schedules.CosineDecay(
        rate * 0, decay_steps=60, alpha=0.1, warmup_target=rate, warmup_steps=warmup_steps
    )


@in_float64
@pytest.mark.parametrize("name", ["adamw", "nadam"])
def test_the_schedule_acts_on_steps_and_weight_decay_as_in_keras(name, precision):
    case = (name, {}, {"weight_decay": [0.1, 0.0, 0.3]})
    compare(case, precision, COSINE, cosine_of_keras)


def factor(schedule, precision):
    steps = ops.convert_to_tensor(np.arange(STEPS).astype(precision))
    result = ops.convert_to_numpy(rate_factor(schedule)(steps))
    assert result.dtype == precision
    return result


@pytest.mark.parametrize("warmup_steps", [0, 20])
def test_cosine_schedule(precision, warmup_steps):
    ours = CosineDecay(decay_steps=60, final_fraction=0.1, warmup_steps=warmup_steps)
    theirs = cosine_of_keras(NUMBER[precision](1.0), warmup_steps)
    some = [0, 1, 10, 19, 20, 21, 40, 59, 60, 61, 79, 80, 81, 99]
    expected = [float(theirs(step)) for step in some]
    same(factor(ours, precision)[some], expected, precision, cosine=True)


def test_exponential_schedule(precision):
    one = NUMBER[precision](1.0)
    theirs = keras.optimizers.schedules.ExponentialDecay(one, decay_steps=30, decay_rate=0.5)
    same(factor(EXPONENTIAL, precision), [float(theirs(i)) for i in range(STEPS)], precision)


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
    optimizer, hyper = built("sgd", {"learning_rate": 1.0, "schedule": EXPONENTIAL})
    tensors = {name: ops.convert_to_tensor(v.astype("float32")) for name, v in hyper.items()}
    one = ops.ones((R, 1), "float32")
    step = ops.convert_to_tensor(np.array([1.0, 31.0, 61.0], np.float32))
    (weights,), _, _ = optimizer.update((one,), (one,), ((one * 0,),), (), step, tensors)
    np.testing.assert_allclose(ops.convert_to_numpy(weights)[:, 0], [0.0, 0.5, 0.75], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("clipping", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_a_bad_gradient_harms_no_other_replica_by_clipping(clipping, bad):
    harms_no_other("sgd", clipping, bad)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_bad_gradient_harms_no_other_replica(name):
    harms_no_other(name, "clipnorm", np.nan)


def harms_no_other(name, clipping, bad):
    optimizer, hyper = built(name, {clipping: 0.5, "weight_decay": 0.1, "schedule": EXPONENTIAL})
    weights = initial_weights("float32")
    slopes = [gradients(index, "float32") for index in range(len(SHAPES))]
    good = with_ours(optimizer, hyper, weights, slopes, steps=5)
    for slope in slopes:
        slope[2, 0] = bad
    harmed = with_ours(optimizer, hyper, weights, slopes, steps=5)
    assert clipping == "clipvalue" or bad == np.inf or np.isnan(harmed[0][0]).all()
    for before, after in zip(good, harmed, strict=True):
        np.testing.assert_array_equal(before[1:], after[1:])


@pytest.mark.parametrize("name", sorted(TYPES))
def test_settings_have_the_defaults_of_keras(name):
    config = KERAS[name]().get_config()
    ours = TYPES[name].settings().model_dump(exclude={"type", "schedule"})
    assert ours == pytest.approx({key: config[key] for key in ours})


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_switch_is_no_hyperparameter(name):
    optimizer, _ = built(name, {})
    assert not {"nesterov", "amsgrad", "centered", "schedule", "type"} & set(optimizer.hyper)


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
