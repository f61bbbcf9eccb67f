"""Initial weights: unsound ones are drawn again, stuck replicas begin anew, once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import call
from models import EIGHT, PREPROCESSING, SUM_RULES, X_LOGX, dense, model_of, setup_of
from toy import TOY_CARD

from replicafit.training.starts import Starts, starts_of

LAYERS = [X_LOGX, dense(6, "tanh"), dense(8), PREPROCESSING, SUM_RULES]
NUMBERS = tuple(range(1, 13))
X_GRID = np.geomspace(1e-4, 1, 40)


@pytest.fixture(scope="module")
def starts(registry):
    return Starts(setup_of(registry, LAYERS), X_GRID)


@pytest.fixture(scope="module")
def model(registry):
    return model_of(registry, LAYERS, NUMBERS)


@pytest.fixture(scope="module")
def first(starts, model):
    return starts.first(model)


def test_every_replica_starts_soundly_from_the_first_draw_that_is(starts, model, first):
    own = starts_of(model)
    assert any(one.soundness < 1 for one in own)  # else nothing is tested
    for before, start in zip(own, first, strict=True):
        assert start.soundness >= 1
        assert (start.draw == 0) == (before.soundness >= 1)


def test_a_start_depends_on_the_replica_alone(registry, starts, first):
    for slot, number in enumerate(NUMBERS[:4]):
        (alone,) = starts.first(model_of(registry, LAYERS, (number,)))
        assert alone.draw == first[slot].draw
        for ours, theirs in zip(alone.weights, first[slot].weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_another_start_is_a_later_draw(starts, first):
    other = starts.another(NUMBERS[0], first[0].draw)
    assert other.draw > first[0].draw
    assert other.soundness >= 1
    assert not np.array_equal(other.weights[0], first[0].weights[0])


def test_layers_without_a_word_on_starts_keep_the_first(registry):
    plain = model_of(registry, [X_LOGX, dense(6, "tanh"), dense(len(EIGHT))], (1, 2))
    starts = Starts(setup_of(registry, LAYERS), X_GRID)
    assert [start.draw for start in starts.first(plain)] == [0, 0]


@pytest.fixture(scope="module")
def folder(toy_folder):
    """A fit of which every replica is stuck, by the card, and begins anew."""
    card = toy_folder / "stuck.yml"
    card.write_text(TOY_CARD + "  restart_above: 1.0e-9\n")
    code, _, err = call("run", card, "-o", toy_folder / "stuck", cwd=toy_folder)
    assert code == 0, err
    return toy_folder / "stuck"


def results(folder):
    files = sorted(folder.glob("replicas/*/result.json"))
    return [json.loads(file.read_text()) for file in files]


def test_stuck_replicas_begin_anew_once(folder):
    for result in results(folder):
        assert result["start"]["anew"]
        assert result["start"]["draw"] > 1
        assert result["steps"] == 60
        history = np.load(folder / "replicas" / f"replica_{result['number']:04d}" / "history.npz")
        assert history["step"].tolist() == [10, 20, 30, 40, 50, 60]


@pytest.mark.slow
def test_a_replica_begins_anew_alone_as_in_company(folder, toy_folder):
    code, _, err = call("run", "stuck.yml", "-o", "alone", "--replicas", "2-2", cwd=toy_folder)
    assert code == 0, err
    (alone,) = results(toy_folder / "alone")
    together = results(folder)[1]
    for result in (alone, together):
        del result["files"]["network.keras"]  # an archive has the time in it
        del result["checksum"], result["selection"]
    assert alone == together
