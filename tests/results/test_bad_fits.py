"""Whole fits, from data to their verdict: three first fits that went wrong, and what is good.

All replicas of the bad ones are alike, so that all are selected. More good ones are in
tests/test_recipes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import replicafit
from replicafit.data import Dataset, write_dataset
from replicafit.results.records import Finding

CURVE = Path(__file__).parents[2] / "runcards" / "anything.csv"


def curve(folder: Path, shrunk: float) -> dict[str, Any]:
    """The 60 values of ``runcards/anything.csv`` with errors that are smaller by a factor."""
    x, y, sigma = np.loadtxt(CURVE, delimiter=",", skiprows=2).T
    table = np.column_stack([x, y, sigma / shrunk])
    np.savetxt(folder / "curve.csv", table, delimiter=",", header="x,y,error", comments="")
    return {"type": "csv", "path": str(folder / "curve.csv"), "error": "error"}


def peak_behind_a_kernel(folder: Path) -> dict[str, Any]:
    """20 integrals of a sharp peak times exp(-x tau), known to 3 per mille with correlations."""
    x, tau = np.linspace(0.01, 1, 60), np.linspace(0.05, 2, 20)
    kernel = np.exp(-8 * np.outer(tau, x)) * 8 / 60
    exact = kernel @ (0.9 * np.exp(-0.5 * ((8 * x - 2) / 0.5) ** 2) + 0.25 * (8 * x > 4.5))
    shifts = np.linalg.cholesky(np.exp(-np.abs(tau[:, None] - tau) / 0.3)) * 0.003 * exact[:, None]
    noise = np.random.default_rng(7).standard_normal((2, 20))
    dataset = Dataset(
        name="PEAK",
        central=exact + shifts @ noise[0] + 0.001 * exact * noise[1],
        stat=0.001 * exact,
        sys_add=shifts,
        sys_add_names=("CORR",) * 20,
        sys_mult_percent=np.zeros((20, 0)),
        sys_mult_names=(),
        kinematics={"tau": tau},
        x_grid=x,
        flavours=("f",),
        tables=(kernel[:, None, :],),
        operation="NULL",
    )
    write_dataset(folder / "peak.npz", dataset)
    return {"type": "file", "path": str(folder / "peak.npz")}


def fitted(
    folder: Path, dataset: dict[str, Any], hidden: Sequence[int], rate: float
) -> replicafit.Fit:
    layers = [{"type": "multi_dense", "units": n, "activation": "tanh"} for n in hidden]
    card = {
        "seed": 1,
        "replicas": 6,
        "data": {"datasets": [dataset]},
        "model": {
            "flavours": ["f"],
            "layers": [{"type": "x"}, *layers, {"type": "multi_dense", "units": 1}],
        },
        "training": {
            "optimizer": {"type": "adam", "learning_rate": rate},
            "max_steps": 1500,
            "patience": 1000,
        },
        "export": ["predictions"],
    }
    return replicafit.fit(card, output=folder / "fit", observer=())


def check_bad(fit: replicafit.Fit, low: float, high: float) -> Finding:
    """The finding about the chi2 of a fit of which all replicas are selected."""
    assert fit.verdict is not None
    assert low < fit.verdict.chi2_per_datum < high
    assert len(fit) == 6
    assert not fit.verdict.good
    finding = fit.verdict.findings[0]
    assert (finding.name, finding.serious) == ("chi2", True)
    return finding


def test_a_network_that_is_trained_too_little_for_its_data(tmp_path):
    check_bad(fitted(tmp_path, peak_behind_a_kernel(tmp_path), (16, 16), 5e-3), 5, 15)


def test_errors_that_are_too_small(tmp_path):
    finding = check_bad(fitted(tmp_path, curve(tmp_path, 8.3), (20, 20), 0.02), 50, 80)
    assert "the errors are too small (all of them by a factor of 8" in finding.advice


def test_a_straight_line(tmp_path):
    fit = fitted(tmp_path, curve(tmp_path, 5), (), 0.02)
    finding = check_bad(fit, 400, 600)
    assert "The residuals are smooth" in finding.advice
    assert fit.verdict is not None
    assert "residuals" in [finding.name for finding in fit.verdict.findings]


def test_the_same_curve_with_its_own_errors(tmp_path):
    verdict = fitted(tmp_path, curve(tmp_path, 1), (20, 20), 0.02).verdict
    assert verdict is not None
    assert verdict.good
    assert verdict.findings == []
