"""Trials in slots of one batch: the same as alone, scored, halved, resumed, written."""

from __future__ import annotations

import io
import json
import sqlite3
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import optuna
import pytest
from click.testing import CliRunner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from replicafit_report.page import write_report
from replicafit_scan.display import ScanDisplay, told
from replicafit_scan.objective import OBJECTIVES, FoldScore, Outcome, best_words, ranking, score
from replicafit_scan.scan import scan
from replicafit_scan.space import Point, Space
from replicafit_scan.study import NAME, Study, copied, journal, open_study, twins
from replicafit_scan.trials import Trials
from rich.console import Console
from toy import SCAN_CARD, observable_arrays

from replicafit import cli, load_fit
from replicafit.errors import ExecutionError, OutputError
from replicafit.execution.plans import make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import Override, Setup, load_runcard
from replicafit.training.slots import Line, Slots, replicas_of, train_slots

RATE = "training.optimizer.learning_rate"
RATES = np.geomspace(1e-5, 1e-2, 12)


@pytest.fixture(scope="module")
def card(toy_folder):
    path = toy_folder / "trials.yml"
    path.write_text(SCAN_CARD)
    return path


@pytest.fixture(scope="module")
def trials(card, registry):
    """Two folds of one architecture, compiled once for all tests."""
    return Trials(Space(card, registry))


def with_settings(trials, *settings: str) -> Trials:
    """What is compiled, for a card with other settings of the scan."""
    overrides = tuple(map(Override.setting, settings))
    return replace(trials, space=replace(trials.space, overrides=overrides))


@pytest.fixture(scope="module")
def points():
    return [Point(number, {RATE: float(rate)}) for number, rate in enumerate(RATES)]


@pytest.fixture(scope="module")
def together(trials, points):
    """Twelve trials in ten slots, nobody stopped."""
    return list(with_settings(trials, "scan.halving=null").carried_out(points))


def test_all_are_tried_on_every_fold(together):
    assert [o.number for o in together] == list(range(12))
    for outcome in together:
        assert outcome.state == "complete"
        assert [(f.fold, f.n_data, f.steps) for f in outcome.folds] == [
            (1, 40, (60, 60)),
            (2, 25, (60, 60)),
        ]
        assert outcome.value == pytest.approx(np.mean([f.chi2 for f in outcome.folds]))


def test_a_trial_is_the_same_in_any_company(trials, points, together):
    some = [points[11], points[3]]
    again = with_settings(trials, "scan.halving=null").carried_out(some)
    assert list(again) == [together[11], together[3]]


def test_a_trial_is_the_fit_of_its_runcard(trials, points, together):
    """Prepared, trained and judged as ``replicafit run`` does, with the fold held out."""
    space = trials.space
    runcard = space.runcard({**points[11].values, "data.hold_out": 1})
    setup = Setup(runcard, space.registry, space.card.parent)
    (plan,) = make_plans(setup, load_data(setup), (1, 2))
    start = Slots.empty(next(replicas_of([plan.prepare((1, 2))])), plan.slots)
    coming = Line(replicas_of([plan.prepare((1, 2))]))
    *_, last = train_slots(plan.engine, start, coming, plan.schedule)
    finished = last.finished(start)
    each = [result.record.held_out["A"] for result, _ in plan.evaluation.results(finished)]
    assert together[11].folds[0].chi2 == pytest.approx(np.mean(each), rel=1e-12)


def test_score_is_the_textbook_formula():
    generator = np.random.default_rng(1)
    predictions, central = generator.normal(size=(5, 3)), generator.normal(size=3)
    root = generator.normal(size=(3, 3))
    covariance = root @ root.T + np.eye(3)
    inverse = np.linalg.inv(covariance)
    chi2, phi2 = score(predictions, central, np.linalg.cholesky(covariance))
    assert chi2 == pytest.approx(np.mean([d @ inverse @ d for d in predictions - central]) / 3)
    spread = np.cov(predictions.T, bias=True)
    assert phi2 == pytest.approx(np.trace(inverse @ spread) / 3)


