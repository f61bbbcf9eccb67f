"""Layers of Keras and of others, one copy for each replica."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from toy import TOY_CARD

from replicafit.components import LayerType
from replicafit.execution.plans import make_engine, make_plans
from replicafit.execution.verify import verify
from replicafit.forward.assembly import load_data
from replicafit.layers import MultiDense, replicate
from replicafit.plugins import Plugin, Registry
from replicafit.runcard import load_setup
from replicafit.testing import check_layer
from replicafit.training.loop import train
from replicafit.training.status import Status

SEEDS = (3, 1, 4)
FEATURES = np.random.default_rng(1).normal(size=(1, 3, 7, 6)).astype(np.float32)
CERTIFIED = [
    ("Dense", {"units": 5, "activation": "tanh"}),
    ("Dense", {"units": 5, "kernel_regularizer": "l2", "kernel_constraint": "max_norm"}),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": [5], "bias_axes": "c"}),
    ("LayerNormalization", {}),
    ("RMSNormalization", {}),
    ("GroupNormalization", {"groups": 2}),
    ("UnitNormalization", {}),
    ("PReLU", {"alpha_initializer": "random_normal"}),
    ("Rescaling", {"scale": 2.0, "offset": 0.1}),
    ("Activation", {"activation": "gelu"}),
    ("LeakyReLU", {}),
    ("ELU", {}),
    ("ReLU", {"max_value": 1.0}),
    ("Softmax", {}),
    ("Identity", {}),
]


@keras.saving.register_keras_serializable(package="test_replicate")
class Gate(keras.layers.Layer):
    """One replica of a layer that somebody wrote: a weight of its own and a layer of Keras."""

    def __init__(self, kernel_initializer="glorot_normal", **kwargs):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.dense = keras.layers.Dense(6, kernel_initializer=self.kernel_initializer)

    def build(self, shape):
        self.slope = self.add_weight(shape=(shape[-1],), initializer=self.kernel_initializer)
        self.dense.build(shape)

    def call(self, features):
        return features * ops.sigmoid(self.dense(features) + self.slope)

    def get_config(self):
        own = {"kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="test_replicate")
class Careless(Gate):
    """Its weight is not drawn by an initializer."""

    def build(self, shape):
        super().build(shape)
        self.slope.assign(keras.random.normal(self.slope.shape))


@keras.saving.register_keras_serializable(package="test_replicate")
class Positive(keras.layers.Layer):
    """Its call computes with a weight alone."""

    def build(self, shape):
        self.slope = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, features):
        return features * ops.exp(self.slope)


@keras.saving.register_keras_serializable(package="test_replicate")
class Fourier(keras.layers.Layer):
    """Fixed random features, of an initializer that no config reports, and a trained scale."""

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, shape):
        self.waves = self.add_weight(
            name="waves",
            shape=(shape[-1], 4),
            initializer=keras.initializers.RandomNormal(stddev=2.0, seed=self.seed),
            trainable=False,
        )
        self.scale = self.add_weight(name="scale", shape=(4,), initializer="glorot_uniform")
        self.shift = self.add_weight(name="shift", shape=(4,), initializer="ones", trainable=False)

    def call(self, features):
        return ops.sin(ops.matmul(features, self.waves) + self.shift) * self.scale

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


class Counts(Fourier):
    """Changes a weight of its own when it is called."""

    def call(self, features):
        self.shift.assign(self.shift + 1)
        return super().call(features)


keras.saving.register_keras_serializable(package="test_replicate")(Counts)


class Nameless(keras.layers.Layer):
    """Cannot be made again."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale


@pytest.mark.parametrize(("layer", "config"), CERTIFIED, ids=lambda v: str(v)[:20])
def test_layer_of_keras_conforms(registry, layer, config):
    check_layer("keras", registry, layer=layer, config=config)


@pytest.mark.parametrize(("layer", "config"), [CERTIFIED[0], CERTIFIED[8]])
def test_layer_of_keras_conforms_as_the_first(registry, layer, config):
    check_layer("keras", registry, features=0, layer=layer, config=config)


def registry_of(build, **more) -> Registry:
    gate = LayerType(name="gate", build=build, **more)
    return Registry(plugins=(Plugin("one", "one", "0", "one", (gate,)),))


