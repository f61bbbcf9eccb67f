"""Bias, variance, R_bv and coverage, over many fits with known truth.

The estimators are those of arXiv:2111.05787, section 4. For a fit with replicas g_k of a truth f,
with predictions T(g) for the data and their experimental covariance C,

    bias     = |mean_k T(g_k) - T(f)|^2 / n_data,     |a|^2 = a^T C^-1 a
    variance = mean_k |T(g_k) - mean T|^2 / n_data

and over many fits with faithful uncertainties bias and variance are equal on average:
R_bv = sqrt(mean bias / mean variance) is 1. Of the positions (x, flavour) of the functions, 68 % of
the truths lie within one sigma of the mean. Errors are those of a bootstrap over fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from replicafit.plugin import OutputError, Seeds, chi2_from_factor

POSITIONS_PER_PART = 10
"""Positions in x below 0.1, spaced logarithmically, and as many above, spaced linearly; of an input
of any other range, of each half."""
LINEAR_FROM = 0.1
LOGARITHMIC_FROM = 0.01
"""Where data in (0, 1] do not reach below, positions are spaced linearly."""
REGIONS = (1e-3, 0.1)
"""Where regions of a logarithmic x meet; any other range has three equal parts."""
FARTHEST = 1e6
"""Sigma: what stands in files in place of infinity."""
RESAMPLED = 2000
"""Draws of as many fits, with repetition."""


@dataclass(frozen=True, eq=False)
class ClosureFit:
    """What one fit says of its truth.

    Attributes:
        name: of the fit.
        level: of the closure test: 0, 1 or 2.
        replicas: how many count.
        fitted: how many there are.
        good: whether the fit's verdict is.
        chi2_per_datum: of predictions and the data of the closure test, mean over the replicas
            that count.
        chi2_of_mean: of their mean prediction, per datum.
        chi2_of_truth: of the truth, per datum: that of the noise.
        bias, variance: per datum.
        x: the positions, (n,) or (n, m).
        pulls: how many standard deviations the mean is above the truth, (n, f).
        flavours: names, length f.
        logarithmic: whether positions are spaced logarithmically, at small x.
        input: what the functions depend on, if on one thing.
    """

    name: str
    level: int
    replicas: int
    fitted: int
    good: bool
    chi2_per_datum: float
    chi2_of_mean: float
    chi2_of_truth: float
    bias: float
    variance: float
    x: np.ndarray
    pulls: np.ndarray
    flavours: tuple[str, ...]
    logarithmic: bool = True
    input: str = "x"

    @property
    def ratio(self) -> float:
        """Bias over variance; infinite where all replicas say the same."""
        return self.bias / self.variance if self.variance else float("inf")

    @property
    def within(self) -> np.ndarray:
        """Whether the truth lies within one standard deviation, (n, f)."""
        return np.asarray(np.abs(self.pulls) <= 1)

    def plain(self) -> dict[str, Any]:
        """As plain data; ``of`` reads it."""
        return asdict(self) | {"x": self.x.tolist(), "pulls": self.pulls.tolist()}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> ClosureFit:
        """From what ``plain`` gave."""
        arrays = {"x": np.array(plain["x"]), "pulls": np.array(plain["pulls"])}
        own = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        return cls(**{**own, **arrays, "flavours": tuple(plain["flavours"])})


@dataclass(frozen=True)
class Estimate:
    """A mean over fits and its standard error (nan for a single fit)."""

    value: float
    error: float


@dataclass(frozen=True)
class Summary:
    """All fits together.

    Attributes:
        bias, variance: means over fits.
        bias_over_variance: the ratio of these.
        r_bv: its square root, what the field quotes.
        chi2_per_datum, chi2_of_mean, chi2_of_truth: means over fits.
        within: share of positions at which the truth lies within one sigma.
        within_per_flavour: the same for each function.
        within_per_region: for each region of x.
        within_per_flavour_and_region: for both.
    """

    bias: Estimate
    variance: Estimate
    bias_over_variance: Estimate
    r_bv: Estimate
    chi2_per_datum: Estimate
    chi2_of_mean: Estimate
    chi2_of_truth: Estimate
    within: Estimate
    within_per_flavour: dict[str, Estimate]
    within_per_region: dict[str, Estimate]
    within_per_flavour_and_region: dict[str, dict[str, Estimate]]

    def plain(self) -> dict[str, Any]:
        """As plain data; errors that are not known are None."""
        return {key: _without_nan(value) for key, value in asdict(self).items()}


def _without_nan(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_nan(value) for key, value in tree.items()}
    return None if np.isnan(tree) else tree


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


def pulls(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many standard deviations the mean of ``values`` (r, n, f) is above ``truth`` (n, f).

    Where all replicas agree, infinitely many, or none if they agree with the truth.
    """
    away, sigma = values.mean(axis=0) - truth, values.std(axis=0, ddof=1)
    with np.errstate(divide="ignore"):
        far = np.divide(away, sigma, where=away != 0, out=np.zeros_like(away))
    return np.asarray(np.clip(far, -FARTHEST, FARTHEST))


