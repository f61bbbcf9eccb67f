"""What is known of a fit before Keras is imported."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from commands import call
from hadronic import hadronic_dataset
from keras import tree
from toy import TOY_CARD

from replicafit.components import OptimizerType, load_target
from replicafit.data import stack
from replicafit.errors import TrainingError
from replicafit.execution.outline import plan_lines
from replicafit.forward.chi2 import chi2_of
from replicafit.forward.planning import Machine, Memory, plan_networks
from replicafit.runcard import Override, canonical, load_runcard, load_setup, runcard_type
from replicafit.training.batches import prepare_batch

CHOICE = """\
model:
  choice:
    - layers: [{type: x_logx}, {type: multi_dense, units: 8}, {type: preprocessing}]
    - layers: [{type: x_logx}, {type: multi_dense, units: 5}, {type: multi_dense, units: 8}]
"""
WITH_CHOICE = (
    TOY_CARD[: TOY_CARD.index("model:")] + CHOICE + TOY_CARD[TOY_CARD.index("training:") :]
)


def card(folder, registry, text=TOY_CARD, replicas=25, settings=()):
    file = folder / "planned.yml"
    file.write_text(text)
    changed = [Override.yaml("--replicas", "replicas", str(replicas)), *settings]
    return load_setup(file, changed, registry)


def test_arrays_take_no_more_than_was_planned(toy_folder, toy_data, registry):
    setup = card(toy_folder, registry)
    (plan,) = plan_networks(setup, toy_data, range(1, 26))
    assert [len(batch) for batch in plan.batches] == [10, 10, 5]
    settings = setup.runcard.training.optimizer
    optimizer = load_target(registry.get(OptimizerType, "nadam").build)(settings)
    chi2 = chi2_of(plan.forms)
    batch = prepare_batch(setup, plan.batches[0], toy_data, chi2, optimizer)
    terms = sum(a.nbytes for a in tree.flatten((batch.constants.training,) * 2))
    assert terms == plan.slots * plan.forms.size.own * 4 * 2
    held = sum(a.nbytes for a in tree.flatten((batch.constants, batch.state)))
    assert held < plan.memory.of(10) - plan.memory.shared
    assert plan.parameters == sum(w[0].size for w in batch.state.weights)
    assert plan.grid_points == len(toy_data.x_grid) + len(batch.model.nodes)


def test_slots_too_many_for_memory_are_refused_with_how_many_fit(toy_folder, toy_data, registry):
    setup = card(toy_folder, registry)
    (plan,) = plan_networks(setup, toy_data, range(1, 26))
    with pytest.raises(TrainingError, match=r"Give training\.slots: 4 or fewer"):
        plan_networks(setup, toy_data, range(1, 26), plan.memory.of(4))
    setup = card(toy_folder, registry, settings=[Override.setting("training.slots=4")])
    (small,) = plan_networks(setup, toy_data, range(1, 26), plan.memory.of(4))
    assert [len(batch) for batch in small.batches] == [4, 4, 4, 4, 4, 4, 1]
    assert small.slots == 4
    setup = card(toy_folder, registry, settings=[Override.setting("training.slots=1")])
    with pytest.raises(TrainingError, match=r"One replica takes .* MB .*, more than the .* MB"):
        plan_networks(setup, toy_data, range(1, 26), plan.memory.of(1) - 1)


def test_the_plan_depends_on_the_runcard_not_on_how_many_replicas(toy_folder, toy_data, registry):
    setup = card(toy_folder, registry)
    (all_of_them,) = plan_networks(setup, toy_data, range(1, 26))
    (few,) = plan_networks(setup, toy_data, (3, 4))
    assert few.slots == all_of_them.slots == 10
    assert few.forms.datasets == all_of_them.forms.datasets
    (one,) = plan_networks(setup, toy_data, (3,))
    assert one.slots == 10


def test_a_replica_draws_its_architecture_from_its_own_number(toy_folder, toy_data, registry):
    setup = card(toy_folder, registry, WITH_CHOICE)
    plans = plan_networks(setup, toy_data, range(1, 26))
    assert [plan.position for plan in plans] == [1, 2]
    drawn = {number: plan.position for plan in plans for number in plan.numbers}
    assert sorted(drawn) == list(range(1, 26))
    again = plan_networks(setup, toy_data, (20, 7))
    assert {number: plan.position for plan in again for number in plan.numbers} == {
        k: drawn[k] for k in (20, 7)
    }


def test_more_slots_are_told_where_tables_are_shared(toy_folder, toy_data, registry):
    """Where reading them takes the time; not for fewer replicas, nor where each has its own."""
    pair = stack([hadronic_dataset("PAIR", 40)])
    machine = Machine(1e9, 1e15)
    lines = {}
    for data, last in ((pair, 30), (pair, 20), (toy_data, 30)):
        (plan,) = plan_networks(card(toy_folder, registry), data, range(1, last + 1))
        lines[data is pair, last] = list(plan_lines(plan, machine))[-1]
        sizes = plan.forms.size
        assert (sizes.shared > sizes.own) == (data is pair)
        ten, more = (plan.seconds_per_step(machine, slots) for slots in (10, 25))
        assert ten < more < 2.5 * ten
    assert "% with training.slots: 25 (" in lines[True, 30]
    assert "training.slots: 50" not in lines[True, 30]
    assert "GFlop/s" in lines[True, 20]
    assert "GFlop/s" in lines[False, 30]


def test_time_grows_with_what_is_moved_and_with_what_is_computed(toy_folder, toy_data, registry):
    (plan,) = plan_networks(card(toy_folder, registry), toy_data, range(1, 26))
    slow = plan.seconds_per_step(Machine(1e9, 1e10))
    assert slow == pytest.approx(10 * plan.seconds_per_step(Machine(1e10, 1e11)))
    assert Memory(5, 2).of(3) == 11
    lines = list(plan_lines(plan, Machine(1e9, 1e10)))
    assert "25 replicas in 3 batches of 10 slots" in lines[0]
    assert "GFlop/s" in lines[-1]


@pytest.mark.slow
def test_replicas_of_an_architecture_are_what_they_are_without_the_choice(toy_folder, tmp_path):
    """A choice decides who is fitted how, and nothing else."""
    (toy_folder / "choice.yml").write_text(WITH_CHOICE)
    code, out, err = call("run", "choice.yml", "-o", tmp_path / "choice", cwd=toy_folder)
    assert code == 0, out + err

    def function(fit, number):
        with np.load(fit / "replicas" / f"replica_{number:04d}" / "function.npz") as stored:
            return stored["values"]

    def architecture(number):
        file = tmp_path / "choice" / "replicas" / f"replica_{number:04d}" / "result.json"
        return json.loads(file.read_text())["architecture"]

    one = CHOICE.splitlines()[2].replace("    - layers", "model:\n  layers")
    alone = WITH_CHOICE.replace(CHOICE, one + "\n")
    (toy_folder / "alone.yml").write_text(alone)
    code, out, err = call("run", "alone.yml", "-o", tmp_path / "alone", cwd=toy_folder)
    assert code == 0, out + err
    first = [number for number in (1, 2, 3) if architecture(number) == 1]
    assert 0 < len(first) < 3
    for number in first:
        ours, theirs = (function(tmp_path / name, number) for name in ("choice", "alone"))
        np.testing.assert_array_equal(ours, theirs)


def test_a_choice_with_all_defaults_is_the_same_choice(toy_folder, registry):
    """As ``run.json`` has it."""
    (toy_folder / "choice.yml").write_text(WITH_CHOICE)
    found = canonical(load_runcard(toy_folder / "choice.yml", registry))
    assert canonical(runcard_type(registry).model_validate(found)) == found


def test_layers_and_a_choice_exclude_each_other(toy_folder):
    both = WITH_CHOICE.replace("  choice:", "  layers: [{type: x_logx}]\n  choice:")
    (toy_folder / "both.yml").write_text(both)
    code, _, err = call("check", "both.yml", cwd=toy_folder)
    assert code == 2
    assert "not both" in err
    wrong = WITH_CHOICE.replace("units: 8}, {type: pre", "u: 8}, {type: pre")
    (toy_folder / "none.yml").write_text(wrong)
    code, _, err = call("check", "none.yml", cwd=toy_folder)
    assert code == 2
    assert "'u' is not a key here" in err
    assert "none.yml:11" in err


def test_check_shows_the_plan_without_keras(toy_card):
    code = (
        "import sys; sys.argv = ['replicafit', *sys.argv[1:]]\n"
        "from replicafit.cli import main\n"
        "try: main()\n"
        "finally: sys.stderr.write('keras' if 'keras' in sys.modules else 'light')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(toy_card), "--time"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.endswith("light")
    assert "3 replicas in 1 batch of 10 slots" in done.stdout
    assert "chi2 of 12 data: general" in done.stdout
    told = " ".join(done.stdout.split())  # wrapped, where the machine has long numbers
    assert "s for 1000 steps of a batch" in told
