"""From a runcard to one Keras model that holds all replicas of a batch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.components import LayerContext, LayerType
from replicafit.components.inputs import UNIT, Input
from replicafit.errors import ModelError, ReplicafitError
from replicafit.forward.planning import refuse_other_width
from replicafit.layers.grid import DropNodes, JoinNodes
from replicafit.layers.replicate import layer_of
from replicafit.layers.warm_start import start_from
from replicafit.runcard import Setup
from replicafit.runcard.models import flavours_along
from replicafit.seeds import Seeds

NO_GRID = np.empty((0, 1))
NO_START: Mapping[int, Path] = MappingProxyType({})
HOW_TO_SPLIT = (
    "A layer that holds all replicas needs split(slot, features), which gives the plain Keras "
    "layer of one; a layer without split is one replica's and is replicated "
    "(docs/how-to/own-layer.md)."
)


@dataclass(frozen=True)
class Stage:
    """One layer of the network and how it is called."""

    layer: Any
    needs_x: bool

    def __call__(self, features: Any, x: Any) -> Any:
        return self.layer(features, x) if self.needs_x else self.layer(features)


@dataclass(frozen=True)
class ReplicaModel:
    """The functions of all replicas of a batch.

    Attributes:
        network: Keras model, x ``(b, n, m)`` -> functions ``(b, r, n, f)``, one evaluation a call.
        stages: its layers in order.
        nodes: extra grid points the layers asked for, (q,).
        numbers: the replica number in each slot.
        flavours: names along the last axis, after all layers.
        inputs: with their ranges, length m.
    """

    network: keras.Model
    stages: tuple[Stage, ...]
    nodes: np.ndarray
    numbers: tuple[int, ...]
    flavours: tuple[str, ...]
    inputs: tuple[Input, ...] = UNIT

    def split(self, slots: Sequence[int], turn: np.ndarray) -> list[keras.Model]:
        """The plain Keras networks of ``slots``, each x ``(b, m)`` -> ``(b, g)``.

        A layer without trained weights is not trainable there.

        Args:
            slots: positions on the replica axis.
            turn: matrix (f, g) from the fitted functions to those wanted.
        """
        reaching = self._reaching()
        with _precision(self.network.compute_dtype):
            return [self._single(slot, reaching, turn) for slot in slots]

    def soundness(self) -> np.ndarray:
        """How soundly each replica stands, (r,): the least that a layer says, below 1 unsound."""
        least = np.full(len(self.numbers), np.inf)
        for stage, features in zip(self.stages, self._reaching(), strict=True):
            if hasattr(stage.layer, "soundness"):
                least = np.minimum(least, ops.convert_to_numpy(stage.layer.soundness(features)))
        return least

    def _reaching(self) -> list[Any]:
        """What reaches each stage on the grid of the layers' own points."""
        grid = self.nodes[:, None] if len(self.nodes) else _middle(self.inputs)
        x = ops.cast(ops.convert_to_tensor(grid[None]), self.network.compute_dtype)
        reaching, features = [], x
        for stage in self.stages:
            reaching.append(features)
            features = stage(features, x)
        return reaching

    def _single(self, slot: int, reaching: Sequence[Any], turn: np.ndarray) -> keras.Model:
        x = keras.Input((len(self.inputs),), name="x", dtype=self.network.compute_dtype)
        features = x
        for stage, concrete in zip(self.stages, reaching, strict=True):
            plain = stage.layer.split(slot, concrete)
            plain.trainable = bool(stage.layer.trainable_variables)
            features = plain([features, x]) if stage.needs_x else plain(features)
        if not np.array_equal(turn, np.eye(len(turn))):
            last = keras.layers.Dense(
                turn.shape[1], use_bias=False, name="combined_functions", trainable=False
            )
            features = last(features)
            last.set_weights([turn])
        return keras.Model(x, features, name=f"replica_{self.numbers[slot]}")


