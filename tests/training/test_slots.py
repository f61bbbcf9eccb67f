"""Slots that are refilled: replicas come out as from batches of their own, bit for bit."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest
from compiled import Setup

from replicafit.forward.planning import plan_batches
from replicafit.training.slots import Occupancy, seats_of, train_in_turn
from replicafit.training.state import Status

NUMBERS = (1, 2, 3, 4, 5, 6, 7, 8)


@pytest.fixture(scope="module")
def three(toy_folder, registry):
    return Setup(toy_folder, registry, 3, max_steps=1200, patience=30)


@pytest.fixture(scope="module")
def batches(three):
    """Three batches, the last with a spare slot; replica 2 diverges at once."""
    prepared = [three.plan.prepare(batch) for batch in plan_batches(NUMBERS, 3)]
    (terms,) = prepared[0].constants.training
    terms.target[1] = np.nan
    return prepared


def in_turn(setup, batches):
    """All calls of training ``batches`` through the same slots."""
    first, *rest = batches
    start, coming = Occupancy.of(first), seats_of(rest)
    return list(train_in_turn(setup.advance, start, coming, setup.plan.schedule))


def ended(calls):
    """State and history of each replica where it was first seen to have ended."""
    found = {}
    for now in calls:
        for slot, number in enumerate(now.numbers):
            status = now.snapshot.state.status[slot]
            if number not in found and status not in (Status.running, Status.empty):
                found[number] = now.snapshot, slot
    return found


def own_checks(snapshot, slot):
    """The checks of the replica in ``slot`` up to its last step."""
    step = snapshot.history.step[slot]
    own = (step >= 0) & (np.cumsum(step == snapshot.state.steps[slot]) <= 1)
    return [column[slot, own] for column in snapshot.history]


@pytest.fixture(scope="module")
def calls(three, batches):
    return in_turn(three, batches)


def test_each_replica_is_bitwise_that_of_a_batch_of_its_own(three, batches, calls):
    refilled = ended(calls)
    assert sorted(refilled) == list(NUMBERS)
    stops = set()
    for batch in batches:
        alone = three.train(batch)
        for place in np.flatnonzero(batch.state.status != Status.empty):
            snapshot, slot = refilled[batch.model.numbers[place]]
            states = (keras.tree.flatten(s.state) for s in (snapshot, alone))
            for ours, theirs in zip(*states, strict=True):
                np.testing.assert_array_equal(ours[slot], theirs[place])
            histories = own_checks(snapshot, slot), own_checks(alone, place)
            for ours, theirs in zip(*histories, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            stops.add(int(snapshot.state.steps[slot]))
    assert len(stops) > 2  # they did end at different steps


def test_no_slot_idles_while_replicas_wait(calls):
    for now, following in pairwise(calls):
        waiting = max(following.numbers) < max(NUMBERS)
        for slot in np.flatnonzero(~now.snapshot.running):
            assert following.numbers[slot] != now.numbers[slot] or not waiting


def test_each_batch_finds_its_replicas_at_home(batches, calls):
    seen = {}
    for now in calls:
        for batch, own in now.at_home():
            assert own.state.steps.shape == batch.state.steps.shape
            for place, number in enumerate(batch.model.numbers):
                if own.state.status[place] not in (Status.running, Status.empty):
                    seen.setdefault(number, int(own.state.best_step[place]))
    refilled = ended(calls)
    assert seen == {n: int(s.state.best_step[slot]) for n, (s, slot) in refilled.items()}


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


def test_steps_are_counted_once(calls, batches):
    start = Occupancy.of(batches[0])
    total = sum(b.steps_since(a) for a, b in zip([start, *calls], calls, strict=False))
    assert total == sum(int(s.state.steps[slot]) for s, slot in ended(calls).values())


def test_history_forgets_those_that_left(calls):
    """Or it would grow with every replica that passes through."""
    for call in calls:
        assert (call.snapshot.history.step[:, 0] >= 0).any()
