"""MultiDense: each replica is a Dense of its own, and knows nothing of the others."""

from __future__ import annotations

import inspect
import json
import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import constraints, initializers, ops, regularizers
from keras.src.testing import TestCase

from replicafit.layers import MultiDense

SEEDS = (3, 11, 200)
BASE_SEED = 40
B, R, N, F, UNITS = 2, 3, 6, 4, 5


def classes(module, base):
    """All that Keras offers in a module, its abstract base apart."""
    found = {one for one in vars(module).values() if isinstance(one, type) and one is not base}
    return sorted(found, key=lambda one: one.__name__)


INITIALIZERS = classes(initializers, initializers.Initializer)
REGULARIZERS = classes(regularizers, regularizers.Regularizer)
CONSTRAINTS = classes(constraints, constraints.Constraint)


def by_name(one):
    return getattr(one, "__name__", str(one))


def numpy(values):
    return np.asarray(ops.convert_to_numpy(values))


def inputs(first=False, scale=1.0):
    shape = (B, N, F) if first else (B, R, N, F)
    return scale * np.random.default_rng(0).normal(size=shape).astype("float32")


def with_seed(single, seed):
    single = initializers.get(single)
    config = single.get_config() if hasattr(single, "get_config") else {}
    return type(single).from_config({**config, "seed": seed}) if "seed" in config else single


def make(build=True, **settings_):
    layer = MultiDense(UNITS, SEEDS, base_seed=BASE_SEED, **settings_)
    if build:
        layer.build((None, None, F) if layer.is_first_layer else (None, R, None, F))
    return layer


def own_dense(slot, kernel_initializer="glorot_uniform", bias_initializer="zeros", **settings_):
    """The plain Dense that slot ``slot`` stands for, built."""
    seed = BASE_SEED + SEEDS[slot]
    dense = keras.layers.Dense(
        UNITS,
        kernel_initializer=with_seed(kernel_initializer, seed),
        bias_initializer=with_seed(bias_initializer, seed),
        **settings_,
    )
    dense.build((None, F))
    return dense


