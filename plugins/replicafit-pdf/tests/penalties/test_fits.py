"""Whole fits with penalties: independence, verdicts in the results, selection, good replicas."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import call
from compiled import Compiled
from keras import ops
from toy import TOY_CARD, observable_arrays
from training.test_engine import assert_slot_equal

from replicafit.execution.plans import make_engine
from replicafit.execution.verify import louder
from replicafit.forward.penalties import Penalties
from replicafit.training.loop import to_device, train

CARD = f"""{TOY_CARD}
penalties:
  - {{type: positivity, path: positivity, maximum: 1.0e+3}}
  - {{type: positivity, path: [negative.npz], maximum: 2.0, threshold: 1.0e+9}}
  - {{type: integrability, flavours: [t3, t8, v], bound: 100}}
"""


QUICK = "export: [history]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, toy_folder) -> Path:
    """The toy data, a folder with a positivity observable, and one that cannot be positive."""
    folder = tmp_path_factory.mktemp("fits") / "toy"
    shutil.copytree(toy_folder, folder)
    (folder / "positivity").mkdir()
    up = observable_arrays("UP", 1)
    np.savez(folder / "positivity" / "up.npz", **up)
    negative = {**observable_arrays("MINUS_UP", 1), "fk_0": -np.abs(up["fk_0"])}
    np.savez(folder / "negative.npz", **negative)
    (folder / "card.yml").write_text(CARD)
    return folder


@pytest.fixture(scope="module")
def three(folder, registry):
    return Compiled(folder, registry, 3, CARD)


@pytest.fixture(scope="module")
def together(three):
    return three.train(three.prepare((1, 2, 3)))


def test_the_grid_holds_what_penalties_need(three):
    grid = three.plan.data.x_grid
    assert {1e-9, 1e-8, 1e-7, 1e-4} <= set(grid.tolist())
    assert len(grid) == len(np.unique(grid))
    assert list(three.plan.penalties.verdicts) == ["positivity", "positivity 2", "integrability"]


def test_neighbours_change_no_bit(three, together):
    other = three.train(three.prepare((9, 1, 8)))
    assert_slot_equal(other.state, together.state, 1, 0)
    beside = three.prepare((1, 2, 3))
    constants = louder(beside.constants, 2, 1000.0)
    *_, loud = train(three.advance, beside.state, constants, three.plan.schedule)
    for slot in (0, 1):
        assert_slot_equal(loud.state, together.state, slot, slot)


def test_the_loss_is_chi2_and_penalties_at_the_steps_of_each_replica(three):
    prepared = three.prepare((1, 2, 3))
    engine = make_engine(three.plan, prepared.model)
    state, constants = to_device(prepared.state), to_device(prepared.constants)
    steps = ops.convert_to_tensor(np.array([0, 30, 60], np.int32))
    _, with_all = engine.loss(state.weights, constants, steps)
    _, chi2 = replace(engine, penalties=Penalties()).loss(state.weights, constants, steps)
    functions, _ = engine.functions(state.weights, constants.fixed)
    terms = [term(functions, steps) for term in three.plan.penalties.terms]
    assert len(terms) == 3
    np.testing.assert_allclose(
        ops.convert_to_numpy(with_all), sum(map(ops.convert_to_numpy, [chi2, *terms])), rtol=1e-6
    )


def results(output: Path) -> dict[int, dict]:
    files = output.glob("replicas/*/result.json")
    return {r["number"]: r for r in (json.loads(file.read_text()) for file in files)}


@pytest.fixture(scope="module")
def fitted(folder, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("out") / "fit"
    code, out, err = call("run", folder / "card.yml", "-o", output, cwd=folder)
    assert code == 0, err + out
    assert "of 3 selected" in out
    return output


def test_verdicts_and_selection_are_in_the_results(fitted):
    found = results(fitted)
    assert set(found) == {1, 2, 3}
    run = json.loads((fitted / "run.json").read_text())
    selected = [n for n, r in sorted(found.items()) if r["selection"]["selected"]]
    assert run["selection"]["selected"] == selected
    for result in found.values():
        assert set(result["penalties"]) == {"positivity", "positivity 2", "integrability"}
        for verdict in result["penalties"].values():
            assert verdict["passed"] == (verdict["value"] <= verdict["bound"])
        assert result["penalties"]["positivity 2"]["passed"]
        passed = all(v["passed"] for v in result["penalties"].values())
        assert result["selection"]["selected"] == passed
        assert set(result["selection"]["figures"]) >= {"chi2_per_datum", "arc_length.g"}
        assert all(length >= 1 - 1e-5 for length in result["arc_length"].values())


def test_resuming_a_judged_fit_changes_nothing(fitted, folder):
    before = {p: p.stat().st_mtime_ns for p in fitted.rglob("replica_*/*")}
    code, _, err = call("run", folder / "card.yml", "-o", fitted, "--resume", cwd=folder)
    assert code == 0, err
    assert {p: p.stat().st_mtime_ns for p in fitted.rglob("replica_*/*")} == before
    assert json.loads((fitted / "run.json").read_text())["selection"]["selected"]


def test_replicas_that_never_pass_are_vetoed_and_more_are_fitted(folder, tmp_path):
    text = CARD.replace("threshold: 1.0e+9", "threshold: 1.0e-6")
    text = text.replace("replicas: 3", "replicas: {good: 2, at_most: 12}") + QUICK
    (folder / "never.yml").write_text(text)
    code, out, err = call("run", folder / "never.yml", "-o", tmp_path / "fit", cwd=folder)
    assert code == 1, err
    assert "Error: none of 12 replicas is selected" in err
    assert "0 of 2 replicas are good" in out
    assert "Only 0 good replicas of the 2 asked for, after all 12" in " ".join(out.split())
    found = results(tmp_path / "fit")
    assert set(found) == set(range(1, 13))
    for result in found.values():
        assert result["penalties"]["positivity 2"]["passed"] is False
        assert result["best_step"] > 0
        reasons = result["selection"]["reasons"]
        assert any(why.startswith("penalty positivity 2 ") for why in reasons)
    run = json.loads((tmp_path / "fit" / "run.json").read_text())
    assert run["selection"]["selected"] == []
    first, *_ = run["verdict"]["findings"]
    assert (first["name"], first["serious"]) == ("selection", True)


def test_fitting_ends_when_enough_are_good(folder, tmp_path):
    text = TOY_CARD.replace("replicas: 3", "replicas: {good: 4, at_most: 40}") + QUICK
    (folder / "enough.yml").write_text(text)
    code, out, err = call("run", folder / "enough.yml", "-o", tmp_path / "fit", cwd=folder)
    assert code == 0, err
    found = results(tmp_path / "fit")
    assert len(found) == 10
    selected = sum(result["selection"]["selected"] for result in found.values())
    assert selected >= 4
    assert f"{selected} of 10 selected" in out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("path: positivity", "path: none", "none"),
        ("path: positivity", "path: A.npz", "measured values ('central')"),
        ("flavours: [t3, t8, v]", "flavours: [t3, u]", "'u'"),
        ("maximum: 2.0", "maximum: 0.5", "initial (1) is above maximum (0.5)"),
    ],
)
def test_check_finds_mistakes(folder, old, new, words):
    (folder / "bad.yml").write_text(CARD.replace(old, new))
    code, _, err = call("check", folder / "bad.yml", cwd=folder)
    assert code == 2
    assert err.startswith("Error: ")
    assert words in err
    assert "Traceback" not in err
