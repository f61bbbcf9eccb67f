"""Slots that are refilled: replicas come out as from batches of their own, bit for bit."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest
from compiled import Compiled

from replicafit.training.slots import Line, Slots, replicas_of, train_slots
from replicafit.training.status import Status

NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8)


@pytest.fixture(scope="module")
def three(toy_folder, registry):
    return Compiled(toy_folder, registry, 3, max_steps=1200, patience=30)


@pytest.fixture(scope="module")
def batches(three):
    """Three batches, the last smaller; replica 2 diverges at once."""
    prepared = [three.prepare(NUMBERS[i : i + 3]) for i in (0, 3, 6)]
    (terms,) = prepared[0].constants.training
    terms.target[1] = np.nan
    return prepared


def trained(setup, batches):
    """The slots at the beginning, and after each call."""
    replicas = list(replicas_of(batches))
    start = Slots.empty(replicas[0], 3)
    calls = train_slots(setup.advance, start, Line(iter(replicas)), setup.plan.schedule)
    return [start, *calls]


def ended(calls):
    """Every replica that has ended, once."""
    found = [each for before, now in pairwise(calls) for each in now.finished(before)]
    numbers = [each.replica.number for each in found]
    assert len(numbers) == len(set(numbers))
    return {each.replica.number: each for each in found}


def own_checks(history):
    """The checks of a replica up to its last step."""
    return [column[history.step >= 0] for column in history]


@pytest.fixture(scope="module")
def calls(three, batches):
    return trained(three, batches)


def test_each_replica_is_bitwise_that_of_a_batch_of_its_own(three, batches, calls):
    refilled = ended(calls)
    assert sorted(refilled) == list(NUMBERS)
    stops = set()
    for batch in batches:
        alone = three.train(batch)
        for place, number in enumerate(batch.model.numbers):
            state, history = refilled[number].row
            row = keras.tree.map_structure(lambda array, at=place: array[at], alone.state)
            for ours, theirs in zip(*map(keras.tree.flatten, (state, row)), strict=True):
                np.testing.assert_array_equal(ours, theirs)
            last = np.flatnonzero(alone.history.step[place] == state.steps)
            until = int(last[0]) + 1 if len(last) else alone.history.step.shape[1]
            checks = [column[place, :until] for column in alone.history]
            for ours, theirs in zip(own_checks(history), checks, strict=True):
                np.testing.assert_array_equal(ours[: len(theirs)], theirs)
            stops.add(int(state.steps))
    assert len(stops) > 2  # they did end at different steps


def test_no_slot_idles_while_replicas_wait(calls):
    for now, following in pairwise(calls[1:]):
        waiting = max(following.numbers) < max(NUMBERS)
        for slot in np.flatnonzero(~now.snapshot.running):
            assert following.numbers[slot] != now.numbers[slot] or not waiting


def test_data_and_constants_follow_the_replicas(batches, calls):
    values = {
        number: batch.data.values[place]
        for batch in batches
        for place, number in enumerate(batch.model.numbers)
    }
    for now in calls:
        assert now.data.numbers == now.numbers
        for slot, number in enumerate(now.numbers):
            np.testing.assert_array_equal(now.data.values[slot], values[number])


def test_steps_are_counted_once(calls):
    total = sum(now.steps_since(before) for before, now in pairwise(calls))
    assert total == sum(int(each.row[0].steps) for each in ended(calls).values())


def test_history_forgets_those_that_left(calls):
    """Or it would grow with every replica that passes through."""
    for call in calls[1:]:
        assert (call.snapshot.history.step[:, 0] >= 0).any()


def test_an_empty_slot_never_runs(three, batches):
    calls = trained(three, batches[2:])
    assert (calls[-1].snapshot.state.status == Status.empty).sum() == 1
    assert calls[-1].snapshot.state.steps.min() == 0
