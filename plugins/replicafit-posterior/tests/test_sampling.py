"""Samples of a linear model against the closed form, and what is said of bad chains."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import call_anew
from replicafit_posterior import read_posterior

pytest.importorskip("jax", reason="JAX is not installed")
pytest.importorskip("numpyro", reason="numpyro is not installed")


@pytest.mark.slow
def test_samples_of_a_linear_model_have_the_closed_form(
    line: SimpleNamespace, tmp_path: Path
) -> None:
    code, printed, errors = call_anew(
        "sample", line.folder, "-o", "out", "--set", "posterior.prior=0.3", cwd=tmp_path
    )
    assert code == 0, errors
    assert "Warning" not in printed
    found = read_posterior(tmp_path / "out")
    mean, std = line.posterior(0.3)
    told = found.record["diagnostics"]
    assert told["r_hat"] < 1.01
    assert told["effective"] > 400
    assert told["divergent"] == 0
    error = 5 / told["effective"] ** 0.5
    assert np.abs(found.mean[:, 0] - mean).max() < error * std.max()
    np.testing.assert_allclose(found.std[:, 0], std, rtol=error)
    assert found.replicas().shape == (400, *found.mean.shape)


@pytest.mark.slow
def test_chains_that_are_too_short_say_so(line: SimpleNamespace, tmp_path: Path) -> None:
    short = ("--set", "posterior.warmup=1", "--set", "posterior.samples=10")
    code, printed, errors = call_anew("sample", line.folder, "-o", "out", *short, cwd=tmp_path)
    assert code == 0, errors
    assert "Warning" in printed
    assert "--set posterior.samples" in printed
    assert read_posterior(tmp_path / "out").record["warnings"]