def test_objectives():
    folds = [FoldScore(k, 9, chi2, phi2, (), ()) for k, chi2, phi2 in [(1, 1.0, 0.5), (2, 3, 0.1)]]
    found = {name: judge(folds) for name, judge in OBJECTIVES.items()}
    assert found == pytest.approx({"average": 2, "worst": 3, "chi2_phi2": 2.3})


def test_bad_fits_are_the_best_only_if_all_are():
    def outcome(number, value, fitted):
        fold = FoldScore(1, 9, value, 0.1, (), (), fitted=fitted, allowed=1.9)
        return Outcome(number, {"seed": number}, "complete", value, (fold,))

    bad, good, worse = outcome(0, 1.0, 2.5), outcome(1, 3.0, 1.2), outcome(2, 4.0, 1.3)
    assert [o.number for o in ranking([bad, good, worse])] == [1, 2, 0]
    assert best_words(ranking([bad])[0], "worst", 3).endswith(
        "Even its own fits are bad, and no trial has better ones: chi2 per datum of the fitted "
        "data is 2.5 without fold 1 (good: to 1.9)."
    )


def test_halving_stops_those_behind_and_refills(trials, points, together):
    halved = list(trials.carried_out(points))
    stopped = {o.number: o for o in halved if o.state == "stopped"}
    assert len(stopped) > 2
    assert not set(stopped) & {9, 10, 11}  # far better at every rung
    assert {o.rung[0] for o in stopped.values()} == {20, 40}
    assert all(o.folds == () and o.value is None for o in stopped.values())
    for outcome in halved:
        if outcome.number not in stopped:
            assert outcome == together[outcome.number]  # to be compared changes nothing
    best = min(halved, key=lambda o: o.value or np.inf)
    assert best.number > 9  # it came to a slot that was another's


def test_diverged_trials_have_no_value(trials):
    quiet = with_settings(trials, "scan.halving=null")
    wild, calm = quiet.carried_out([Point(0, {RATE: 1e38}), Point(1, {RATE: 1e-3})])
    assert (wild.state, wild.value) == ("diverged", None)
    assert calm.state == "complete"


def test_a_trial_that_fails_a_verdict_is_never_best(trials, toy_folder):
    """Nothing that is fitted to these data is negative everywhere, as the penalty wants it."""
    arrays = observable_arrays("NEGATIVE", 3)
    np.savez(toy_folder / "negative.npz", **{**arrays, "fk_0": -arrays["fk_0"]})
    penalty = f"penalties=[{{type: positivity, path: {toy_folder}/negative.npz}}]"
    short = with_settings(trials, "scan.halving=null", "training.max_steps=20", penalty)
    (outcome,) = short.carried_out([Point(0, {RATE: 1e-3})])
    assert (outcome.state, outcome.value) == ("failed", None)
    assert outcome.failures == "positivity in 4 of 4 replicas"
    assert [len(fold.statuses) for fold in outcome.folds] == [2, 2]
    assert ranking([outcome]) == []
    assert Outcome.of(json.loads(json.dumps(outcome.plain()))) == outcome
    assert told(outcome) == f"failed: {outcome.failures}"


def test_a_scan_without_a_best_trial_ends_with_1(trials, card, tmp_path):
    study = study_in(with_settings(trials, "scan.trials=2"), tmp_path / "scan")
    folds = tuple(
        FoldScore(k, 9, 2.0, 0.1, ("stopped",), (50,), (("positivity",),)) for k in (1, 2)
    )
    for point in study.next_points():
        study.tell(Outcome(point.number, point.values, "failed", None, folds))
    call = ["scan", str(card), "-o", str(tmp_path / "scan"), "--set", "scan.trials=2", "--resume"]
    for quiet in ([], ["-q"]):
        done = CliRunner().invoke(cli.commands, [*call, *quiet])
        assert done.exit_code == 1, done.output
        assert "Error: no trial is good enough to be the best (2 trials: 2 failed)" in done.stderr
        assert not (tmp_path / "scan" / "best.yml").exists()


