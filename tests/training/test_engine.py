"""The engine: independence, stopping, quarantine; on toy data, in one or two compilations."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from compiled import Compiled, filled
from scipy.stats import ks_2samp
from toy import TOY_CARD

from replicafit.execution.plans import make_engine
from replicafit.execution.verify import louder
from replicafit.training.loop import train
from replicafit.training.status import Status

FLOAT64 = TOY_CARD.replace("seed: 7", "seed: 7\nprecision: float64")


@pytest.fixture(scope="module")
def three(toy_folder, registry):
    return Compiled(toy_folder, registry, 3, FLOAT64)


@pytest.fixture(scope="module")
def one(toy_folder, registry):
    return Compiled(toy_folder, registry, 1, FLOAT64)


@pytest.fixture(scope="module")
def together(three):
    return three.train(three.prepare((1, 2, 3)))


def assert_slot_equal(a, b, slot_a, slot_b, rtol=0.0):
    for x, y in zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True):
        np.testing.assert_allclose(x[slot_a], y[slot_b], rtol=rtol, atol=rtol)


def test_training_improves_every_replica(together):
    assert np.all(together.history.training[:, -1] < together.history.training[:, 0])
    assert np.all(together.state.steps == 60)
    assert np.all(together.state.status == Status.completed)


def test_a_replica_alone_is_the_same_in_float64(three, one, together):
    for slot, number in enumerate((1, 2, 3)):
        alone = one.prepare((number,))
        beside = three.prepare((1, 2, 3))
        assert_slot_equal(alone.state.weights, beside.state.weights, 0, slot)
        assert_slot_equal(alone.data.values, beside.data.values, 0, slot)
        trained = one.train(alone)
        assert_slot_equal(trained.state.weights, together.state.weights, 0, slot, rtol=1e-10)


def test_other_neighbours_change_nothing_bitwise(three, together):
    other = three.train(three.prepare((1, 9, 8)))
    assert_slot_equal(other.state, together.state, 0, 0)


def test_another_order_changes_nothing_beyond_rounding(three, together):
    other = three.train(three.prepare((3, 1, 2)))
    assert_slot_equal(other.state.weights, together.state.weights, 1, 0, rtol=1e-10)


def test_a_spare_slot_never_runs(three, together):
    padded = three.prepare((1, 2))
    status = filled(padded, 3).snapshot.state.status
    assert status.tolist() == [Status.running, Status.running, Status.empty]
    trained = three.train(padded)
    assert trained.state.steps.tolist() == [60, 60, 0]
    assert_slot_equal(trained.state, together.state, 0, 0)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e300])
def test_a_replica_that_diverges_harms_nobody(three, together, poison):
    prepared = three.prepare((1, 2, 3))
    (terms,) = prepared.constants.training
    target = terms.target.copy()
    target[1] = poison
    poisoned = prepared.constants._replace(training=(terms._replace(target=target),))
    *_, trained = train(three.advance, prepared.state, poisoned, three.plan.schedule)
    assert trained.state.status.tolist() == [Status.completed, Status.diverged, Status.completed]
    assert all(np.isfinite(w[1]).all() for w in trained.state.weights)
    assert trained.state.steps[1] == 0
    for slot in (0, 2):
        assert_slot_equal(trained.state, together.state, slot, slot)


def test_a_thousandfold_gradient_of_one_in_32_does_not_starve_the_others(toy_folder, registry):
    """What made the stacked layer fail elsewhere: one norm over all replicas, one of them large."""
    text = TOY_CARD.replace("2.0e-3}", "2.0e-3, clipnorm: 6.0e-6}")
    setup = Compiled(toy_folder, registry, 32, text, max_steps=300)
    prepared = setup.prepare(range(1, 33))
    quiet = setup.train(prepared)
    constants = louder(prepared.constants, 31, 1000.0)
    *_, loud = train(setup.advance, prepared.state, constants, setup.plan.schedule)
    n_training = prepared.data.training.sum(axis=1)[:31]
    medians = [np.median(s.history.training[:31, -1] / n_training) for s in (quiet, loud)]
    assert medians[0] == medians[1]
    for slot in range(31):
        assert_slot_equal(quiet.state, loud.state, slot, slot)
    assert not np.array_equal(quiet.state.weights[0][31], loud.state.weights[0][31])


def test_a_run_traces_once(toy_folder, registry):
    setup = Compiled(toy_folder, registry, 2, max_steps=1500)
    batches = [setup.prepare((1, 2)), setup.prepare((3, 4)), setup.prepare((5,))]
    engine = make_engine(setup.plan, batches[0].model)
    traced = []

    def counted(weights, fixed, steps=None):
        traced.append(1)
        return engine.functions(weights, fixed)

    advance = replace(engine, functions=counted).compiled()
    next(train(advance, batches[0].state, batches[0].constants, setup.plan.schedule))
    once = len(traced)
    for batch in batches:
        slots = filled(batch, 2)
        state, constants = slots.snapshot.state, slots.constants
        assert len(list(train(advance, state, constants, setup.plan.schedule))) > 1
    assert len(traced) == once


def test_patience_stops_and_keeps_the_best_weights(three, together):
    impatient = three.prepare((1, 2, 3))
    state = impatient.state._replace(
        best_validation=np.array([0.0, np.inf, np.inf]),
        best_passes=np.array([True, False, False]),
        best_step=np.array([-1990, 0, 0], np.int32),
    )
    *_, last = train(three.advance, state, impatient.constants, three.plan.schedule)
    assert last.state.status[0] == Status.stopped
    assert last.state.steps[0] == 10
    assert_slot_equal(last.state.best_weights, impatient.state.weights, 0, 0)
    assert_slot_equal(last.state, together.state, 1, 1)


def test_the_best_check_is_the_lowest_of_the_history(together):
    best = together.history.validation.argmin(axis=1)
    steps = np.take_along_axis(together.history.step, best[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(together.state.best_step, steps)
    np.testing.assert_array_equal(
        together.state.best_validation, together.history.validation.min(axis=1)
    )


EVERY_STATE = TOY_CARD.replace(
    """    - {type: multi_dense, units: 6, activation: tanh}
    - {type: multi_dense, units: 8}
    - {type: preprocessing}
