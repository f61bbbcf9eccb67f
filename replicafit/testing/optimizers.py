"""Certifies an optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from replicafit.components import OptimizerType, load_target
from replicafit.plugins import Registry, load_registry
from replicafit.seeds import Seeds
from replicafit.testing.conformance import array, certifies, close, compiled, require, same, tensor
from replicafit.training.hyperparameters import draw_hyperparameters
from replicafit.training.optimizers import Optimizer

SHAPES = ((4, 3), (5,))
FIRST_STEPS = np.array([1, 30, 500])


@certifies
def check_optimizer(
    name: str, registry: Registry | None = None, steps: int = 50, **settings: Any
) -> None:
    """Checks every rule that an optimizer must keep.

    Weights and memory keep their shapes, weights stay finite, and it can be compiled; replicas at
    different steps and with hyperparameters of their own do in a stack what they do alone; what a
    replica's gradient is matters to no other, bitwise; a NaN stays in its slot; along the gradient
    of a bowl it goes down. Stack and singles may differ by 1e-4 |weight| + 1e-5.

    Args:
        name: the ``type`` a runcard writes.
        registry: where to look; by default all installed plugins.
        steps: how many steps to take.
        settings: the optimizer's settings.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    kind = (registry or load_registry()).get(OptimizerType, name)
    optimizer = load_target(kind.build)(kind.settings.model_validate({"type": name, **settings}))
    require(isinstance(optimizer, Optimizer), "optimizer", f"build gives {optimizer!r}.")
    trial = _Trial(optimizer, steps)
    whole = trial.weights()
    start = trial.start
    for before, after in zip(start, whole, strict=True):
        require(after.shape == before.shape, "shapes", f"{before.shape} became {after.shape}.")
        require(np.isfinite(after).all(), "finite", "a weight is not.")
    lengths = [sum((w[0] ** 2).sum() for w in weights) for weights in (start, whole)]
    require(
        lengths[1] < lengths[0], "it goes down", f"|w|^2 went from {lengths[0]} to {lengths[1]}."
    )
    for slot in range(len(FIRST_STEPS)):
        for found, after in zip(trial.weights([slot]), whole, strict=True):
            close("stack equals singles", found[0], after[slot], 1e-4, 1e-5)
    for rule, factor in (("slots do not mix", 1000.0), ("a NaN stays in its slot", np.nan)):
        for found, after in zip(trial.weights(factor=factor), whole, strict=True):
            same(rule, found[1:], after[1:])


class _Trial:
    """Three replicas, each at a step of its own, in the bowl |w|^2 / 2."""

    def __init__(self, optimizer: Optimizer, steps: int) -> None:
        self.optimizer, self.steps = optimizer, steps
        generator = np.random.default_rng(7)
        self.start = [generator.normal(size=(len(FIRST_STEPS), *shape)) for shape in SHAPES]
        numbers = range(1, len(FIRST_STEPS) + 1)
        self.hyper = draw_hyperparameters(optimizer.hyper, Seeds(0), numbers)

    def weights(self, slots: Any = (0, 1, 2), factor: float = 1.0) -> list[np.ndarray]:
        """Weights of ``slots`` in the end, the gradients of the first times ``factor``."""
        slots = list(slots)
        weights = tuple(tensor(w[slots]) for w in self.start)
        memory = tuple(
            tuple(tensor(np.full(w.shape, m)) for m in self.optimizer.memory) for w in weights
        )
        scalars = tuple(tensor(np.full(len(slots), s)) for s in self.optimizer.scalars)
        hyper = {name: tensor(values[slots]) for name, values in self.hyper.items()}
        factors = np.where(np.arange(len(slots)) == 0, factor, 1.0)
        kept = [(len(own), *map(_shape, own)) for own in (*memory, scalars)]
        update = self.optimizer.update
        for i in range(self.steps):
            slopes = tuple(w * tensor(factors.reshape(-1, *[1] * (w.ndim - 1))) for w in weights)
            step = tensor(FIRST_STEPS[slots] + i)
            given = weights, slopes, memory, scalars, step, hyper
            weights, memory, scalars = update(*given)
            if i == 0:
                compiled("compiled", update, *given)
            now = [(len(own), *map(_shape, own)) for own in (*memory, scalars)]
            require(now == kept, "shapes", f"what it keeps was {kept} and became {now}.")
        return [array(w) for w in weights]


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(array(value).shape)