def skip_without(dtype):
    """JAX has float64 only where JAX_ENABLE_X64 is set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if (
            dtype == "float64"
            and keras.backend.standardize_dtype(ops.ones(1, dtype).dtype) != dtype
        ):
            pytest.skip("this backend is set to 32 bits")


def total(losses):
    return sum(float(one) for one in losses)


# --- weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", INITIALIZERS, ids=by_name)
def test_weights_are_those_of_single_layers_bitwise(cls):
    if cls is initializers.STFT:
        pytest.skip("not for two axes; see test_same_error_as_dense")
    bias = "ones" if cls is initializers.Identity else cls()
    single = {"kernel_initializer": cls(), "bias_initializer": bias}
    if cls is initializers.Orthogonal:
        single["bias_initializer"] = "random_normal"  # Orthogonal wants two axes
    layer = make(**single)
    assert [weight.name for weight in layer.weights] == ["kernel", "bias"]
    assert [tuple(weight.shape) for weight in layer.weights] == [(R, F, UNITS), (R, 1, UNITS)]
    for slot in range(R):
        dense = own_dense(slot, **single)
        assert numpy(layer.kernel)[slot].tobytes() == numpy(dense.kernel).tobytes()
        assert numpy(layer.bias)[slot, 0].tobytes() == numpy(dense.bias).tobytes()


@pytest.mark.parametrize(
    "settings_",
    [
        {"kernel_initializer": initializers.STFT()},
        {"bias_initializer": initializers.STFT()},
        {"bias_initializer": "identity"},
        {"bias_initializer": "orthogonal"},
        {"kernel_initializer": "no_such"},
    ],
)
def test_same_error_as_dense(settings_):
    with pytest.raises(ValueError) as of_dense:  # noqa: PT011  its text is the reference
        keras.layers.Dense(UNITS, **settings_).build((None, F))
    with pytest.raises(ValueError) as ours:  # noqa: PT011
        make(**settings_)
    assert str(ours.value) == str(of_dense.value)


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16", "bfloat16"])
def test_weights_in_every_precision(dtype):
    skip_without(dtype)
    single = {"kernel_initializer": "he_normal", "bias_initializer": "random_uniform"}
    layer = make(dtype=dtype, **single)
    for slot in range(R):
        dense = own_dense(slot, dtype=dtype, **single)
        assert layer.kernel.dtype == dense.kernel.dtype
        assert numpy(layer.kernel)[slot].tobytes() == numpy(dense.kernel).tobytes()
        assert numpy(layer.bias)[slot, 0].tobytes() == numpy(dense.bias).tobytes()


def test_bias_initializer_sees_the_shape_dense_shows_even_for_one_feature():
    seen = []

    def spy(shape, dtype=None):
        seen.append(tuple(shape))
        return ops.zeros(shape, dtype)

    MultiDense(UNITS, [1, 2], kernel_initializer=spy, bias_initializer=spy).build(
        (None, 2, None, 1)
    )
    assert seen == [(1, UNITS)] * 2 + [(UNITS,)] * 2


def test_initializers_none_is_the_default_of_dense():
    layer = make(kernel_initializer=None, bias_initializer=None)
    dense = own_dense(1, bias_initializer="glorot_uniform")
    np.testing.assert_array_equal(numpy(layer.kernel)[1], numpy(dense.kernel))
    np.testing.assert_array_equal(numpy(layer.bias)[1, 0], numpy(dense.bias))


def test_given_initializer_is_not_changed():
    single = initializers.GlorotUniform(seed=5)
    layer = make(kernel_initializer=single)
    assert layer.kernel_initializer is single
    assert single.seed == 5


def test_seed_generator_is_replaced_and_saved(tmp_path):
    generator = keras.random.SeedGenerator(77)
    state = numpy(generator.state)
    layer = make(kernel_initializer=initializers.HeNormal(seed=generator))
    for slot in range(R):
        dense = own_dense(slot, kernel_initializer="he_normal")
        assert numpy(layer.kernel)[slot].tobytes() == numpy(dense.kernel).tobytes()
    np.testing.assert_array_equal(numpy(generator.state), state)
    assert layer._seed_generators == []
    model = keras.Sequential([keras.Input((R, None, F)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").layers[0]
    assert loaded.get_config() == layer.get_config()
    fresh = MultiDense.from_config(layer.get_config())
    fresh.build((None, R, None, F))
    for twin in (loaded, fresh):
        np.testing.assert_array_equal(numpy(twin.kernel), numpy(layer.kernel))


# --- output ----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [False, True], ids=["inner", "first"])
@pytest.mark.parametrize("use_bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("activation", [None, "tanh", "softmax", ops.square], ids=by_name)
def test_output_equals_stack_of_single_layers(first, use_bias, activation):
    settings_ = {"use_bias": use_bias, "activation": activation, "bias_initializer": "ones"}
    layer, x = make(is_first_layer=first, **settings_), inputs(first)
    outputs = numpy(layer(x))
    assert outputs.shape == (B, R, N, UNITS) == layer.compute_output_shape(x.shape)
    for slot in range(R):
        expected = numpy(own_dense(slot, **settings_)(x if first else x[:, slot]))
        np.testing.assert_allclose(outputs[:, slot], expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=8)
@given(*[st.sampled_from([1, 3])] * 5, st.booleans())
def test_shapes(b, r, n, f, units, first):
    x = np.ones((b, n, f) if first else (b, r, n, f), "float32")
    layer = MultiDense(units, range(r), is_first_layer=first, bias_initializer="ones")
    outputs = numpy(layer(x))
    assert outputs.shape == (b, r, n, units) == layer.compute_output_shape(x.shape)
    expected = 1 + numpy(layer.kernel).sum(axis=1)[None, :, None, :]
    np.testing.assert_allclose(outputs, np.broadcast_to(expected, outputs.shape), rtol=1e-4)


def test_stack_of_layers_with_unknown_b_and_n():
    x = keras.Input((None, F))
    hidden = make(build=False, is_first_layer=True, activation="tanh")(x)
    model = keras.Model(x, MultiDense(2, SEEDS)(hidden))
    assert tuple(hidden.shape) == (None, R, None, UNITS)
    assert tuple(model.output.shape) == (None, R, None, 2)
    for b, n in [(1, 7), (3, 2)]:
        assert model.predict(np.ones((b, n, F)), verbose=0).shape == (b, R, n, 2)


def test_one_replica_keeps_its_axis():
    layer = MultiDense(UNITS, [7], is_first_layer=True)
    assert tuple(layer(inputs(first=True)).shape) == (B, 1, N, UNITS)


@pytest.mark.parametrize(("dtype", "compute"), [("mixed_bfloat16", "bfloat16"), ("float64",) * 2])
def test_precision_of_the_output(dtype, compute):
    skip_without(compute)
    layer = make(dtype=dtype)
    assert keras.backend.standardize_dtype(layer(inputs()).dtype) == compute


def test_mask_gets_the_replica_axis():
    mask = np.arange(B * N).reshape(B, N) % 2 == 0
    widened = numpy(make(is_first_layer=True).compute_mask(None, ops.convert_to_tensor(mask)))
    np.testing.assert_array_equal(widened, np.broadcast_to(mask[:, None], (B, R, N)))
    assert make().compute_mask(None, mask) is mask
    assert make(is_first_layer=True).compute_mask(None, None) is None


# --- independence ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", [False, True], ids=["inner", "first"])
@pytest.mark.parametrize("weight", [0, 1], ids=["kernel", "bias"])
@pytest.mark.parametrize("change", [1.0, 1e30, np.inf, np.nan])
def test_what_happens_to_a_slot_stays_in_it(first, weight, change):
    """The Jacobian is block diagonal over replicas, and NaN in one slot stays there."""
    layer, x = make(is_first_layer=first, activation="tanh"), inputs(first)
    before = numpy(layer(x))
    for slot in range(R):
        values = layer.get_weights()
        original = [one.copy() for one in values]
        values[weight][slot] += change
        layer.set_weights(values)
        after = numpy(layer(x))
        layer.set_weights(original)
        others = [other for other in range(R) if other != slot]
        np.testing.assert_array_equal(after[:, others], before[:, others])
        assert not np.array_equal(after[:, slot], before[:, slot])


def test_inputs_of_a_slot_reach_only_its_output():
    layer, x = make(), inputs()
    before = numpy(layer(x))
    x[:, 1] = np.nan
    after = numpy(layer(x))
    assert np.isnan(after[:, 1]).all()
    np.testing.assert_array_equal(after[:, [0, 2]], before[:, [0, 2]])


@pytest.mark.parametrize(
    "constraint", [None, constraints.MaxNorm, constraints.UnitNorm], ids=by_name
)
def test_training_step_equals_that_of_single_layers(constraint):
    def settings_():
        shaped = constraint() if constraint else None
        return {
            "kernel_regularizer": regularizers.OrthogonalRegularizer(0.3),
            "bias_regularizer": "l2",
            "bias_initializer": "random_normal",
            "kernel_constraint": shaped,
            "bias_constraint": shaped,
        }

    def trained(layer, x, loss):
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        model.compile(optimizer=keras.optimizers.SGD(0.05), loss=loss)
        model.fit(x, np.zeros_like(numpy(layer(x))), batch_size=len(x), epochs=3, verbose=0)

    def squares(y_true, y_pred):
        """(b,): Keras averages over b, so the replicas' losses add up."""
        return ops.sum(ops.reshape(ops.square(y_pred - y_true), (B, -1)), axis=-1)

    layer, x = make(**settings_()), inputs(scale=0.3)
    trained(layer, x, squares)
    for slot in range(R):
        dense = own_dense(slot, **settings_())
        trained(dense, x[:, slot], squares)
        np.testing.assert_allclose(numpy(layer.kernel)[slot], numpy(dense.kernel), atol=2e-6)
        np.testing.assert_allclose(numpy(layer.bias)[slot, 0], numpy(dense.bias), atol=2e-6)


