"""Certifies a layer type."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from replicafit.components import LayerContext, LayerType
from replicafit.components.inputs import UNIT, Input
from replicafit.layers.replicate import layer_of
from replicafit.layers.warm_start import weights_of
from replicafit.plugins import Registry, load_registry
from replicafit.seeds import Seeds
from replicafit.testing.conformance import ConformanceError, array, close, require, same, tensor

FLAVOURS = ("f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8")


def check_layer(
    name: str,
    registry: Registry | None = None,
    features: int = len(FLAVOURS),
    replicas: int = 3,
    flavours: Sequence[str] = FLAVOURS,
    inputs: Sequence[Input] = UNIT,
    **settings: Any,
) -> None:
    """Checks every rule that a layer type must keep.

    Shapes, of which ``size`` and ``flavours`` tell; config round trip through ``.keras``; no slot's
    output depends on another slot's weights; all that differs between replicas is in weights; a
    stack of r replicas equals r single ones; ``split`` gives the same function as plain Keras, from
    which a later fit can start; a NaN in one slot stays there. A layer that does something else in
    training, whose ``call`` takes ``training``, keeps the rules of slots there too. "No other slot"
    is bitwise; where one way of computing is held against another (stack and singles, split)
    2e-5 |value| + 1e-6 is allowed.

    Args:
        name: the ``type`` a runcard writes.
        registry: where to look; by default all installed plugins.
        features: how many features reach the layer, f.
        replicas: how many replicas to stack, at least 2.
        flavours: their names, if the layer looks at them; as many as features are used.
        inputs: what the functions depend on, with the range of each, length m.
        settings: the layer's settings.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    kind = (registry or load_registry()).get(LayerType, name)
    model = kind.settings.model_validate({"type": name, **settings})
    numbers = tuple(range(1, replicas + 1))
    known = tuple(flavours[:features])
    layer_test = _LayerTest(kind, model, features, numbers, known, tuple(inputs))
    layer_test.shapes()
    layer_test.round_trip()
    layer_test.stack_equals_singles()
    layer_test.slots_do_not_mix()
    layer_test.weights_are_all()
    layer_test.split_is_plain()
    layer_test.trained_weights_come_back()
    if layer_test.takes_training:
        layer_test.train()
        layer_test.stack_equals_singles()
        layer_test.slots_do_not_mix()