def build_model(
    setup: Setup,
    numbers: Sequence[int],
    x_grid: np.ndarray = NO_GRID,
    start: Mapping[int, Path] = NO_START,
    inputs: tuple[Input, ...] = UNIT,
    draws: Sequence[int] = (),
) -> ReplicaModel:
    """The model of the replicas ``numbers``; each one's weights depend on its own number alone.

    Args:
        setup: says which layers, who provides them, and the seed of initial weights.
        numbers: a replica number for each slot.
        x_grid: the grids of all datasets one after the other, (n, m), for layers that ask for it.
        start: for each replica number the file of the plain network whose weights it starts from.
        inputs: what the functions depend on, in which range.
        draws: which draw of initial weights each slot has, from 0; the first if not given.

    Raises:
        ModelError: the layers do not go together, do not end in the flavours that the runcard
            names, or have other weights than the networks to start from.
    """
    runcard, registry, seeds = setup.runcard, setup.registry, Seeds(setup.runcard.seed)
    flavours, draws = flavours_along(runcard.model, registry), draws or (0,) * len(numbers)
    types = [registry.get(LayerType, item.type) for item in runcard.model.layers]
    nodes = [
        kind.extra_grid(item) if kind.extra_grid else np.empty(0)
        for kind, item in zip(types, runcard.model.layers, strict=True)
    ]
    starts = np.cumsum([0, *map(len, nodes)])
    with _precision(runcard.precision):
        x = keras.Input((None, len(inputs)), name="x", dtype=runcard.precision)
        joined = np.concatenate(nodes)
        grid = JoinNodes(joined, name="join_nodes")(x) if len(joined) else x
        features = grid
        stages: list[Stage] = []
        for i, (kind, item) in enumerate(zip(types, runcard.model.layers, strict=True)):
            context = LayerContext(
                position=i,
                replica_seeds=tuple(
                    layer_seed(seeds, k, i, draw) for k, draw in zip(numbers, draws, strict=True)
                ),
                generators=tuple(seeds.generator(k, f"layer/{i}") for k in numbers),
                flavours=flavours[i],
                has_replica_axis=len(features.shape) == 4,
                node_start=int(starts[i]),
                node_count=len(nodes[i]),
                x_grid=x_grid,
                inputs=inputs,
                before=tuple(stage.layer for stage in stages),
            )
            name = f"{kind.name} of {kind.origin}" if kind.origin else kind.name
            with _refusing(f"Layer {i} of the runcard ({name}) cannot be built"):
                stages.append(Stage(layer_of(kind, item, context), kind.needs_x))
            with _refusing(
                f"Layer {i} of the runcard ({name}) does not fit what reaches it, of shape "
                f"{tuple(features.shape)}"
            ):
                features = stages[-1](features, grid)
        _check_output(features.shape, len(numbers), flavours[-1])
        values = DropNodes(len(joined), name="drop_nodes")(features) if len(joined) else features
        network = keras.Model(x, values, name="replicas")
        _try(network, len(numbers), inputs)
    if start:
        start_from([stage.layer for stage in stages], [start[number] for number in numbers])
    model = ReplicaModel(network, tuple(stages), joined, tuple(numbers), flavours[-1], inputs)
    with _refusing("The network cannot be split into one for each replica", HOW_TO_SPLIT):
        model.split([0], np.eye(len(model.flavours)))  # not found after training
    return model


def layer_seed(seeds: Seeds, number: int, position: int, draw: int) -> int:
    """The seed of one layer's initial weights, for a draw of replica ``number`` from 0."""
    again = f"/start/{draw}" if draw else ""
    return seeds.integer(number, f"layer/{position}{again}")


@contextmanager
def _refusing(what: str, remedy: str = "") -> Iterator[None]:
    """Whatever layers of plugins raise inside becomes a ModelError that begins with ``what``."""
    try:
        yield
    except (Exception, SystemExit) as cause:
        words = f"{what}: {_plain_words(cause)}"
        raise ModelError(f"{words}. {remedy}" if remedy else words) from cause


def _middle(inputs: Sequence[Input]) -> np.ndarray:
    """A point well within all ranges, (1, m)."""
    return np.array([[one.middle for one in inputs]])


def _try(network: keras.Model, replicas: int, inputs: Sequence[Input]) -> None:
    """One evaluation: what symbolic shapes let pass is found here, before anything is written."""
    for weight in network.trainable_variables:
        if not weight.shape or weight.shape[0] != replicas:
            raise ModelError(
                f"The weight '{weight.path}' has shape {tuple(weight.shape)}; the first axis of "
                f"every trained weight must hold the {replicas} replicas."
            )
    with _refusing("The layers of the runcard do not fit together"):
        shape = network(ops.cast(_middle(inputs)[None], network.compute_dtype)).shape
    if tuple(shape) != (1, replicas, 1, network.output_shape[3]):
        raise ModelError(
            f"The network gives the shape {tuple(shape)} where its layers announce "
            f"(1, {replicas}, 1, {network.output_shape[3]}). Check the order of the layers."
        )


def _plain_words(cause: BaseException) -> str:
    """What the layer said, without what Keras puts around it; the type of what is no message."""
    text = re.sub(r"\x1b\[\d*m", "", str(cause))
    text = re.sub(r"^Exception encountered when calling .*?\n\n", "", text, flags=re.S)
    text = text.split("\n\nArguments received")[0].strip()
    if isinstance(cause, ReplicafitError | ValueError | TypeError) and text:
        return text
    return f"{type(cause).__name__}: {text or 'no message'}"


def _check_output(shape: Sequence[int | None], replicas: int, flavours: Sequence[str]) -> None:
    if len(shape) != 4 or shape[1] != replicas:
        raise ModelError(
            "No layer of the runcard makes replicas: the network puts out the shape "
            f"{tuple(shape)} instead of (b, {replicas}, n, f). Add a multi_dense layer."
        )
    refuse_other_width(int(shape[3] or 0), flavours)


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Layers made inside have this dtype, those of plugins too; Keras keeps it globally."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