""",
    """    - {type: multi_dense, units: 6, activation: tanh, kernel_regularizer: l2}
    - {type: dropout, rate: 0.2}
    - {type: dense_per_flavour, units: 8, hidden: [3]}
    - {type: preprocessing, trained: true}
""",
).replace("learning_rate: 2.0e-3", "learning_rate: {log_uniform: [1.0e-3, 3.0e-3]}")


def test_an_engine_compiled_for_others_gives_the_same_bits(toy_folder, registry):
    """One engine serves all batches: it must have kept nothing of the first one's replicas."""
    setup = Compiled(toy_folder, registry, 3, EVERY_STATE)
    prepared = setup.prepare((14, 15, 16))
    theirs = setup.train(prepared)
    setup.advance = make_engine(setup.plan, prepared.model).compiled()
    ours = setup.train(prepared)
    for slot in range(3):
        assert_slot_equal(ours.state, theirs.state, slot, slot)
    turned = setup.train(setup.prepare((16, 15, 14)))
    for slot in range(3):
        assert_slot_equal(ours.state, turned.state, slot, 2 - slot)


@pytest.mark.slow
def test_full_fits_alone_and_together_have_the_same_chi2(toy_folder, registry):
    """Float32, compiled for one slot and for twelve: rounding may differ, chi2 may not."""
    many = {"max_steps": 4000, "patience": 800}
    batch, single = (Compiled(toy_folder, registry, slots, **many) for slots in (12, 1))
    together = batch.train(batch.prepare(range(1, 13))).state
    alone = [single.train(single.prepare((number,))).state for number in range(1, 13)]
    ours = together.best_validation
    theirs = np.array([state.best_validation[0] for state in alone])
    assert ks_2samp(ours, theirs).pvalue > 0.05
    assert np.median(ours) == pytest.approx(np.median(theirs), rel=0.02)
    error = np.std(ours - theirs, ddof=1) / np.sqrt(len(ours))
    assert abs(np.mean(ours - theirs)) <= 3 * error + 1e-3 * np.mean(theirs)