class _LayerTest:
    """One layer, built for some replica numbers, with inputs to try it on."""

    def __init__(
        self,
        kind: LayerType,
        settings: Any,
        features: int,
        numbers: tuple[int, ...],
        flavours: tuple[str, ...],
        depends_on: tuple[Input, ...] = UNIT,
    ) -> None:
        self.kind, self.settings, self.features, self.numbers = kind, settings, features, numbers
        self.flavours, self.depends_on = flavours, depends_on
        nodes = kind.extra_grid(settings) if kind.extra_grid else np.empty(0)
        self.nodes = len(nodes)
        within = [one.unscaled(np.linspace(0.05, 0.95, 7)) for one in depends_on]
        self.x = np.stack([np.concatenate([nodes, each]) for each in within], axis=-1)[None]
        self.inputs = self._inputs()
        self.training: dict[str, bool] = {}
        self.layer = self._build(numbers)
        self.outputs = self._call(self.layer, self.inputs)
        self.start = self.layer.get_weights()
        self.takes_training = "training" in inspect.signature(self.layer.call).parameters

    def train(self) -> None:
        """From here on every call is the first call of the layer in training."""
        self.training = {"training": True}
        self.outputs = self._call(self.layer, self.inputs)

    def _inputs(self) -> np.ndarray:
        """Features (1, r, n, f) drawn per replica number, or x itself before replicas."""
        if self.features == 0:
            return self.x
        draws = [
            Seeds(0).generator(k, "check_layer").uniform(0.5, 1.5, (self.x.shape[1], self.features))
            for k in self.numbers
        ]
        return np.stack(draws)[None]

    def _build(self, numbers: tuple[int, ...]) -> Any:
        seeds = Seeds(0)
        context = LayerContext(
            position=0,
            replica_seeds=tuple(seeds.integer(k, "layer/0") for k in numbers),
            generators=tuple(seeds.generator(k, "layer/0") for k in numbers),
            flavours=self.flavours,
            has_replica_axis=self.features > 0,
            node_start=0,
            node_count=self.nodes,
            x_grid=np.stack([one.grid(30) for one in self.depends_on], axis=-1),
            inputs=self.depends_on,
        )
        return layer_of(self.kind, self.settings, context)

    def _call(self, layer: Any, inputs: np.ndarray) -> np.ndarray:
        given = (inputs, self.x) if self.kind.needs_x else (inputs,)
        return array(layer(*map(tensor, given), **self.training))

    @property
    def _has_replicas(self) -> bool:
        return self.outputs.ndim == 4

    def shapes(self) -> None:
        """The replica axis comes right after b, the grid axis keeps its length."""
        n, shape = self.x.shape[1], self.outputs.shape
        whole = (1, len(self.numbers), n)
        require(
            shape[:-1] == whole or (self.features == 0 and shape[:-1] == (1, n)),
            "shapes",
            f"inputs {self.inputs.shape} became {shape}; allowed are (b, r, n, g) with b, r, n = "
            f"{whole}.",
        )
        given = [self.inputs.shape, *([self.x.shape] if self.kind.needs_x else [])]
        inferred = tuple(self.layer.compute_output_shape(*given))
        require(
            inferred == shape, "shapes", f"compute_output_shape gives {inferred}, the call {shape}."
        )
        nodes, f = self.x[0, : self.nodes, 0], self.features or len(self.depends_on)
        require(not self.depends_on[0].outside(nodes).any(), "grid points", f"{nodes} are outside.")
        own = sum(int(np.prod(v.shape[1:])) for v in self.layer.trainable_variables)
        said = self.kind.size(self.settings, f) if self.kind.size else None
        found = (shape[-1], own)
        require(said in (None, found), "size", f"it says {said} of {f} features, found {found}.")
        names = self.kind.flavours(self.settings, self.flavours) if self.kind.flavours else ()
        fit = not names or len(self.flavours) != self.features or len(names) == shape[-1]
        require(fit, "flavours", f"it names {names}, but {shape[-1]} features leave it.")

    def round_trip(self) -> None:
        """Saved to .keras and loaded, the layer gives bitwise the same."""
        tensors = [keras.Input(self.inputs.shape[1:])]
        if self.kind.needs_x:
            tensors.append(keras.Input(self.x.shape[1:]))
        model = keras.Model(tensors, self.layer(*tensors))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "layer.keras"
            model.save(path)
            loaded = keras.models.load_model(path)
        twin = next(one for one in loaded.layers if one.name == self.layer.name)
        same("round trip through .keras", self._call(twin, self.inputs), self.outputs)

    def stack_equals_singles(self) -> None:
        """Each replica alone gives what it gives in the stack, to rounding."""
        if not self._has_replicas:
            return
        for slot, number in enumerate(self.numbers):
            alone = self._build((number,))
            inputs = self.inputs if self.features == 0 else self.inputs[:, slot : slot + 1]
            outputs = self._call(alone, inputs)
            close(f"stack equals singles (slot {slot})", outputs[:, 0], self.outputs[:, slot])

    def slots_do_not_mix(self) -> None:
        """Other weights or inputs in slot 0, or a NaN there, change no other slot, bitwise."""
        if not self._has_replicas:
            return
        for rule, factor, shift in (
            ("slots do not mix", 1.0, 1.0),
            ("a NaN stays in its slot", np.nan, 0.0),
        ):
            weights = [weight.copy() for weight in self.start]
            for weight in weights:
                if np.issubdtype(weight.dtype, np.floating):  # counts, which are integers, stay
                    weight[0] = factor * weight[0] + shift
            inputs = self.inputs.copy()
            if self.features:
                inputs[:, 0] = factor * inputs[:, 0] + shift
            self.layer.set_weights(weights)
            outputs = self._call(self.layer, inputs)
            self.layer.set_weights(self.start)
            same(rule, outputs[:, 1:], self.outputs[:, 1:])

    def weights_are_all(self) -> None:
        """With the weights of other replicas the layer gives what those give, bitwise.

        A slot that takes the next replica gets its weights and nothing else: a number that is kept
        in an attribute or in the compiled call would stay behind.
        """
        others = self._build(tuple(number + len(self.numbers) for number in self.numbers))
        expected = self._call(others, self.inputs)
        self.layer.set_weights(others.get_weights())
        outputs = self._call(self.layer, self.inputs)
        self.layer.set_weights(self.start)
        same("all that differs between replicas is in weights", outputs, expected)

    def split_is_plain(self) -> None:
        """The plain layer of each slot computes the same, and needs nothing of ours to load."""
        x = self.x[0].astype("float32")
        for slot in range(len(self.numbers)):
            plain = self.layer.split(slot, tensor(self.inputs))
            for part in getattr(plain, "layers", [plain]):
                require(
                    type(part).__module__.startswith("keras.")
                    and not isinstance(part, keras.layers.Lambda),
                    "split",
                    f"{type(part).__name__} is not a layer of Keras itself, so the exported "
                    "network would not open elsewhere. Build it from keras.layers and keras.ops.",
                )
            own = self.inputs[0] if self.features == 0 else self.inputs[0, slot]
            own = own.astype("float32")
            outputs = plain([own, x] if self.kind.needs_x else own)
            expected = self.outputs[0, slot] if self._has_replicas else self.outputs[0]
            close(f"split (slot {slot})", array(outputs), expected)

    def trained_weights_come_back(self) -> None:
        """A fit that starts from a network of an earlier one finds each slot's weights in it."""
        rule = "trained weights come back from split"
        own = [array(variable) for variable in self.layer.trainable_variables]
        for slot in range(len(self.numbers) if own else 0):
            try:
                found = weights_of(self.layer, self.layer.split(slot, tensor(self.inputs)))
            except ValueError as cause:
                raise ConformanceError(
                    f"{rule}: {cause}. Keep them as weights of the plain layer, or give the layer "
                    "trained_from(plain)."
                ) from cause
            for weight, back in zip(own, found, strict=True):
                close(f"{rule} (slot {slot})", back, weight[slot])