def positions(x_data: np.ndarray) -> np.ndarray:
    """x (n,) within the reach of data at ``x_data`` (d,) in (0, 1]."""
    low, high = x_data.min(), x_data.max()
    if low >= LOGARITHMIC_FROM:
        return np.linspace(low, high, 2 * POSITIONS_PER_PART)
    edge = min(LINEAR_FROM, high)
    logarithmic = np.geomspace(low, edge, POSITIONS_PER_PART, endpoint=False)
    return np.concatenate([logarithmic, np.linspace(edge, high, POSITIONS_PER_PART)])


def regions(x: np.ndarray, logarithmic: bool, input: str = "x") -> dict[str, np.ndarray]:
    """Which of the positions ``x`` (n,) lie in which region, each (n,), without empty ones.

    Functions of several inputs have none.
    """
    if x.ndim > 1:
        return {}
    low, high = REGIONS if logarithmic else np.linspace(x.min(), x.max(), 4)[1:3].tolist()
    found = {
        f"{input} < {low:.3g}": x < low,
        f"{low:.3g} to {high:.3g}": (x >= low) & (x < high),
        f"{input} > {high:.3g}": x >= high,
    }
    return {name: own for name, own in found.items() if own.any()}


def summary(fits: Sequence[ClosureFit]) -> Summary:
    """What ``fits`` with different seeds say together.

    Raises:
        OutputError: they have different functions, or these at different positions.
    """
    first = fits[0]
    for other in fits[1:]:
        if (
            other.flavours != first.flavours
            or other.x.shape != first.x.shape
            or not np.allclose(other.x, first.x)
        ):
            raise OutputError(
                f"'{first.name}' and '{other.name}' are no fits of one closure test: their "
                "functions or the reach of their data differ. Give fits that differ in the seed."
            )
    drawn = (
        Seeds(0)
        .generator(0, "bootstrap over fits")
        .integers(len(fits), size=(RESAMPLED, len(fits)))
    )

    def estimated(of: Callable[..., np.ndarray], *each: Sequence[float]) -> Estimate:
        """``of`` means over fits of numbers that each fit has."""
        columns = [np.array(column, float) for column in each]
        with np.errstate(divide="ignore", invalid="ignore"):  # replicas that all say the same
            value = float(of(*(column.mean() for column in columns)))
            if len(fits) < 2:
                return Estimate(value, float("nan"))
            spread = np.std(of(*(column[drawn].mean(axis=1) for column in columns)))
        # fits vary around their own mean less than around the true one
        return Estimate(value, float(spread * (len(fits) / (len(fits) - 1)) ** 0.5))

    def mean(each: Sequence[float]) -> Estimate:
        return estimated(lambda one: one, each)

    bias, variance = [fit.bias for fit in fits], [fit.variance for fit in fits]
    within = np.array([fit.within for fit in fits])
    parts = regions(first.x, first.logarithmic, first.input)
    names = first.flavours
    return Summary(
        bias=mean(bias),
        variance=mean(variance),
        bias_over_variance=estimated(np.divide, bias, variance),
        r_bv=estimated(lambda b, v: np.sqrt(b / v), bias, variance),
        chi2_per_datum=mean([fit.chi2_per_datum for fit in fits]),
        chi2_of_mean=mean([fit.chi2_of_mean for fit in fits]),
        chi2_of_truth=mean([fit.chi2_of_truth for fit in fits]),
        within=mean(within.mean(axis=(1, 2))),
        within_per_flavour={n: mean(within[:, :, i].mean(axis=1)) for i, n in enumerate(names)},
        within_per_region={r: mean(within[:, own].mean(axis=(1, 2))) for r, own in parts.items()},
        within_per_flavour_and_region={
            name: {r: mean(within[:, own, i].mean(axis=1)) for r, own in parts.items()}
            for i, name in enumerate(names)
        },
    )
