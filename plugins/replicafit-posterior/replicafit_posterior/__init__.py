"""Error bands of a fit by other ways than replicas: a Laplace approximation, and sampling.

This module is what replicafit loads to learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.plugin import Command, FunctionSource, RuncardSection, hookimpl
from replicafit_posterior.settings import PosteriorSettings
from replicafit_posterior.stored import Posterior, read_posterior, recognizes

__all__ = [
    "Posterior",
    "PosteriorSettings",
    "read_posterior",
    "replicafit_commands",
    "replicafit_function_sources",
    "replicafit_runcard_sections",
]


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """One for each way."""
    return [
        Command(
            name="laplace",
            command="replicafit_posterior.commands:laplace",
            summary="the band of a Gaussian around the most probable weights",
        ),
        Command(
            name="sample",
            command="replicafit_posterior.commands:sample",
            summary="the band of weights sampled from the posterior",
        ),
    ]


@hookimpl
def replicafit_runcard_sections() -> Sequence[RuncardSection]:
    """What both need to know."""
    return [
        RuncardSection(
            name="posterior",
            model=PosteriorSettings,
            part_of_fit=False,
            summary="What replicafit laplace and sample do with a fit; the fit does not look at it",
        )
    ]


@hookimpl
def replicafit_function_sources() -> Sequence[FunctionSource]:
    """What both write."""
    return [
        FunctionSource(
            name="posterior",
            recognizes=recognizes,
            read="replicafit_posterior.stored:read_known",
            form="a folder that replicafit laplace or sample wrote",
            summary="what replicafit laplace and sample write, for compare and --reference",
        )
    ]
