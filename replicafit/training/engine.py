"""Many steps and checks of all replicas in one compiled call.

``step`` and ``check`` are pure functions of the state and of what is fixed for a batch. The loss of
the batch is the sum of the losses of its replicas, and no weight belongs to two of them, so the
gradient of the sum is the gradient of each. Replicas that no longer run keep their state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from replicafit.components.inputs import as_points
from replicafit.forward.chi2 import Chi2, Chi2Terms
from replicafit.forward.penalties import Penalties
from replicafit.training.backend import backend
from replicafit.training.optimizers import Optimizer, per_replica
from replicafit.training.state import TrainingState
from replicafit.training.status import Status


class BatchConstants(NamedTuple):
    """What training does not change; everything has a leading replica axis.

    Attributes:
        fixed: weights that are not trained, each (r, ...).
        training: chi2 terms of the training data.
        validation: chi2 terms of the validation data.
        stop_on_training: 1.0 where there are no validation data and training ones decide, (r,).
    """

    fixed: tuple[Any, ...]
    training: Chi2Terms
    validation: Chi2Terms
    stop_on_training: Any


class History(NamedTuple):
    """What each check of one compiled call saw, (r, checks) each."""

    step: Any
    training: Any
    validation: Any


@dataclass(frozen=True)
class Schedule:
    """When to check and stop, in steps."""

    max_steps: int
    check_every: int
    patience: int
    checks_per_call: int


@dataclass(frozen=True)
class Engine:
    """Trains batches of one shape; compiled once.

    Attributes:
        functions: ``(weights, fixed, steps in training) -> values on the data grid (r, n, f),
            regularization ()``.
        chi2: the figure of merit.
        penalties: their terms, and the verdicts that best weights wait for.
        optimizer: the update rule.
        schedule: when to check and stop.
        constraints: for each weight what Keras applies after an update, or None.
    """

    functions: Callable[..., tuple[Any, Any]]
    chi2: Chi2
    penalties: Penalties
    optimizer: Optimizer
    schedule: Schedule
    constraints: tuple[Callable[[Any], Any] | None, ...] = ()

    def compiled(self) -> Callable[..., tuple[TrainingState, History]]:
        """``(state, constants, checks) -> (state, history)``: that many checks, in one call."""
        fast: Callable[..., tuple[TrainingState, History]] = backend().compiled(self.advance)
        return fast

    def advance(
        self, state: TrainingState, constants: BatchConstants, checks: Any
    ) -> tuple[TrainingState, History]:
        """``checks`` times: ``check_every`` steps, then a check."""
        gradient = backend().value_and_grad(self.loss)

        def until_check(i: Any, state: TrainingState, history: History) -> Any:
            state = ops.while_loop(
                lambda j, _: j < self.schedule.check_every,
                lambda j, s: (j + 1, self.step(s, constants, gradient)),
                (ops.zeros((), "int32"), state),
            )[1]
            state, seen = self.check(state, constants)
            written = [
                _write(column, i, value) for column, value in zip(history, seen, strict=True)
            ]
            return i + 1, state, History(*written)

        shape = (state.steps.shape[0], self.schedule.checks_per_call)
        dtypes = ("int32", *[state.best_validation.dtype] * 2)
        blank = History(*(ops.zeros(shape, dtype) for dtype in dtypes))
        start = (ops.zeros((), "int32"), state, blank)
        _, state, history = ops.while_loop(lambda i, *_: i < checks, until_check, start)
        return state, history

    def loss(
        self, weights: tuple[Any, ...], constants: BatchConstants, steps: Any
    ) -> tuple[Any, Any]:
        """The sum over replicas, and the loss of each before regularization, (r,)."""
        functions, regularization = self.functions(weights, constants.fixed, steps)
        each = self.chi2(constants.training, functions)
        for penalty in self.penalties.terms:
            each = each + penalty(functions, steps)
        return ops.sum(each) + regularization, each

    def step(
        self, state: TrainingState, constants: BatchConstants, gradient: Callable[..., Any]
    ) -> TrainingState:
        """One optimizer update of every running replica."""
        (_, losses), gradients = gradient(state.weights, constants, state.steps)
        running = ops.logical_and(
            ops.equal(state.status, int(Status.running)), state.steps < self.schedule.max_steps
        )
        good = _finite(losses, gradients)
        taken = ops.logical_and(running, good)
        steps = state.steps + ops.cast(taken, "int32")
        weights, memory, scalars = self.optimizer.update(
            state.weights,
            gradients,
            state.memory,
            state.scalars,
            ops.cast(state.steps + 1, losses.dtype),
            state.hyper,
        )
        constraints = self.constraints or (None,) * len(weights)
        pairs = zip(constraints, weights, strict=True)
        weights = tuple(w if constrain is None else constrain(w) for constrain, w in pairs)
        diverged = ops.logical_and(running, ops.logical_not(good))
        kept = _choose(diverged, state.best_weights, state.weights)
        return state._replace(
            weights=_choose(taken, weights, kept),
            memory=tuple(
                _choose(taken, m, old) for m, old in zip(memory, state.memory, strict=True)
            ),
            scalars=_choose(taken, scalars, state.scalars),
            steps=steps,
            status=ops.where(diverged, int(Status.diverged), state.status),
        )

    def check(
        self, state: TrainingState, constants: BatchConstants
    ) -> tuple[TrainingState, History]:
        """Training and validation chi2; best weights and stopping act on it.

        A replica whose training chi2 is not finite has diverged.
        A check that passes the penalties' verdicts is better than any that does not, and patience
        begins with the first that passes.
        """
        functions, _ = self.functions(state.weights, constants.fixed)
        training = self.chi2(constants.training, functions)
        validation = self.chi2(constants.validation, functions)
        decides = ops.where(constants.stop_on_training > 0, training, validation)
        finite = ops.isfinite(training)
        training_now = ops.equal(state.status, int(Status.running))
        running = ops.logical_and(training_now, finite)
        diverged = ops.logical_and(training_now, ops.logical_not(finite))
        passes = self._passes(functions)
        infinite = ops.full_like(state.best_validation, np.inf)
        to_beat = ops.where(passes, infinite, -infinite)  # if the best so far has another verdict
        to_beat = ops.where(ops.equal(passes, state.best_passes), state.best_validation, to_beat)
        better = ops.logical_and(running, decides < to_beat)
        best_passes = ops.where(better, passes, state.best_passes)
        best_step = ops.where(better, state.steps, state.best_step)
        patient = ops.logical_or(
            ops.logical_not(best_passes), state.steps - best_step < self.schedule.patience
        )
        left = state.steps < self.schedule.max_steps
        completed = ops.full_like(state.status, int(Status.completed))
        verdict = ops.where(left, int(Status.stopped), completed)
        ends = ops.logical_and(running, ops.logical_not(ops.logical_and(patient, left)))
        seen = History(state.steps, training, validation)
        status = ops.where(ends, verdict, state.status)
        best_weights = _choose(better, state.weights, state.best_weights)
        return state._replace(
            weights=_choose(diverged, best_weights, state.weights),
            best_weights=best_weights,
            best_validation=ops.where(better, decides, state.best_validation),
            best_passes=best_passes,
            best_step=best_step,
            status=ops.where(diverged, int(Status.diverged), status),
        ), seen

    def _passes(self, functions: Any) -> Any:
        """Which replicas pass all verdicts, (r,)."""
        passes = ops.ones(functions.shape[0], "bool")
        for verdict in self.penalties.at_checks:
            passes = ops.logical_and(passes, verdict.measure(functions) <= verdict.bound)
        return passes


def _write(column: Any, i: Any, value: Any) -> Any:
    """``column`` (r, checks) with ``value`` (r,) at check ``i``."""
    return ops.slice_update(column, (ops.zeros_like(i), i), ops.cast(value, column.dtype)[:, None])


def _finite(losses: Any, gradients: tuple[Any, ...]) -> Any:
    """Which replicas have a finite loss and gradient, (r,)."""
    good = ops.isfinite(losses)
    for gradient in gradients:
        axes = tuple(range(1, len(gradient.shape)))
        good = ops.logical_and(good, ops.all(ops.isfinite(gradient), axis=axes))
    return good


def _choose(which: Any, new: tuple[Any, ...], old: tuple[Any, ...]) -> tuple[Any, ...]:
    """For each replica the new arrays where ``which`` (r,) is true, else the old ones."""
    return tuple(ops.where(per_replica(which, b), a, b) for a, b in zip(new, old, strict=True))


def network_functions(network: Any, x_grid: np.ndarray) -> Callable[..., Any]:
    """The Keras ``network`` on ``x_grid`` (n,), of several inputs (n, m), without state.

    Returns:
        ``(weights, fixed, steps) -> (r, n, f)`` and the sum of the layers' own losses, ``()``. With
        steps taken (r,) the layers are in training, and those that keep a weight ``steps_taken``
        find them there; without, they are not.
    """
    counters = [v.name == "steps_taken" for v in network.non_trainable_variables]

    def functions(
        weights: tuple[Any, ...], fixed: tuple[Any, ...], steps: Any = None
    ) -> tuple[Any, Any]:
        if steps is not None:
            pairs = zip(fixed, counters, strict=True)
            fixed = tuple(steps if counter else weight for weight, counter in pairs)
        x = ops.cast(ops.convert_to_tensor(as_points(x_grid)[None]), network.compute_dtype)
        outputs, _, losses = network.stateless_call(
            list(weights), list(fixed), x, training=steps is not None, return_losses=True
        )
        return outputs[0], sum(losses, ops.zeros((), outputs.dtype))

    return functions
