"""How far fits to known functions recover them: bias, variance, and what lies within one sigma.

The estimators are those of arXiv:2111.05787, section 4. For a fit with replicas g_k of a truth f,
with predictions T(g) for the data and their experimental covariance C,

    bias     = |mean_k T(g_k) - T(f)|^2 / n_data,     |a|^2 = a^T C^-1 a
    variance = mean_k |T(g_k) - mean T|^2 / n_data

and over many fits with faithful uncertainties bias and variance are equal on average:
R_bv = sqrt(mean bias / mean variance) is 1. Of the positions (x, flavour) of the functions, 68 % of
the truths lie within one sigma of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from replicafit import Fit, load_fit
from replicafit.plugin import (
    FitData,
    FitFolder,
    OutputError,
    Registry,
    Relation,
    Runcard,
    Setup,
    chi2_from_factor,
    known_function,
    load_data,
    on_flavours,
    read_arrays,
    runcard_type,
    with_files,
)

POSITIONS_PER_PART = 10
"""Positions in x below 0.1, spaced logarithmically, and as many above, spaced linearly."""

MOST_POSITIONS = 200
"""Of functions of several inputs."""
LINEAR_FROM = 0.1


@dataclass(frozen=True)
class ClosureFit:
    """What one fit says of its truth.

    Attributes:
        name: of the fit.
        level: of the closure test: 0, 1 or 2.
        replicas: how many.
        chi2_per_datum: of predictions and the data of the closure test, mean over the
            replicas that count.
        bias, variance: per datum.
        within: whether the truth lies within one sigma, (n, f).
        flavours: names, length f.
    """

    name: str
    level: int
    replicas: int
    chi2_per_datum: float
    bias: float
    variance: float
    within: np.ndarray
    flavours: tuple[str, ...]


@dataclass(frozen=True)
class Estimate:
    """A mean over fits and its standard error (nan for a single fit)."""

    value: float
    error: float


@dataclass(frozen=True)
class ClosureSummary:
    """All fits together.

    Attributes:
        bias_over_variance: the ratio of the means over fits.
        r_bv: its square root, what the field quotes.
        within: share of positions at which the truth lies within one sigma.
        within_per_flavour: the same for each flavour.
    """

    bias_over_variance: Estimate
    r_bv: Estimate
    within: Estimate
    within_per_flavour: dict[str, Estimate]


def closure_fit(path: Path, registry: Registry, plugins: Sequence[Path] = ()) -> ClosureFit:
    """What the fit in ``path`` says of its truth, from its selected replicas.

    Args:
        path: the folder.
        registry: of the installed plugins.
        plugins: Python files that the fit's runcard named; their code runs, if they are the ones
            that the fit was made with.

    Raises:
        OutputError: there is no fit, it is no closure test, or files are missing.
    """
    folder = FitFolder(path)
    fit = load_fit(path)
    run = fit.run
    card_folder = Path(run.runcard_folder)
    recorded = folder.plugin_files() or {}
    registry = with_files(registry, map(str, plugins), Path(), recorded)
    try:
        runcard = runcard_type(registry).model_validate(run.runcard)
    except ValidationError as cause:
        first = cause.errors()[0]
        files = ", ".join(map(str, run.runcard.get("plugins", ()))) or "none"
        raise OutputError(
            f"The runcard of '{path}' cannot be read here ({'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}). It named these plugin files: {files}. Reading a fit runs no code "
            "that it names: give those you trust with --plugin FILE."
        ) from None
    closure = runcard.data.closure
    if closure is None:
        raise OutputError(
            f"The fit in '{path}' is no closure test. Give its runcard data.closure and fit again."
        )
    if len(fit) < 2:
        raise OutputError(
            f"'{path}' has {len(fit)} replicas that count; bias and variance need two or more."
        )
    data = load_data(Setup(runcard, registry, card_folder))
    bias, variance = bias_and_variance(_predictions(folder, fit), _truth(data), data.cholesky)
    return ClosureFit(
        name=path.name,
        level=closure.level,
        replicas=len(fit),
        chi2_per_datum=float(np.mean([r.chi2_per_datum.all for r in fit.results])),
        bias=bias,
        variance=variance,
        within=_within(fit, runcard, data, card_folder, registry),
        flavours=_independent(fit, registry),
    )


def _truth(data: FitData) -> np.ndarray:
    """What the truth predicts, (d,): errors in per cent multiply it in a closure test."""
    return np.concatenate([dataset.multiplied for dataset in data.datasets])


def _predictions(folder: FitFolder, fit: Fit) -> np.ndarray:
    """Of each replica, (r, d)."""
    files = [folder.exported(number, "predictions.npz") for number in fit.numbers]
    return np.stack([read_arrays(file)["prediction"] for file in files])


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


def _within(
    fit: Fit, runcard: Runcard, data: FitData, card_folder: Path, registry: Registry
) -> np.ndarray:
    assert runcard.data.closure is not None
    x = _positions(data)
    flavours = _independent(fit, registry)
    truth = known_function(runcard.data.closure.truth, card_folder, fit.attributes, registry)
    columns = [fit.flavours.index(name) for name in flavours]
    ours = fit.interpolate(x)[:, :, columns]
    return within_one_sigma(ours, on_flavours(truth, x, flavours, registry))


def bias_and_variance(
    predictions: np.ndarray, truth: np.ndarray, factor: np.ndarray
) -> tuple[float, float]:
    """Both per datum.

    Args:
        predictions: of each replica, (r, d).
        truth: of the truth, (d,).
        factor: lower Cholesky factor of the covariance, (d, d).
    """
    mean = predictions.mean(axis=0)
    bias = float(chi2_from_factor(mean - truth, factor))
    variance = float(chi2_from_factor(predictions - mean, factor).mean())
    return bias / len(truth), variance / len(truth)


def within_one_sigma(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where ``truth`` (n, f) is at most one standard deviation from the mean of (r, n, f)."""
    inside: np.ndarray = np.abs(values.mean(axis=0) - truth) <= values.std(axis=0, ddof=1)
    return inside


