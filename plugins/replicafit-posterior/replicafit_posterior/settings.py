"""The key ``posterior``: what is done with a finished fit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replicafit.plugin import Settings


class PosteriorSettings(Settings):
    """Laplace approximation and sampling: replicafit laplace and replicafit sample."""

    prior: Literal["evidence"] | Annotated[float, Field(gt=0)] | None = Field(
        default="evidence",
        description="Standard deviation of the Gaussian prior of every trained weight about zero; "
        "evidence: the one that makes the data most probable; null: none, for models of which "
        "data determine every weight.",
    )
    replica: int | None = Field(
        default=None,
        ge=1,
        description="The replica to begin with; by default the selected one nearest to the mean.",
    )
    steps: int = Field(
        default=300,
        ge=0,
        description="Steps of Levenberg and Marquardt at most, from the replica to the most "
        "probable weights. With 0 the Gaussian is around the replica as it is.",
    )
    cut: float = Field(
        default=1e-10,
        ge=0,
        lt=1,
        description="Without a prior, directions in the space of weights are held fixed whose "
        "eigenvalue of the Hessian is not above this part of the largest.",
    )
    delta_chi2: float = Field(
        default=1.0, gt=0, description="How much chi2 grows at one sigma (laplace)."
    )
    share: float = Field(
        default=0.999,
        gt=0,
        le=1,
        description="Part of the variance of the functions that the eigenvectors of an LHAPDF set "
        "make up, on average over x and functions (laplace).",
    )
    draws: int = Field(default=400, ge=2, description="Sets of functions that are written.")
    chains: int = Field(default=4, ge=2, description="Chains, one after the other (sample).")
    warmup: int = Field(
        default=500,
        ge=1,
        description="Steps of each chain that adapt it and do not count (sample).",
    )
    samples: int = Field(default=500, ge=4, description="Steps of each chain that count (sample).")
