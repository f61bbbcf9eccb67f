"""MultiInitializer: each slice is, bit by bit, what the single initializer gives."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import initializers

from replicafit.layers import MultiInitializer

SEEDS = (3, 11, 200)
BASE_SEED = 40
SHAPE = (4, 5)

CLASSES = sorted(
    {
        one
        for one in vars(initializers).values()
        if isinstance(one, type) and one is not keras.initializers.Initializer
    },
    key=lambda one: one.__name__,
)


def twos(shape, dtype=None):
    return 2 * keras.ops.ones(shape, dtype)


def with_seed(single, seed):
    """The single initializer with this seed, if it takes one."""
    config = single.get_config()
    return type(single).from_config({**config, "seed": seed} if "seed" in config else config)


def skip_without(dtype):
    """JAX has float64 only where JAX_ENABLE_X64 is set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given_dtype = keras.ops.ones(1, dtype).dtype
    if keras.backend.standardize_dtype(given_dtype) != dtype:
        pytest.skip("this backend is set to 32 bits")


def numpy(values):
    return np.asarray(keras.ops.convert_to_numpy(values))


def test_all_of_keras_are_tested():
    assert len(CLASSES) >= 16
    assert {"Zeros", "Orthogonal", "Identity", "STFT", "GlorotUniform"} <= {
        one.__name__ for one in CLASSES
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("cls", CLASSES, ids=lambda one: one.__name__)
def test_slices_equal_singles_bitwise(cls, dtype):
    skip_without(dtype)
    # STFT is for (time, 1, frequency) only, and Orthogonal has no bfloat16 in any backend.
    shape = (8, 1, 5) if cls is initializers.STFT else SHAPE
    if (cls, dtype) == (initializers.Orthogonal, "bfloat16"):
        pytest.skip("a QR decomposition in bfloat16 does not exist")
    stacked = numpy(MultiInitializer(cls(), SEEDS, BASE_SEED)((len(SEEDS), *shape), dtype))
    assert stacked.shape == (len(SEEDS), *shape)
    for slot, seed in enumerate(SEEDS):
        single = numpy(with_seed(cls(), BASE_SEED + seed)(shape, dtype))
        assert single.dtype == stacked.dtype
        assert single.tobytes() == stacked[slot].tobytes()


@pytest.mark.parametrize(
    "given_as",
    [
        "random_normal",
        {"class_name": "RandomNormal", "config": {"stddev": 0.05}},
        initializers.serialize(initializers.RandomNormal()),
        initializers.RandomNormal,
        initializers.RandomNormal(),
        initializers.RandomNormal(seed=77),
    ],
    ids=["name", "short config", "config", "class", "instance", "instance with a seed"],
)
def test_ways_to_give_the_single_one(given_as):
    stacked = numpy(MultiInitializer(given_as, SEEDS, BASE_SEED)((3, *SHAPE)))
    for slot, seed in enumerate(SEEDS):
        single = initializers.RandomNormal(seed=BASE_SEED + seed)(SHAPE)
        np.testing.assert_array_equal(stacked[slot], numpy(single))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_function_and_array_are_used_as_they_are(dtype):
    skip_without(dtype)
    values = np.arange(20.0).reshape(SHAPE)
    np.testing.assert_array_equal(MultiInitializer(twos, SEEDS)((3, *SHAPE), dtype), 2)
    for single in (values, lambda shape, dtype=None: values):
        stacked = numpy(MultiInitializer(single, SEEDS)((3, *SHAPE), dtype))
        assert stacked.dtype == dtype
        np.testing.assert_array_equal(stacked, np.stack([values] * 3))


@settings(deadline=None, max_examples=10)
@given(
    seeds=st.lists(st.integers(0, 2**30), min_size=1, max_size=4),
    base_seed=st.integers(0, 2**30),
    shape=st.sampled_from([(1,), (3,), (2, 3), (3, 1), (2, 1, 4)]),
)
def test_a_slice_knows_only_its_own_seed(seeds, base_seed, shape):
    together = numpy(MultiInitializer("he_normal", seeds, base_seed)((len(seeds), *shape)))
    for slot, seed in enumerate(seeds):
        alone = numpy(MultiInitializer("he_normal", [base_seed + seed])((1, *shape)))
        np.testing.assert_array_equal(together[slot], alone[0])


def test_the_single_one_is_not_changed():
    single = initializers.GlorotUniform(seed=5)
    before, draw = single.get_config(), numpy(single(SHAPE))
    multi = MultiInitializer(single, SEEDS)
    multi((3, *SHAPE))
    assert multi.single_initializer is single
    assert single.get_config() == before
    np.testing.assert_array_equal(numpy(single(SHAPE)), draw)


def test_a_seed_generator_is_replaced_and_not_advanced():
    generator = keras.random.SeedGenerator(77)
    single, state = initializers.RandomNormal(seed=generator), numpy(generator.state)
    multi = MultiInitializer(single, SEEDS, BASE_SEED)
    expected = [numpy(initializers.RandomNormal(seed=BASE_SEED + seed)(SHAPE)) for seed in SEEDS]
    for _ in range(2):
        np.testing.assert_array_equal(numpy(multi((3, *SHAPE))), expected)
    np.testing.assert_array_equal(numpy(generator.state), state)
    assert single.seed is generator
    twin = initializers.deserialize(initializers.serialize(multi))
    assert initializers.serialize(twin) == initializers.serialize(multi)
    np.testing.assert_array_equal(numpy(twin((3, *SHAPE))), expected)


def test_the_given_config_is_not_changed():
    config = {"class_name": "RandomNormal", "config": {"stddev": 0.05, "seed": 5}}
    MultiInitializer(config, SEEDS)((3, *SHAPE))
    assert config == {"class_name": "RandomNormal", "config": {"stddev": 0.05, "seed": 5}}


@pytest.mark.parametrize(
    "seeds",
    [np.array([3, 11, 200]), [np.int32(3), np.uint8(11), 200], (3, 11, 200), iter((3, 11, 200))],
    ids=["array", "numpy integers", "tuple", "iterator"],
)
def test_integers_of_numpy(seeds):
    multi = MultiInitializer("random_uniform", seeds, np.int64(BASE_SEED))
    assert multi.replica_seeds == SEEDS
    assert all(type(seed) is int for seed in (*multi.replica_seeds, multi.base_seed))
    expected = MultiInitializer("random_uniform", SEEDS, BASE_SEED)((3, *SHAPE))
    np.testing.assert_array_equal(numpy(multi((3, *SHAPE))), numpy(expected))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda one: one.__name__)