# --- regularizers and constraints ------------------------------------------------------------


def regularizer_settings(cls):
    bias = "l1" if cls is regularizers.OrthogonalRegularizer else cls(0.3)
    return {
        "kernel_regularizer": cls(0.2),
        "bias_regularizer": bias,
        "bias_initializer": "random_normal",
    }


@pytest.mark.parametrize("cls", REGULARIZERS, ids=by_name)
def test_loss_is_the_sum_of_single_layers(cls):
    layer = make(**regularizer_settings(cls))
    singles = [total(own_dense(slot, **regularizer_settings(cls)).losses) for slot in range(R)]
    assert all(single > 0 for single in singles)
    np.testing.assert_allclose(numpy(layer.replica_penalties()), singles, rtol=1e-5)
    np.testing.assert_allclose(total(layer.losses), sum(singles), rtol=1e-5)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_regularizer_modes(mode):
    settings_ = {"kernel_regularizer": regularizers.OrthogonalRegularizer(0.5, mode)}
    singles = [total(own_dense(slot, **settings_).losses) for slot in range(R)]
    np.testing.assert_allclose(numpy(make(**settings_).replica_penalties()), singles, rtol=1e-5)


def test_regularizer_that_looks_across_the_bias():
    """A bias of one replica has one axis, as that of ``Dense``."""

    def spread(bias):
        assert len(bias.shape) == 1
        return ops.max(bias) - ops.min(bias)

    layer = make(bias_initializer="random_normal", bias_regularizer=spread)
    np.testing.assert_allclose(
        numpy(layer.replica_penalties()), np.ptp(numpy(layer.bias)[:, 0], axis=-1), rtol=1e-6
    )