def test_layer_of_a_plugin_author_conforms_from_one_replica():
    """``split`` too: what is not Keras' own leaves as operations."""
    registry = registry_of(lambda _, context: replicate(Gate(), context.replica_seeds))
    check_layer("gate", registry, features=6)


@pytest.mark.parametrize("seed", [None, 0])
def test_a_plain_layer_with_constants_conforms(seed):
    check_layer("gate", registry_of(lambda settings: Fourier(seed)), features=6)
    check_layer("gate", registry_of(lambda settings: Fourier(seed)), features=0)


def test_constants_are_of_each_replica_alone():
    layer = replicate(Fourier(seed=0), SEEDS)
    layer(FEATURES)
    scale, waves, shift = layer.get_weights()
    assert len(layer.trainable_variables) == 1
    assert all(len({row.tobytes() for row in drawn}) == 3 for drawn in (scale, waves))
    assert (shift == 1).all()
    with pytest.raises(ValueError, match="must hold all replicas itself"):
        check_layer("gate", registry_of(lambda settings: Fourier(), needs_x=True), features=6)


SINGLES = [keras.layers.Dense(5, "tanh"), keras.layers.PReLU(), Gate(), Fourier()]


@pytest.mark.parametrize("single", SINGLES)
def test_a_slot_is_bitwise_the_layer_on_its_own(single):
    together = replicate(single, SEEDS)
    outputs = np.asarray(together(FEATURES))
    for slot, seed in enumerate(SEEDS):
        alone = replicate(single, [seed])
        np.testing.assert_allclose(
            np.asarray(alone(FEATURES[:, [slot]]))[:, 0], outputs[:, slot], rtol=1e-5, atol=1e-6
        )
        rows = FEATURES[0, slot]
        ours = np.asarray(together.split(slot)(rows))
        np.testing.assert_array_equal(ours, np.asarray(alone.split(0)(rows)))
        np.testing.assert_allclose(ours, outputs[0, slot], rtol=1e-5, atol=1e-6)


def test_trained_weights_come_back_from_a_saved_network(tmp_path):
    layer = replicate(Gate(), SEEDS)
    layer(FEATURES)
    keras.Sequential([keras.Input((6,)), layer.split(2)]).save(tmp_path / "network.keras")
    (plain,) = keras.models.load_model(tmp_path / "network.keras").layers
    for stacked, back in zip(layer.trainable_variables, layer.trained_from(plain), strict=True):
        np.testing.assert_array_equal(back, ops.convert_to_numpy(stacked)[2])


def test_a_weight_that_is_changed_before_it_meets_the_input_does_not_come_back():
    layer = replicate(Positive(), SEEDS)
    layer(FEATURES)
    with pytest.raises(ValueError, match="let each weight meet the input as it is"):
        layer.trained_from(layer.split(0))


def test_dense_is_what_multi_dense_makes():
    ours, theirs = replicate(keras.layers.Dense(5), SEEDS), MultiDense(5, SEEDS)
    np.testing.assert_allclose(np.asarray(ours(FEATURES)), np.asarray(theirs(FEATURES)), rtol=1e-5)
    np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])


def test_initializers_of_one_replica_draw_apart():
    weights = replicate(Gate(keras.initializers.RandomNormal(seed=1)), SEEDS)
    weights(FEATURES)
    flat = [w.reshape(3, -1) for w in weights.get_weights()]
    assert all(len({row.tobytes() for row in w}) == 3 for w in flat if w.any())


def test_regularizers_and_constraints_act_on_each_replica():
    layer = replicate(
        keras.layers.Dense(5, kernel_regularizer="l2", activity_regularizer="l2"), SEEDS
    )
    outputs = np.asarray(layer(FEATURES))
    kernel = layer.get_weights()[0]
    assert float(sum(layer.losses)) == pytest.approx(
        0.01 * ((kernel**2).sum() + (outputs**2).sum()), rel=1e-5
    )
    layer = replicate(
        keras.layers.Dense(5, kernel_constraint=keras.constraints.MaxNorm(0.5)), SEEDS
    )
    layer(FEATURES)
    loud = layer.get_weights()[0]
    quiet = np.asarray(layer.stacked[0].constraint(loud))[1:]
    loud[0] *= 1000
    np.testing.assert_array_equal(np.asarray(layer.stacked[0].constraint(loud))[1:], quiet)


