"""What one fit says of the truth that its data were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from replicafit import Fit, load_fit
from replicafit.plugin import (
    FitData,
    OutputError,
    Registry,
    Relation,
    Setup,
    chi2_from_factor,
    known_function,
    load_data,
    on_flavours,
)
from replicafit_closure.estimators import (
    LOGARITHMIC_FROM,
    POSITIONS_PER_PART,
    ClosureFit,
    bias_and_variance,
    positions,
    pulls,
)

MOST_POSITIONS = 200
"""Of functions of several inputs."""


def judged(path: Path, setup: Setup) -> ClosureFit:
    """What the fit of ``setup`` in ``path`` says of its truth, from its selected replicas.

    Raises:
        OutputError: it is no closure test, has fewer than two replicas that count, or files are
            missing.
    """
    fit, closure = load_fit(path), setup.runcard.data.closure
    if closure is None:
        raise OutputError(
            f"The fit in '{path}' is no closure test. Give its runcard data.closure and fit again."
        )
    if len(fit) < 2:
        raise OutputError(
            f"'{path}' has {len(fit)} replicas that count; bias and variance need two or more."
        )
    data = load_data(setup)
    exact = np.concatenate([dataset.multiplied for dataset in data.datasets])
    predictions = fit.predictions()
    bias, variance = bias_and_variance(predictions, exact, data.cholesky)
    x, flavours = _positions(data), _independent(fit, setup.registry)
    columns = [fit.flavours.index(name) for name in flavours]
    truth = known_function(closure.truth, setup.folder, fit.attributes, setup.registry)
    return ClosureFit(
        name=path.name,
        level=closure.level,
        replicas=len(fit),
        fitted=len(fit.finished),
        good=fit.verdict is not None and fit.verdict.good,
        chi2_per_datum=float(np.mean([r.chi2_per_datum.all for r in fit.results])),
        chi2_of_mean=_chi2(predictions.mean(axis=0), data),
        chi2_of_truth=_chi2(exact, data),
        bias=bias,
        variance=variance,
        x=x,
        pulls=pulls(
            fit.interpolate(x)[:, :, columns], on_flavours(truth, x, flavours, setup.registry)
        ),
        flavours=flavours,
        input=data.inputs[0].name,
        logarithmic=bool(data.inputs[0].is_unit and x.min() < LOGARITHMIC_FROM),
    )


def _chi2(prediction: np.ndarray, data: FitData) -> float:
    """Of ``prediction`` (d,) and the data of the closure test, per datum."""
    return float(chi2_from_factor(prediction - data.central, data.cholesky)) / data.n_data


def _independent(fit: Fit, registry: Registry) -> tuple[str, ...]:
    """The functions of ``fit`` that are no others by construction (``replicafit_relations``)."""
    relations = registry.all(Relation)

    def others(name: str) -> tuple[str, ...]:
        return tuple(each for each in fit.flavours if each != name)

    return tuple(
        name for name in fit.flavours if not any(r.express(name, others(name)) for r in relations)
    )


def _positions(data: FitData) -> np.ndarray:
    """Where functions are compared, (n,) or (n, m): evenly where the data are, of several inputs on
    some of the grid points of the data.
    """
    if len(data.inputs) > 1:
        return data.x_grid[:: max(1, len(data.x_grid) // MOST_POSITIONS)]
    if data.inputs[0].is_unit:
        return positions(_x_of(data))
    return np.linspace(data.x_grid.min(), data.x_grid.max(), 2 * POSITIONS_PER_PART)


def _x_of(data: FitData) -> np.ndarray:
    """x of all data that have one; else the grid of the tables."""
    known = [d.kinematics["x"] for d in data.datasets if "x" in d.kinematics]
    return np.concatenate(known) if known else data.x_grid
