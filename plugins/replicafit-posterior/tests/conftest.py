"""Two fits that several tests share: a straight line, and a curve by a shallow network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_posterior.laplace import Laplace, laplace

from replicafit import Fit, fit
from replicafit.plugin import Dataset, Override

LINE = {
    "title": "a line",
    "seed": 1,
    "replicas": 60,
    "data": {"training_fraction": 1.0},
    "model": {"flavours": ["f"], "layers": [{"type": "x"}, {"type": "multi_dense", "units": 1}]},
    "training": {
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "max_steps": 2000,
        "slots": 60,
    },
}
CURVE = {
    "title": "a curve",
    "seed": 1,
    "replicas": 3,
    "model": {
        "flavours": ["f"],
        "layers": [
            {"type": "x"},
            {"type": "multi_dense", "units": 4, "activation": "tanh"},
            {"type": "multi_dense", "units": 1},
        ],
    },
    "training": {
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "max_steps": 1000,
        "slots": 3,
    },
    "posterior": {"draws": 7},
}
COMMON = 0.15
"""A shift that all data of the line share."""


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A straight line through data that share an error, with the closed forms of its posterior."""
    x, generator = np.linspace(-1, 2, 15), np.random.default_rng(3)
    error = 0.1 + 0.05 * x**2
    values = 0.7 - 1.3 * x + error * generator.standard_normal(len(x)) + COMMON
    data = Dataset(
        name="line",
        central=values,
        stat=error,
        sys_add=np.full((len(x), 1), COMMON),
        sys_add_names=("CORR",),
        sys_mult_percent=np.zeros((len(x), 0)),
        sys_mult_names=(),
        kinematics={"x": x},
        x_grid=x,
        flavours=("f",),
        tables=(np.eye(len(x))[:, None, :],),
        operation="NULL",
    )
    covariance = np.diag(error**2) + COMMON**2
    folder = tmp_path_factory.mktemp("line") / "fit"
    found = fit(LINE, data={"line": data}, output=folder, observer=())

    def design(at: np.ndarray) -> np.ndarray:
        """The network sees x scaled to the range from 0 to 1; (n, 2)."""
        return np.stack([(at + 1) / 3, np.ones(len(at))], axis=1)

    def posterior(width: float | None) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the x of the tables, each (n,)."""
        a, at = design(x), design(found.x)
        hessian = a.T @ np.linalg.solve(covariance, a)
        hessian += 0 if width is None else np.eye(2) / width**2
        weights = np.linalg.solve(hessian, a.T @ np.linalg.solve(covariance, values))
        variance = np.einsum("ni,ij,nj->n", at, np.linalg.inv(hessian), at)
        return at @ weights, np.sqrt(variance)

    def evidence(width: float) -> float:
        """Two times its logarithm, without what does not depend on the width."""
        full = covariance + width**2 * design(x) @ design(x).T
        return float(-values @ np.linalg.solve(full, values) - np.linalg.slogdet(full)[1])

    return SimpleNamespace(
        folder=folder, posterior=posterior, evidence=evidence, card=LINE, data={"line": data}
    )


@pytest.fixture(scope="session")
def flat(line: SimpleNamespace) -> Laplace:
    """The Laplace approximation of the line without a prior."""
    return laplace(line.folder, overrides=(Override.setting("posterior.prior=null"),))


@pytest.fixture(scope="session")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """A network of 13 weights, not trained to the end."""
    x = np.linspace(0, 4, 20)
    values = np.sin(1.5 * x) + 0.1 * np.random.default_rng(2).standard_normal(len(x))
    folder: Path = tmp_path_factory.mktemp("curve") / "fit"
    return fit(CURVE, data={"curve": (x, values, 0.1)}, output=folder, observer=())