def test_round_trip(cls):
    multi = MultiInitializer(cls(), SEEDS, BASE_SEED)
    config = initializers.serialize(multi)
    twin = initializers.deserialize(config)
    assert isinstance(twin, MultiInitializer)
    assert initializers.serialize(twin) == config
    shape = (3, 8, 1, 5) if cls is initializers.STFT else (3, *SHAPE)
    np.testing.assert_array_equal(numpy(twin(shape)), numpy(multi(shape)))
    np.testing.assert_array_equal(numpy(multi.clone()(shape)), numpy(multi(shape)))


class Reporting:
    """An initializer that is none of Keras' classes, but has a config."""

    def __init__(self, seed=None):
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return keras.random.normal(shape, dtype=dtype, seed=self.seed)

    def get_config(self):
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Silent(keras.initializers.Initializer):
    """Takes a seed, but its config does not say so."""

    def __init__(self, seed=None):
        self.seed = seed


def test_a_class_of_ones_own_gets_the_seeds():
    stacked = numpy(MultiInitializer(Reporting(), SEEDS)((3, *SHAPE)))
    for slot, seed in enumerate(SEEDS):
        np.testing.assert_array_equal(stacked[slot], numpy(Reporting(seed)(SHAPE)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zeros", []), "at least one"),
        (("zeros", 3), "sequence of integers.*replica_seeds=3"),
        (("zeros", "12"), "sequence of integers"),
        (("zeros", [1.0]), "`replica_seeds` must be integer.*1.0.*float"),
        (("zeros", [True]), "not bool"),
        (("zeros", np.array([[1, 2]])), "one axis"),
        (("zeros", np.array(3)), "one axis"),
        (("zeros", [1], 1.5), "`base_seed` must be integer"),
        ((None, [1]), "initializer of one replica.*None"),
        ((MultiInitializer("zeros", [1]), [1]), "initializer of one replica"),
        ((Silent(3), [1]), "no config that reports it"),
        (("no_such", [1]), "no_such"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiInitializer(*arguments)


@pytest.mark.parametrize("shape", [(), (2, 4, 5), (4, 4, 5)])
def test_wrong_number_of_replicas(shape):
    with pytest.raises(ValueError, match="must be 3"):
        MultiInitializer("zeros", SEEDS)(shape)


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 5\).*\(5,\)"):
        MultiInitializer(lambda shape, dtype=None: np.ones(5), SEEDS)((3, *SHAPE))