def test_layers_that_do_not_fit_are_refused(trials):
    """Where a point cannot have a model: told, and the scan goes on."""
    points = [Point(0, {"model.layers.2.units": 7})]
    (outcome,) = trials.carried_out(points)
    assert outcome.state == "refused"
    assert "The network puts out 7 functions, but model.flavours names 8" in outcome.reason


# The study


class Watch:
    """Notes what it is told; is cut off after some trials."""

    def __init__(self, last: int = 10**9):
        self.numbers, self.last = [], last

    def generation(self, points, architectures):
        pass

    def trial(self, outcome):
        self.numbers.append(outcome.number)
        if len(self.numbers) == self.last:
            raise KeyboardInterrupt


def study_in(trials, folder, resume=False) -> Study:
    folder.mkdir(exist_ok=True)
    return open_study(trials.space, journal(folder), resume)


@pytest.fixture(scope="module")
def whole(trials, toy_folder):
    """A scan that nothing disturbs, in a folder beside the data."""
    folder = toy_folder / "whole"
    scan(study_in(trials, folder), folder, Watch(), trials)
    return folder


def test_resume_goes_on_where_it_was_cut_off(trials, whole, toy_folder):
    folder, begun, rest = toy_folder / "cut", Watch(last=6), Watch()
    with pytest.raises(KeyboardInterrupt):
        scan(study_in(trials, folder), folder, begun, trials)
    scan(study_in(trials, folder, resume=True), folder, rest, trials)
    assert sorted(begun.numbers + rest.numbers) == list(range(8))
    ours, theirs = (json.loads((f / "scan.json").read_text()) for f in (folder, whole))
    drawn, known = ([trial["values"] for trial in each["trials"]] for each in (ours, theirs))
    assert drawn == known
    assert ours["best"][0] == theirs["best"][0]


def test_trials_that_ended_do_not_begin_again(trials, whole):
    rest = Watch()
    scan(study_in(trials, whole, resume=True), whole, rest, trials)
    assert rest.numbers == []


def test_another_scan_is_not_continued(trials, whole):
    with pytest.raises(OutputError, match=r"scan\.objective differ"):
        study_in(with_settings(trials, "scan.objective=worst"), whole, resume=True)
    with pytest.raises(OutputError, match="holds a scan already"):
        study_in(trials, whole)


def test_nothing_to_resume(trials, card, tmp_path):
    with pytest.raises(OutputError, match="no scan to resume"):
        open_study(trials.space, f"sqlite:///{tmp_path}/none.db", resume=True)
    scan_there = ["scan", str(card), "-o", str(tmp_path / "none"), "--resume"]
    done = CliRunner().invoke(cli.commands, scan_there)
    assert isinstance(done.exception, OutputError)
    assert not (tmp_path / "none").exists()  # else it would be told to resume what is not there


def test_a_scan_that_was_killed_before_it_was_described_is_not_resumed(trials, tmp_path):
    kept = JournalStorage(JournalFileBackend(journal(tmp_path)))
    optuna.create_study(storage=kept, study_name=NAME)
    with pytest.raises(OutputError, match="holds another scan"):
        open_study(trials.space, journal(tmp_path), resume=True)


class Lost(Executor):
    """Workers that nobody reaches any more."""

    def submit(self, *_: object) -> Future:
        future: Future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_workers_that_are_lost_are_told_and_trials_begin_again(trials, toy_folder):
    folder = toy_folder / "lost"
    with pytest.raises(ExecutionError, match=r"could not try its trials.*continue with --resume"):
        scan(study_in(trials, folder), folder, Watch(), trials, Lost())
    assert len(study_in(trials, folder, resume=True).next_points()) == 4


def test_a_resumed_scan_counts_on():
    out = io.StringIO()
    shown = ScanDisplay(Console(file=out, width=80), 8, done=5)
    shown.trial(Outcome(5, {}, "diverged", None, ()))
    assert out.getvalue() == "trial 5 (6 of 8): diverged\n"


