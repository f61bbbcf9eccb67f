"""A closure test of many fits: side by side, each as it would be alone, and after a kill."""

from __future__ import annotations

import json

import numpy as np
import pytest
from commands import call
from replicafit_closure.study import Study, carried_out
from toy import TOY_CARD

from replicafit import fit, load_fit
from replicafit.plugin import Observer, Override, RuncardError

CARD = TOY_CARD.replace("replicas: 3", "replicas: 4") + (
    "  slots: 5\nclosure: {truth: toy_les_houches, fits: 3}\n"
)


@pytest.fixture(scope="module")
def study(toy_folder):
    """Interrupted when its first fit has ended, which lost its run.json, and resumed."""
    (toy_folder / "study.yml").write_text(CARD)
    made = Study.of(toy_folder / "study.yml", (), toy_folder / "study")

    def interrupted(told):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(made, 2, lambda name: Observer(), interrupted)
    (ended,) = json.loads((made.folder / "closure.json").read_text())["fits"]
    (made.folder / ended["name"] / "run.json").unlink()
    told = []
    carried_out(made, 2, lambda name: Observer(), told.append)
    assert sorted(each.name for each in told) == ["fit_001", "fit_002", "fit_003"]
    return made


def test_each_fit_is_what_run_gives_with_its_seed(study):
    name = "fit_002"
    alone = fit(
        study.card,
        settings={
            "seed": study.seed(name),
            "data.closure": {"truth": "toy_les_houches", "level": 2},
        },
        observer=(),
        output=study.folder.parent / "alone",
    )
    beside = load_fit(study.folder / name)
    assert alone.run.hash == beside.run.hash
    assert alone.values.tobytes() == beside.values.tobytes()
    assert alone.predictions().tobytes() == beside.predictions().tobytes()
    assert [r.steps for r in alone.results] == [r.steps for r in beside.results]


def test_fits_have_data_of_their_own_and_one_compilation(study):
    fits = [load_fit(study.folder / name) for name in study.names]
    central = [each.data["central"] for each in fits]
    assert not np.array_equal(central[0], central[1])
    assert not np.array_equal(fits[0].values, fits[1].values)
    assert sum(each.run.timing.first_step_s > 0 for each in fits) <= 2  # of two runs


def test_what_is_written_says_what_the_fits_say(study):
    content = json.loads((study.folder / "closure.json").read_text())
    assert content["closure"] == {"truth": "toy_les_houches", "level": 2}
    biases = [each["judged"]["bias"] for each in content["fits"]]
    assert content["together"]["bias"]["value"] == pytest.approx(np.mean(biases))
    assert [each["seed"] for each in content["fits"]] == [study.seed(n) for n in study.names]
    assert len(set(biases)) == 3


def test_a_card_without_a_truth_is_refused(toy_folder):
    (toy_folder / "no_truth.yml").write_text(TOY_CARD)
    with pytest.raises(RuncardError, match="names no truth"):
        Study.of(toy_folder / "no_truth.yml", (), toy_folder / "none")


def test_the_truth_of_the_data_is_the_default(toy_folder):
    text = TOY_CARD.replace("data:\n", "data:\n  closure: {truth: toy_les_houches, level: 1}\n")
    (toy_folder / "of_data.yml").write_text(text)
    made = Study.of(toy_folder / "of_data.yml", (), toy_folder / "none")
    assert made.overrides == ()
    assert made.setup("fit_001").runcard.data.closure.level == 1
    other = [Override.setting("closure.level=0")]
    made = Study.of(toy_folder / "of_data.yml", other, toy_folder / "none")
    assert made.setup("fit_001").runcard.data.closure.level == 0
    assert not made.setup("fit_001").runcard.data.pseudodata


@pytest.mark.slow
def test_the_command(toy_folder, tmp_path):
    (toy_folder / "command.yml").write_text(CARD.replace("fits: 3", "fits: 2"))
    where = tmp_path / "study"
    code, out, err = call("closure", "command.yml", "-o", where, cwd=toy_folder)
    assert code == 0, out + err
    assert "R_bv" in out
    assert "t15" in out
    assert "v15" not in out  # equal to v by construction
    code, _, err = call("closure", "command.yml", "-o", where, cwd=toy_folder)
    assert code == 2
    assert "--resume" in err
    code, out, err = call("report", where, cwd=tmp_path)
    assert code == 0, err
    page = (where / "report.html").read_text()
    assert "R_bv" in page
    assert page.count("<svg") >= 10
    code, again, err = call("closure", where / "fit_001", where / "fit_002", cwd=tmp_path)
    assert code == 0, err
    assert "bias over variance" in again
    (toy_folder / "plain.yml").write_text(TOY_CARD.replace("max_steps: 60", "max_steps: 10"))
    code, _, err = call("run", "plain.yml", "-o", tmp_path / "plain", cwd=toy_folder)
    assert code == 0, err
    code, _, err = call("closure", tmp_path / "plain", cwd=tmp_path)
    assert code == 2
    assert "is no closure test" in err