def positions(x_data: np.ndarray) -> np.ndarray:
    """x (n,) within the reach of data at ``x_data`` (d,)."""
    low, high = x_data.min(), x_data.max()
    edge = min(max(LINEAR_FROM, low), high)
    logarithmic = np.geomspace(low, edge, POSITIONS_PER_PART, endpoint=False)
    return np.concatenate([logarithmic, np.linspace(edge, high, POSITIONS_PER_PART)])


def summary(fits: Sequence[ClosureFit]) -> ClosureSummary:
    """What ``fits`` with different seeds say together."""
    each = np.array([fit.within.mean() for fit in fits])
    per_flavour = np.array([fit.within.mean(axis=0) for fit in fits])
    bias, variance = (np.array([getattr(f, key) for f in fits]) for key in ("bias", "variance"))
    ratio = _ratio(bias, variance)
    root = ratio.value**0.5
    return ClosureSummary(
        bias_over_variance=ratio,
        r_bv=Estimate(root, ratio.error / (2 * root)),
        within=_mean(each),
        within_per_flavour={
            name: _mean(column)
            for name, column in zip(fits[0].flavours, per_flavour.T, strict=True)
        },
    )


def _mean(values: np.ndarray) -> Estimate:
    error = values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return Estimate(float(values.mean()), float(error))


def _ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """The ratio of means; its error by leaving out each fit in turn (jackknife)."""
    n, value = len(above), float(above.mean() / below.mean())
    if n < 2:
        return Estimate(value, float("nan"))
    without = (above.sum() - above) / (below.sum() - below)
    spread = (n - 1) / n * ((without - without.mean()) ** 2).sum()
    return Estimate(value, float(spread**0.5))