def test_nan_in_one_slot_is_the_penalty_of_one_slot():
    layer = make(kernel_regularizer="orthogonal_regularizer", bias_regularizer="l2")
    values = layer.get_weights()
    values[0][1] = np.nan
    layer.set_weights(values)
    np.testing.assert_array_equal(np.isnan(numpy(layer.replica_penalties())), [False, True, False])


def test_penalties_are_zero_without_regularizers_or_training():
    np.testing.assert_array_equal(numpy(make().replica_penalties()), np.zeros(R))
    frozen = make(kernel_regularizer="l2", trainable=False)
    np.testing.assert_array_equal(numpy(frozen.replica_penalties()), np.zeros(R))
    assert frozen.losses == []


def test_penalties_of_a_state_given_from_outside():
    layer = make(kernel_regularizer="l1")
    doubled = [(layer.kernel, 2 * layer.kernel.value)]
    with keras.StatelessScope(state_mapping=doubled):
        penalties = numpy(layer.replica_penalties())
    np.testing.assert_allclose(penalties, 2 * numpy(layer.replica_penalties()), rtol=1e-6)


@pytest.mark.parametrize("cls", [one for one in REGULARIZERS if "Orth" not in one.__name__])
@pytest.mark.parametrize("first", [False, True], ids=["inner", "first"])
def test_activity_regularizer_is_the_sum_of_single_layers(cls, first):
    layer, x = make(is_first_layer=first, activity_regularizer=cls(0.2)), inputs(first)
    layer(x)
    expected = 0.0
    for slot in range(R):
        dense = own_dense(slot, activity_regularizer=cls(0.2))
        dense(x if first else x[:, slot])
        expected += total(dense.losses)
    np.testing.assert_allclose(total(layer.losses), expected, rtol=1e-5)


def test_activity_regularizer_sees_one_replica():
    def largest(y):
        assert len(y.shape) == 3
        return ops.max(y)

    layer, x = make(activity_regularizer=largest), inputs()
    outputs = numpy(layer(x))
    assert total(layer.losses) == pytest.approx(outputs.max(axis=(0, 2, 3)).sum() / B, rel=1e-5)


@pytest.mark.parametrize("cls", CONSTRAINTS, ids=by_name)
def test_constraint_acts_on_each_replica(cls):
    # Weights of norm above 2, so that every constraint has something to do.
    layer = make(
        kernel_initializer=initializers.RandomNormal(0.0, 4.0),
        bias_initializer=initializers.RandomNormal(0.0, 4.0),
        kernel_constraint=cls(),
        bias_constraint=cls(),
    )
    kernels = numpy(layer.kernel.constraint(layer.kernel))
    biases = numpy(layer.bias.constraint(layer.bias))
    assert kernels.shape == (R, F, UNITS)
    assert biases.shape == (R, 1, UNITS)
    for slot in range(R):
        own_kernel, own_bias = (numpy(cls()(one)) for one in layer.split(slot).weights)
        np.testing.assert_allclose(kernels[slot], own_kernel, rtol=1e-6)
        np.testing.assert_allclose(biases[slot, 0], own_bias, rtol=1e-6)


