"""Sampling of the posterior by Hamiltonian Monte Carlo (NUTS, arXiv:1111.4246), on JAX.

Density, prior and start are those of the Laplace approximation, and so are the coordinates: in
units of its standard deviations along its directions a Gaussian posterior would be a unit one. Each
chain has random numbers of its own.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.plugin import ExecutionError, Override, Seeds, TrainingError
from replicafit_posterior.laplace import Tell, about, begun, gaussian
from replicafit_posterior.objective import Objective
from replicafit_posterior.stored import Posterior, refuse_unless_free

MOST_WEIGHTS = 500
"""Beyond, chains would take hours and hardly mix."""
MOST_R_HAT = 1.01
"""Of chains that tell the same (arXiv:1903.08008)."""
ACCEPTED = 0.95
"""Of proposals: small steps, for posteriors of networks bend sharply."""
LEAST_EFFECTIVE = 400
"""Independent samples that standard deviations are trusted from (arXiv:1903.08008)."""


def sample(
    folder: str | Path,
    output: str | Path | None = None,
    *,
    plugins: tuple[Path, ...] = (),
    overrides: tuple[Override, ...] = (),
    tell: Tell = lambda line: None,
) -> Posterior:
    """Functions of weights sampled from the posterior of the fit in ``folder``.

    Args:
        folder, output, plugins, overrides, tell: as for ``laplace``.

    Raises:
        ReplicafitError: as for ``laplace``; also without JAX and numpyro, where Keras runs on
            another backend, and for models with too many weights.
    """
    if output is not None:
        refuse_unless_free(Path(output))
    run_on_jax()
    objective, settings, record = begun(folder, plugins, overrides, tell)
    if len(objective.start) > MOST_WEIGHTS:
        raise TrainingError(
            f"The network of the fit has {len(objective.start)} weights; sampling is for linear "
            f"and shallow models, up to {MOST_WEIGHTS}. replicafit laplace takes it."
        )
    found = gaussian(objective, settings)
    record |= about(objective, found, tell)
    seeds = Seeds(objective.plan.setup.runcard.seed)
    alone = objective.with_slots(1)
    chains = []
    for chain in range(1, settings.chains + 1):
        tell(f"Chain {chain} of {settings.chains} ...")
        chains.append(_chain(alone, found, settings, seeds, chain))
    weights, diverging = (np.stack(each) for each in zip(*chains, strict=True))
    functions = _functions(objective, weights.reshape(-1, weights.shape[-1]))
    diagnostics = _diagnosed(functions.reshape(*weights.shape[:2], -1), int(diverging.sum()))
    tell(
        f"{settings.chains} chains of {settings.samples} samples: R-hat at most "
        f"{diagnostics['r_hat']:.3f}, at least {diagnostics['effective']:.0f} of them independent, "
        f"{diagnostics['divergent']} divergent."
    )
    warnings = _warnings(diagnostics)
    for line in warnings:
        tell(f"Warning: {line}")
    which = np.linspace(0, len(functions) - 1, min(settings.draws, len(functions))).astype(int)
    posterior = Posterior(
        draws=objective.functions(functions[which]),
        mean=functions.mean(axis=0),
        std=functions.std(axis=0, ddof=1),
        record={
            "method": "posterior samples",
            **record,
            "diagnostics": diagnostics,
            "warnings": [*record["warnings"], *warnings],
        },
    )
    if output is not None:
        posterior.write(Path(output))
    return posterior


def run_on_jax() -> None:
    """Makes Keras run on JAX.

    Raises:
        ExecutionError: JAX or numpyro is missing, or Keras runs on another backend already.
    """
    missing = [name for name in ("jax", "numpyro") if find_spec(name) is None]
    if missing:
        raise ExecutionError(
            f"Sampling needs JAX and numpyro; not installed: {' and '.join(missing)}. In a clone: "
            "pip install -e 'plugins/replicafit-posterior[sampling]'."
        )
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "jax"
        return
    import keras

    if keras.backend.backend() != "jax":
        raise ExecutionError(
            f"Sampling needs Keras on JAX, but in this process it runs on "
            f"{keras.backend.backend()} already. Set KERAS_BACKEND=jax before Keras is imported, "
            "or use the command replicafit sample."
        )


def _chain(
    objective: Objective, found: Any, settings: Any, seeds: Seeds, chain: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (s, p) of one chain, and which samples diverged, (s,)."""
    import jax
    from jax import numpy as jnp
    from numpyro.infer import MCMC, NUTS

    precision = 0.0 if found.width is None else found.width**-2
    centre, directions = jnp.asarray(found.weights), jnp.asarray(found.directions)

    def potential(coordinates: Any) -> Any:
        weights = centre + directions @ coordinates
        residuals = objective.residuals(weights[None])
        return (jnp.sum(residuals**2) + precision * jnp.sum(weights**2)) / 2

    sampler = MCMC(
        NUTS(potential_fn=potential, dense_mass=True, target_accept_prob=ACCEPTED),
        num_warmup=settings.warmup,
        num_samples=settings.samples,
        progress_bar=False,
    )
    start = seeds.generator(chain, "sample start").standard_normal(directions.shape[1])
    key = jax.random.PRNGKey(seeds.integer(chain, "sample"))
    sampler.run(key, init_params=jnp.asarray(start), extra_fields=("diverging",))
    weights = centre + sampler.get_samples() @ directions.T
    return np.asarray(weights), np.asarray(sampler.get_extra_fields()["diverging"])


def _functions(objective: Objective, weights: np.ndarray) -> np.ndarray:
    """The functions (s, n, f) of sampled weights (s, p), as many at a time as there are slots."""
    from keras import ops

    found = []
    for first in range(0, len(weights), objective.slots):
        own = weights[first : first + objective.slots]
        padded = np.concatenate([own, np.repeat(own[:1], objective.slots - len(own), axis=0)])
        found.append(ops.convert_to_numpy(objective.tables(padded))[: len(own)])
    return np.concatenate(found).astype(np.float64)


def _diagnosed(functions: np.ndarray, divergent: int) -> dict[str, Any]:
    """The worst of all function values (c, s, k), of c chains: R-hat, effective samples.

    Of functions, for weights of a network are not unique: hidden units may trade places.
    """
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    varying = functions[..., np.ptp(functions, axis=(0, 1)) > 0]
    return {
        "r_hat": float(np.max(split_gelman_rubin(varying), initial=1.0)),
        "effective": float(
            np.min(effective_sample_size(varying), initial=functions.shape[0] * functions.shape[1])
        ),
        "divergent": divergent,
    }


def _warnings(diagnostics: dict[str, Any]) -> list[str]:
    """What diagnostics say against the samples, and what to try."""
    found = []
    if not diagnostics["r_hat"] <= MOST_R_HAT:
        found.append(
            f"the chains tell different things (R-hat {diagnostics['r_hat']:.3f}, at most "
            f"{MOST_R_HAT} is good): do not trust the band. Give more samples, "
            "--set posterior.warmup=2000 --set posterior.samples=4000, or a narrower prior."
        )
    if not diagnostics["effective"] >= LEAST_EFFECTIVE:
        found.append(
            f"{diagnostics['effective']:.0f} samples are independent, of {LEAST_EFFECTIVE} that a "
            "band needs. Give more: --set posterior.samples=4000."
        )
    if diagnostics["divergent"]:
        found.append(
            f"{diagnostics['divergent']} samples diverged: the posterior bends more sharply than "
            "the steps. Give a longer warm-up, --set posterior.warmup=2000, or a narrower prior."
        )
    return found
