"""Best weights wait for checks that pass: the engine's rule against a loop over single replicas."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from replicafit.components import Verdict
from replicafit.forward.penalties import Penalties
from replicafit.training.backend import backend
from replicafit.training.engine import Engine, Schedule
from replicafit.training.optimizers import Optimizer
from replicafit.training.state import TrainingState, initial_state
from replicafit.training.status import Status

PATIENCE, EVERY = 30, 10


@pytest.fixture(scope="module", autouse=True)
def float64():
    backend().prepare("float64")


def engine(max_steps: int) -> Engine:
    """Functions are the weights (r, 1, 2): the first is chi2, the second what the verdict sees."""
    verdict = Verdict(lambda functions: functions[:, 0, 1], bound=0.5, at_checks=True)
    chi2: Any = lambda terms, functions: functions[:, 0, 0]  # noqa: E731
    return Engine(
        functions=lambda weights, fixed: (weights[0], 0.0),
        chi2=chi2,
        penalties=Penalties(verdicts={"positivity": verdict}),
        optimizer=NO_MEMORY,
        schedule=Schedule(max_steps, EVERY, PATIENCE, 1),
    )


NO_MEMORY: Optimizer = SimpleNamespace(memory=(), scalars=())  # type: ignore[assignment]


def checked(chi2: np.ndarray, violation: np.ndarray) -> TrainingState:
    """The state after checks that saw ``chi2`` and ``violation``, (r, checks)."""
    r, checks = chi2.shape
    weights = [np.zeros((r, 1, 2))]
    state = initial_state(weights, NO_MEMORY, {}, np.ones(r, bool), "float64")
    constants: Any = SimpleNamespace(
        fixed=(), training=None, validation=None, stop_on_training=np.zeros(r)
    )
    trained = engine(checks * EVERY)
    for i in range(checks):
        running = ops.convert_to_numpy(state.status) == Status.running
        seen = np.stack([chi2[:, i], violation[:, i]], axis=1)[:, None, :]
        old = ops.convert_to_numpy(state.weights[0])
        steps = ops.convert_to_numpy(state.steps) + EVERY * running.astype(np.int32)
        state = state._replace(
            weights=(np.where(running[:, None, None], seen, old),), steps=steps.astype(np.int32)
        )
        state, _ = trained.check(state, constants)
    return TrainingState(
        *(ops.convert_to_numpy(v) if not isinstance(v, tuple | dict) else v for v in state)
    )


def slow(chi2, violation):
    """One replica: best step and whether it passes, steps taken, status."""
    best, steps = None, 0
    for i, (value, bad) in enumerate(zip(chi2, violation, strict=True)):
        steps = (i + 1) * EVERY
        key = (bad > 0.5, value)
        if best is None or key < best[0]:
            best = (key, steps)
        if steps == len(chi2) * EVERY:
            return best[1], not best[0][0], steps, Status.completed
        if not best[0][0] and steps - best[1] >= PATIENCE:
            return best[1], True, steps, Status.stopped
    raise AssertionError


chi2_values = st.floats(0, 9, allow_subnormal=False)  # compiled code takes those for zero
runs = st.integers(1, 12).flatmap(
    lambda checks: st.lists(
        st.lists(
            st.tuples(chi2_values, st.sampled_from([0.0, 1.0])),
            min_size=checks,
            max_size=checks,
        ),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=50, deadline=None)
@given(runs)
def test_every_replica_is_as_a_loop_over_its_own_checks(drawn):
    chi2, violation = (np.array([[c[i] for c in run] for run in drawn]) for i in (0, 1))
    state = checked(chi2, violation)
    for slot in range(len(drawn)):
        best_step, passes, steps, status = slow(chi2[slot], violation[slot])
        assert state.best_step[slot] == best_step
        assert state.best_passes[slot] == passes
        assert state.steps[slot] == steps
        assert state.status[slot] == status
        best = chi2[slot, best_step // EVERY - 1]
        assert state.best_validation[slot] == best
        assert ops.convert_to_numpy(state.best_weights[0])[slot, 0, 0] == best


def test_a_check_that_passes_beats_a_lower_chi2_that_does_not():
    state = checked(np.array([[1.0, 3.0, 0.5]]), np.array([[1.0, 0.0, 1.0]]))
    assert (state.best_step[0], bool(state.best_passes[0])) == (20, True)


def test_patience_waits_for_the_first_check_that_passes():
    never = checked(np.arange(1.0, 9.0)[None], np.ones((1, 8)))
    assert (never.steps[0], never.best_step[0], bool(never.best_passes[0])) == (80, 10, False)
    always = checked(np.arange(1.0, 9.0)[None], np.zeros((1, 8)))
    assert (always.steps[0], always.status[0]) == (40, Status.stopped)


def test_a_chi2_that_is_not_a_number_is_never_the_best():
    state = checked(np.array([[np.nan, 2.0]]), np.array([[0.0, 1.0]]))
    assert (state.best_step[0], bool(state.best_passes[0])) == (0, False)
    assert state.status[0] == Status.diverged
