"""The observer tensorboard: what TensorBoard reads of a fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import call
from replicafit_report import tensorboard

import replicafit
from replicafit.plugin import OutputError


def scalars_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """All scalars that TensorBoard finds in ``folder``: (step, value) by tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    read = EventAccumulator(str(folder))
    read.Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in read.Tensors(tag)]
        for tag in read.Tags()["tensors"]
    }


def test_scalars_are_those_of_the_fit(toy_card, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    both = ["--observer", "tensorboard", "--tensorboard"]  # one observer, named twice
    code, _, wrong = call("run", toy_card, "-o", tmp_path / "fit", *both, cwd=tmp_path)
    assert code == 0, wrong
    fit = replicafit.load_fit(tmp_path / "fit")
    parts = {
        name: scalars_of(fit.folder / "tensorboard" / name) for name in ("train", "validation")
    }
    steps = sum(result.steps for result in fit.results)
    assert parts["train"]["epoch_replicas/completed"][-1] == (steps, 3)
    assert parts["train"]["epoch_replicas/running"][-1] == (steps, 0)
    for result in fit.results:
        known = parts["validation"][f"epoch_chi2_of_replica/{result.number:04d}"]
        assert [step for step, _ in known] == [result.steps]
        if result.best_step == result.steps:
            assert known[-1][1] == pytest.approx(result.chi2_per_datum.validation, rel=1e-5)


def test_tensorboard_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"replicafit-report\[tensorboard\]"):
        tensorboard.require_tensorboard()