REFUSED = [
    (keras.layers.Dropout(0.5), "random numbers"),
    (keras.layers.GaussianNoise(1.0), "random numbers"),
    (keras.layers.BatchNormalization(), "moving_mean"),
    (keras.layers.Normalization(), "keeps state"),
    (keras.layers.SpectralNormalization(keras.layers.Dense(3)), "keeps state that changes"),
    (keras.layers.Add(), "one tensor"),
    (keras.layers.MultiHeadAttention(2, 2), "one tensor"),
    (keras.layers.LSTM(3), "one tensor"),
    (keras.layers.Reshape((6, 1)), "must map"),
    (keras.layers.UnitNormalization(axis=0), "across grid points"),
    (Careless(), "shared random state"),
    (Counts(), r"keeps state that changes .*shift"),
]


@pytest.mark.parametrize(("single", "why"), REFUSED, ids=lambda v: type(v).__name__)
def test_what_cannot_be_vectorised_is_refused_with_the_reason(single, why):
    with pytest.raises(ValueError, match=f"cannot be replicated.*{why}"):
        replicate(single, SEEDS)(FEATURES)


def test_what_cannot_be_copied_is_refused():
    for bad in (Nameless(2.0), "Dense", lambda x: x):
        with pytest.raises(ValueError, match="get_config"):
            replicate(bad, SEEDS)


@pytest.mark.parametrize("name", ["Dropout", "GaussianNoise", "BatchNormalization"])
def test_what_is_known_to_tie_replicas_is_refused_before_keras(registry, name):
    settings = registry.get(LayerType, "keras").settings
    with pytest.raises(ValueError, match=f"{name} cannot be replicated"):
        settings(layer=name)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"layer": "Dnse"}, "no layer 'Dnse'; did you mean 'Dense'"),
        ({"layer": "Input"}, "no layer class"),
        ({"layer": "Dense", "config": {"unts": 3}}, "does not take this config"),
    ],
)
def test_a_wrong_layer_or_config_is_refused(registry, settings, why):
    with pytest.raises(ValueError, match=why):
        check_layer("keras", registry, **settings)


def test_shapes_are_checked():
    layer = replicate(keras.layers.Dense(5), SEEDS)
    with pytest.raises(ValueError, match=r"\(b, 3, n, f\)"):
        layer(FEATURES[:, :2])
    with pytest.raises(ValueError, match="once it is built"):
        layer.split(0)


LAYERS = """
    - {type: keras, layer: Rescaling, config: {scale: 0.5}}
    - {type: multi_dense, units: 6, activation: tanh}
    - {type: keras, layer: LayerNormalization}
    - {type: keras, layer: PReLU}
    - {type: keras, layer: EinsumDense, config: {equation: "ab,bc->ac", output_shape: [8]}}
"""


@pytest.fixture(scope="module")
def replicated_card(toy_folder):
    old = TOY_CARD[
        TOY_CARD.index("\n    - {type: multi_dense") : TOY_CARD.index("    - {type: prep")
    ]
    card = toy_folder / "replicated.yml"
    card.write_text(TOY_CARD.replace(old, LAYERS).replace("max_steps: 60", "max_steps: 20"))
    return card


def test_the_compiled_engine_trains_it(registry, replicated_card):
    setup = load_setup(replicated_card, registry=registry)
    (plan,) = make_plans(setup, load_data(setup), (1, 2, 3))
    batch = plan.prepare((1, 2, 3))
    before = [np.asarray(w) for w in batch.state.weights]
    advance = make_engine(plan, batch.model).compiled()
    *_, last = train(advance, batch.state, batch.constants, plan.schedule)
    assert (last.state.status == Status.completed).all()
    for old, new in zip(before, last.state.weights, strict=True):
        assert all((a != b).any() for a, b in zip(old, np.asarray(new), strict=True))


@pytest.mark.slow
def test_the_law_holds_in_the_compiled_engine(registry, replicated_card):
    """Replicas alone, together, beside a loud one and one that diverges: bitwise."""
    cases = verify(load_setup(replicated_card, registry=registry), replicas=3, many=50)
    assert cases
    assert all(case.holds for case in cases)