def test_sqlite_keeps_a_scan_too(trials, tmp_path):
    storage = f"sqlite:///{tmp_path}/scan.db"
    study = open_study(trials.space, storage, resume=False)
    points = study.next_points()
    again = open_study(trials.space, storage, resume=True).next_points()
    assert again == points


@pytest.mark.parametrize(
    "storage",
    [
        *("sqlite:///missing/scan.db", "sqlite:///.", "sqlite:////dev/full", "sqlite:///text"),
        *("foo://x", "://", "sqlite:///locked.db", "postgresql://127.0.0.1:1/x", "missing/study"),
    ],
)
def test_what_is_no_storage_is_told_in_one_line(trials, tmp_path, storage, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("replicafit_scan.study.SECONDS", 0.1)
    Path("text").write_text("no data base" * 200)
    with closing(sqlite3.connect("locked.db")) as locked:
        locked.execute("begin exclusive")
        with pytest.raises(OutputError, match="cannot be opened as a storage") as told:
            open_study(trials.space, storage, resume=False)
    assert "\n" not in str(told.value)


def test_the_same_point_is_not_tried_twice(together):
    known = copied(together[3], 0)
    repeated = [Point(n, known.values) for n in (5, 6)]
    other = [Point(n, {RATE: 1.0}) for n in (7, 8)]
    assert twins([*repeated, *other], [known]) == {5: known, 6: known, 8: 7}


# What it leaves


def test_best_and_ensemble_are_runcards(trials, whole, registry):
    left = json.loads((whole / "scan.json").read_text())
    best = load_runcard(whole / "best.yml", registry)
    assert best.training.optimizer.learning_rate == left["trials"][left["best"][0]]["values"][RATE]
    assert best.data.folds
    assert best.data.hold_out is None
    ensemble = load_runcard(whole / "ensemble.yml", registry)
    rates = [n.training.optimizer.learning_rate for n in ensemble.model.networks]
    assert rates == [left["trials"][n]["values"][RATE] for n in left["best"]]
    setup = Setup(ensemble, registry, whole)
    plans = make_plans(setup, load_data(setup), range(1, 21))
    assert [plan.setup.runcard.training.optimizer.learning_rate for plan in plans] == rates


def test_ranking_gives_each_point_once(together):
    found = ranking([*together, copied(together[11], 12)])
    assert [o.value for o in found] == sorted(o.value for o in together)


def test_best_runs_and_says_what_the_scan_said(whole, registry, tmp_path):
    """With the fold held out, so that both speak of the same data and replicas."""
    held_out = ["--set", "data.hold_out=1"]
    out = tmp_path / "fit"
    done = CliRunner().invoke(
        cli.commands, ["run", str(whole / "best.yml"), "-o", str(out), *held_out]
    )
    assert done.exit_code == 0, done.output
    fit = load_fit(out).all
    assert len(fit) == 3
    left = json.loads((whole / "scan.json").read_text())
    best = next(trial for trial in left["trials"] if trial["number"] == left["best"][0])
    assert f"is number {best['number']}: " in (whole / "best.yml").read_text().splitlines()[0]
    each = [result.held_out["A"] for result in fit.only([1, 2]).results]
    assert best["folds"][0]["chi2"] == pytest.approx(np.mean(each), rel=1e-9)
    own = fit.only([1, 2]).chi2_of_mean() / fit.results[0].n_data
    assert best["folds"][0]["fitted"] == pytest.approx(own, rel=1e-9)
    assert f"{best['value']:.3f}" in write_report(whole, registry=registry).read_text()


@pytest.mark.slow
def test_other_processes_come_to_the_same(trials, points, together, toy_folder, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    folder = toy_folder / "processes"
    quiet = with_settings(trials, "scan.halving=null", "scan.trials=4")
    with ProcessPoolExecutor(1, get_context("spawn")) as workers:
        scan(study_in(quiet, folder), folder, Watch(), quiet, workers)
    there = open_study(quiet.space, journal(folder), resume=True).outcomes()
    here = quiet.carried_out([Point(o.number, o.values) for o in there])
    assert list(here) == there
