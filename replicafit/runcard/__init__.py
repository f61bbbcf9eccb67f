"""Runcards: what a fit is, as frozen pydantic models read from YAML."""

from replicafit.runcard.joining import Override
from replicafit.runcard.loading import (
    canonical,
    canonical_hash,
    compared,
    differences,
    load_runcard,
    runcard_schema,
)
from replicafit.runcard.models import NetworkSettings, ReplicaRange, Runcard, runcard_type
from replicafit.runcard.setup import Setup, load_setup, setup_of

__all__ = [
    "NetworkSettings",
    "Override",
    "ReplicaRange",
    "Runcard",
    "Setup",
    "canonical",
    "canonical_hash",
    "compared",
    "differences",
    "load_runcard",
    "load_setup",
    "runcard_schema",
    "runcard_type",
    "setup_of",
]
