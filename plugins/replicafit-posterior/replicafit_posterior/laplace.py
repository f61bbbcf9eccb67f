"""The Laplace approximation: a Gaussian around the most probable weights.

With r(w) the whitened residuals of all data and a Gaussian prior of width t on each weight, minus
two times the logarithm of the posterior is |r(w)|^2 + |w|^2 / t^2. Its minimum is found by steps of
Levenberg and Marquardt. There H = J^T J + 1 / t^2, with J the derivative of r, is the Hessian of
half of it in the approximation of Gauss and Newton, and its inverse the covariance of weights. The
band of the functions, with G their derivative, is that of G H^-1 G^T: functions are taken to be
linear in the weights as far as the Gaussian reaches, too, without which the approximation fails for
networks (arXiv:2008.08400). The width of the prior is the one that makes the data most probable, in
the same approximation (MacKay, Neural Computation 4 (1992) 448).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from replicafit import load_fit
from replicafit.plugin import (
    FitFolder,
    Override,
    Seeds,
    TrainingError,
    import_engine_quietly,
    load_registry,
)
from replicafit_posterior.objective import Objective, changed, nearest_to_mean
from replicafit_posterior.settings import PosteriorSettings
from replicafit_posterior.stored import Posterior, refuse_unless_free

CONVERGED = 1e-3
"""A step that lowers chi2 by less than this is the last one."""
SAME_WIDTH = 1e-3
"""Relative change of the prior's width below which it is found."""
ROUNDS = 100
"""Of descent and a new width, at most."""
FIRST_WIDTH = 1.0
"""Of the prior, before the data have said more."""
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-12, 1e12
"""In units of the Hessian's diagonal."""

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The approximation.

    Attributes:
        weights: the most probable ones, (p,).
        width: of the prior; None without one.
        eigenvalues: of H, falling, of the e directions that are not held fixed, (e,).
        directions: one standard deviation along each of them, (p, e).
        determined: how many weights the data determine, rather than the prior: the trace of
            J^T J H^-1.
        steps: taken to get there.
        converged: whether there was nothing left to gain.
    """

    weights: np.ndarray
    width: float | None
    eigenvalues: np.ndarray
    directions: np.ndarray
    determined: float
    steps: int
    converged: bool


class Descent:
    """Levenberg and Marquardt's way down |r(w)|^2 + ``precision`` |w|^2.

    Attributes:
        weights: where it is, (p,).
        residual: there, (k,).
        jacobian: there, (k, p).
        precision: of the prior, one over the square of its width.
        steps: taken so far.
    """

    def __init__(self, objective: Objective, weights: np.ndarray, precision: float) -> None:
        self.objective, self.weights, self.precision = objective, weights, precision
        self.steps, self._damping = 0, FIRST_DAMPING
        self.residual, self.jacobian = self._linearised()

    @property
    def loss(self) -> float:
        """chi2, without what cannot be changed, minus two times the logarithm of the prior."""
        return float((self.residual**2).sum() + self.precision * (self.weights**2).sum())

    @property
    def hessian(self) -> np.ndarray:
        """J^T J, (p, p), without the prior."""
        return np.asarray(self.jacobian.T @ self.jacobian)

    def down(self, most: int) -> bool:
        """Steps until one gains next to nothing; False if that took more than ``most``."""
        while self.steps < most:
            before = self.loss
            if not self._step() or before - self.loss < CONVERGED:
                return True
        return False

    def _step(self) -> bool:
        """One step down; False if there is none."""
        hessian = self.hessian + self.precision * np.eye(len(self.weights))
        slope = self.jacobian.T @ self.residual + self.precision * self.weights
        diagonal, loss, here = hessian.diagonal(), self.loss, (self.weights, self.residual)
        scale = np.maximum(diagonal, LEAST_DAMPING * diagonal.max())  # of weights without effect
        while self._damping < MOST_DAMPING:
            try:
                step = np.linalg.solve(hessian + np.diag(self._damping * scale), slope)
            except np.linalg.LinAlgError:  # data leave directions open, and the damping is small
                self._damping *= 5
                continue
            self.weights = here[0] - step
            self.residual = self.objective.of_one(self.objective.residuals, self.weights)
            if self.loss < loss:
                self._damping, self.steps = max(self._damping / 5, LEAST_DAMPING), self.steps + 1
                self.residual, self.jacobian = self._linearised()
                return True
            self._damping *= 5
        self.weights, self.residual = here
        self._damping = FIRST_DAMPING
        return False

    def _linearised(self) -> tuple[np.ndarray, np.ndarray]:
        """Residual and Jacobian where it is."""
        residuals = self.objective.residuals
        here = self.weights
        return self.objective.of_one(residuals, here), self.objective.jacobian(residuals, here)


def gaussian(objective: Objective, settings: PosteriorSettings) -> Gaussian:
    """The Gaussian around the most probable weights, or as ``settings`` say.

    Raises:
        TrainingError: chi2 at the replica, or its derivative, is not finite.
    """
    by_evidence = settings.prior == "evidence"
    width = FIRST_WIDTH if isinstance(settings.prior, str) else settings.prior
    descent = Descent(objective, objective.start, 0.0 if width is None else width**-2)
    if not (np.isfinite(descent.jacobian).all() and np.isfinite(descent.residual).all()):
        raise TrainingError(
            "chi2 of the measured values, or its derivative, is not finite at the replica to begin "
            "with. Choose another with --set posterior.replica=NUMBER."
        )
    for _ in range(ROUNDS):
        converged = descent.down(settings.steps) or settings.steps == 0
        if not by_evidence:
            break
        before = descent.precision
        determined = _determined(np.linalg.svd(descent.jacobian, compute_uv=False), before)
        descent.precision = determined / float((descent.weights**2).sum())
        if abs(descent.precision / before - 1) < 2 * SAME_WIDTH or not converged:
            break
    _, singular, vectors = np.linalg.svd(descent.jacobian)
    values = np.full(len(vectors), descent.precision)
    values[: len(singular)] += singular**2
    least = 0.0 if descent.precision else settings.cut * values[0]
    kept = values > least
    return Gaussian(
        weights=descent.weights,
        width=descent.precision**-0.5 if descent.precision else None,
        eigenvalues=values[kept],
        directions=vectors[kept].T / np.sqrt(values[kept]),
        determined=_determined(singular[kept[: len(singular)]], descent.precision),
        steps=descent.steps,
        converged=converged,
    )


def _determined(singular: np.ndarray, precision: float) -> float:
    """The trace of J^T J H^-1, from the singular values of J."""
    own = singular[singular > 0] ** 2
    return float((own / (own + precision)).sum())


@dataclass(frozen=True, eq=False)
class Laplace:
    """A Laplace approximation of a fit.

    Attributes:
        posterior: functions, band and draws.
        eigenvectors: functions that lie one standard deviation from the central ones, each along
            a direction of its own, the widest first, (e, n, f): those of a Hessian set.
    """

    posterior: Posterior
    eigenvectors: np.ndarray


def laplace(
    folder: str | Path,
    output: str | Path | None = None,
    *,
    plugins: tuple[Path, ...] = (),
    overrides: tuple[Override, ...] = (),
    tell: Tell = lambda line: None,
) -> Laplace:
    """The Laplace approximation of the fit in ``folder``.

    Args:
        folder: of a finished fit.
        output: where to write, a new or empty folder; nothing is written if not given.
        plugins: files that the runcard of the fit named, if it needs them.
        overrides: of the keys of its section ``posterior``.
        tell: called with lines about how it goes.

    Raises:
        ReplicafitError: the fit, its data or the folder cannot be used.
    """
    if output is not None:
        refuse_unless_free(Path(output))
    objective, settings, record = begun(folder, plugins, overrides, tell)
    found = gaussian(objective, settings)
    record |= about(objective, found, tell)
    central = objective.of_one(objective.tables, found.weights)
    slopes = objective.jacobian(objective.tables, found.weights) @ found.directions
    slopes *= settings.delta_chi2**0.5
    std = np.sqrt((slopes**2).sum(axis=1))
    eigenvectors = _widest(slopes, std, settings.share)
    seeds = Seeds(objective.plan.setup.runcard.seed)
    normal = np.array(
        [
            seeds.generator(draw, "laplace").standard_normal(slopes.shape[1])
            for draw in range(1, settings.draws + 1)
        ]
    )
    draws = central + (normal @ slopes.T).reshape(-1, *central.shape)
    posterior = Posterior(
        draws=objective.functions(draws),
        mean=central,
        std=std.reshape(central.shape),
        record={
            "method": "Laplace approximation",
            **record,
            "delta_chi2": settings.delta_chi2,
            "eigenvectors": len(eigenvectors),
        },
    )
    if output is not None:
        posterior.write(Path(output))
    return Laplace(posterior, central + eigenvectors.reshape(-1, *central.shape))


def _widest(slopes: np.ndarray, std: np.ndarray, share: float) -> np.ndarray:
    """``slopes`` (k, e) turned so that few directions make up most of the band, (e', k).

    Any rotation of the directions has the same band. These are the principal components of the
    correlation of the k function values.
    """
    scale = np.where(std > 0, std, 1.0)
    left, values, _ = np.linalg.svd(slopes / scale[:, None], full_matrices=False)
    parts = np.cumsum(values**2) / (values**2).sum()
    count = 1 + int(np.searchsorted(parts, share * (1 - 1e-12)))
    return np.asarray((scale[:, None] * left * values)[:, :count].T)


def begun(
    folder: str | Path,
    plugins: tuple[Path, ...],
    overrides: tuple[Override, ...],
    tell: Tell,
) -> tuple[Objective, PosteriorSettings, dict[str, Any]]:
    """Where both ways begin: chi2 of the replica, the settings, and what is known so far."""
    fit = load_fit(folder)
    fit.functions  # noqa: B018  refused here if no replica counts
    setup = changed(FitFolder(fit.folder).setup(load_registry(), plugins), overrides)
    settings = getattr(setup.runcard, "posterior", None) or PosteriorSettings()
    number, chosen = settings.replica, "as posterior.replica says"
    if number is None:
        number, chosen = nearest_to_mean(fit), f"of {len(fit)} that count nearest to their mean"
    import_engine_quietly()
    objective = Objective.of(fit, setup, number)
    chi2 = objective.chi2(objective.start) / objective.n_data
    tell(
        f"Begins with replica {number}, {chosen}: chi2 per datum {chi2:.3f} of {objective.n_data} "
        "measured values."
    )
    warnings = []
    if setup.runcard.penalties:
        warnings.append(
            "The penalties of the runcard are left out: the band is that of chi2 alone."
        )
    if any(weight.constraint for weight in objective.plan.model.network.trainable_variables):
        warnings.append(
            "Constraints of weights, such as the ranges of trained exponents, are not kept: the "
            "band is that of weights that may be anything."
        )
    for line in warnings:
        tell(f"Warning: {line}")
    record = {
        "fit": str(fit.folder),
        "hash": fit.run.hash,
        "settings": settings.model_dump(mode="json"),
        "replica": number,
        "n_data": objective.n_data,
        "chi2_per_datum_of_replica": chi2,
        "warnings": warnings,
    }
    return objective, settings, record


def about(objective: Objective, found: Gaussian, tell: Tell) -> dict[str, Any]:
    """What the Gaussian says, for people and for ``posterior.json``."""
    chi2 = objective.chi2(found.weights) / objective.n_data
    size, free = len(found.weights), len(found.eigenvalues)
    prior = "no prior" if found.width is None else f"a prior of width {found.width:.3g}"
    tell(f"{found.steps} steps lead to chi2 per datum {chi2:.3f}, with {prior} on each weight.")
    held = f", {size - free} directions are held fixed" if free < size else ""
    tell(f"Data determine {found.determined:.1f} of {size} weights{held}.")
    if not found.converged:
        tell(
            "Warning: the most probable weights were not reached; the band is that of a Gaussian "
            "beside them. Give more steps: --set posterior.steps=1000."
        )
    return {
        "weights": size,
        "steps": found.steps,
        "converged": found.converged,
        "chi2_per_datum": chi2,
        "prior_width": found.width,
        "determined": found.determined,
        "eigenvalues": found.eigenvalues.tolist(),
    }