# --- saving ----------------------------------------------------------------------------------

EVERYTHING = {
    "kernel_initializer": initializers.VarianceScaling(2.0, "fan_out", "normal"),
    "activation": "tanh",
    "bias_initializer": "random_normal",
    "kernel_regularizer": regularizers.OrthogonalRegularizer(0.3),
    "bias_regularizer": "l2",
    "activity_regularizer": regularizers.L1(0.25),
    "kernel_constraint": constraints.MaxNorm(1.5),
    "bias_constraint": "non_neg",
    "name": "hidden",
}


def test_config_is_complete_and_plain():
    layer = make(build=False, is_first_layer=True, use_bias=False, **EVERYTHING)
    config = layer.get_config()
    json.dumps(config)
    assert config["replica_seeds"] == list(SEEDS)
    assert config["activity_regularizer"]["class_name"] == "L1"
    arguments = set(inspect.signature(MultiDense).parameters) - {"kwargs"}
    assert arguments | {"name", "dtype", "trainable"} == set(config)
    assert config["base_seed"] == BASE_SEED
    twin = MultiDense.from_config(config)
    assert twin.get_config() == config
    dense = set(keras.layers.Dense(1, activity_regularizer="l1").get_config())
    assert dense - {"quantization_config"} <= set(config) | {"lora_rank", "lora_alpha"}


def test_config_with_integers_of_numpy():
    layer = MultiDense(np.int64(UNITS), np.array(SEEDS), base_seed=np.int32(BASE_SEED))
    config = layer.get_config()
    json.dumps(config)
    assert config["replica_seeds"] == list(SEEDS)
    layer.build((None, R, None, F))
    np.testing.assert_array_equal(numpy(layer.kernel), numpy(make().kernel))


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_round_trip_through_files(tmp_path, suffix):
    def model():
        x = keras.Input((None, F))
        hidden = make(build=False, is_first_layer=True, **EVERYTHING)(x)
        return keras.Model(x, MultiDense(2, SEEDS, name="last")(hidden))

    saved, path = model(), tmp_path / f"model{suffix}"
    saved.set_weights([one + 0.125 for one in saved.get_weights()])
    if suffix == ".keras":
        saved.save(path)
        loaded = keras.models.load_model(path)
        for twin, layer in zip(loaded.layers, saved.layers, strict=True):
            assert twin.get_config() == layer.get_config()
    else:
        saved.save_weights(path)
        loaded = model()
        loaded.load_weights(path)
    x = inputs(first=True)
    np.testing.assert_array_equal(numpy(loaded(x)), numpy(saved(x)))


def test_saved_as_variables_0_and_1():
    store = {}
    layer = make()
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    np.testing.assert_array_equal(store["0"], numpy(layer.kernel))
    np.testing.assert_array_equal(store["1"], numpy(layer.bias))


# Keras trains on a generator here and warns itself that it does not shuffle it.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
class TestKerasConformance(TestCase):
    """What Keras asks of its own layers: build, call, training, configs, mixed precision."""

    def test_inner_layer(self):
        self.run_layer_test(
            MultiDense,
            {"units": UNITS, "replica_seeds": list(SEEDS), "kernel_regularizer": "l2"},
            input_shape=(B, R, N, F),
            expected_output_shape=(B, R, N, UNITS),
            expected_num_trainable_weights=2,
            expected_num_non_trainable_weights=0,
            expected_num_seed_generators=0,
            expected_num_losses=1,
            supports_masking=True,
        )

    def test_first_layer(self):
        self.run_layer_test(
            MultiDense,
            {
                "units": UNITS,
                "replica_seeds": list(SEEDS),
                "is_first_layer": True,
                "use_bias": False,
                "activation": "tanh",
                "activity_regularizer": "l2",
            },
            input_shape=(B, N, F),
            expected_output_shape=(B, R, N, UNITS),
            expected_num_trainable_weights=1,
            expected_num_non_trainable_weights=0,
            expected_num_seed_generators=0,
            expected_num_losses=1,
            supports_masking=True,
        )


# --- splitting -------------------------------------------------------------------------------


@pytest.mark.parametrize("use_bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "mixed_float16"])
def test_split_is_the_plain_layer(use_bias, dtype):
    layer = make(dtype=dtype, use_bias=use_bias, **EVERYTHING)
    layer.set_weights([one * 1.25 for one in layer.get_weights()])
    x = inputs()
    outputs = numpy(layer(x)).astype("float64")
    for slot in range(R):
        dense = layer.split(np.int64(slot), features=None)
        assert type(dense) is keras.layers.Dense
        assert (dense.name, dense.use_bias, dense.built) == ("hidden", use_bias, True)
        assert "replicafit" not in json.dumps(dense.get_config())
        assert dense.get_config()["activation"] == "tanh"
        assert numpy(dense.kernel).tobytes() == numpy(layer.kernel)[slot].tobytes()
        if use_bias:
            assert numpy(dense.bias).tobytes() == numpy(layer.bias)[slot, 0].tobytes()
        rounding = 1e-5 if dtype == "float32" else 3e-2
        own = numpy(dense(x[:, slot])).astype("float64")
        np.testing.assert_allclose(own, outputs[:, slot], rtol=rounding, atol=rounding)


@pytest.mark.parametrize("slot", [-1, R, 1.0, "0"])
def test_no_such_slot(slot):
    with pytest.raises(ValueError, match="`slot` must be"):
        make().split(slot)


@pytest.mark.parametrize("use", [lambda layer: layer.split(0), MultiDense.replica_penalties])
def test_not_built(use):
    with pytest.raises(ValueError, match=r"only once it is built\. Call it"):
        use(make(build=False))


# --- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"units": 0}, "positive integer.*units=0"),
        ({"units": -3}, "positive integer.*units=-3"),
        ({"units": 2.0}, "`units` must be integer.*2.0"),
        ({"units": True}, "`units` must be integer.*True"),
        ({"replica_seeds": []}, "at least one"),
        ({"replica_seeds": 4}, "sequence of integers.*replica_seeds=4"),
        ({"replica_seeds": [1, 2.5]}, "`replica_seeds` must be integer.*2.5"),
        ({"base_seed": "a"}, "`base_seed` must be integer.*'a'"),
        ({"kernel_regularizer": "no_such"}, "no_such"),
        ({"lora_rank": 2}, "lora_rank"),
    ],
)
def test_bad_arguments(settings_, message):
    with pytest.raises(ValueError, match=message):
        MultiDense(**{"units": 2, "replica_seeds": [1, 2], **settings_})


@pytest.mark.parametrize(
    ("first", "shape", "message"),
    [
        (False, (B, N, F), r"number of axes.*\(b, 3, n, f\).*\(2, 6, 4\)"),
        (True, (B, R, N, F), r"number of axes.*\(b, n, f\).*\(2, 3, 6, 4\)"),
        (False, (B, 2, N, F), r"3 replicas.*\(2, 2, 6, 4\)"),
        (False, (B, 1, N, F), r"3 replicas.*\(2, 1, 6, 4\)"),
        (False, (B, R, N, F + 1), r"built for 4 features.*\(2, 3, 6, 5\)"),
        (True, (B, N, F + 1), r"built for 4 features.*\(2, 6, 5\)"),
    ],
)
def test_wrong_input(first, shape, message):
    layer = make(is_first_layer=first)
    with pytest.raises(ValueError, match=message):
        layer(np.ones(shape, "float32"))
    with pytest.raises(ValueError, match=message):
        layer.compute_output_shape(shape)


@pytest.mark.parametrize("shape", [(None, R, None, None), (None, R, F), (None, 2, None, F)])
def test_wrong_shape_to_build_for(shape):
    with pytest.raises(ValueError, match=r"takes inputs of shape \(b, 3, n, f\)"):
        make(build=False).build(shape)


def test_what_was_not_trained_is_not_trainable_after_split():
    layer = MultiDense(3, replica_seeds=[1, 2], is_first_layer=True, trainable=False)
    layer.build((None, 5, 2))
    assert not layer.split(1).trainable_variables
    layer.trainable = True
    assert len(layer.split(1).trainable_variables) == 2
