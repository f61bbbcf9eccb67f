"""Runcards: what a fit is, as frozen pydantic models read from YAML."""

from replicafit.runcard.joining import Override
from replicafit.runcard.loading import (
    Setup,
    canonical,
    canonical_hash,
    compared,
    differences,
    load_runcard,
    load_setup,
    runcard_schema,
    setup_of,
)
from replicafit.runcard.models import NetworkSettings, ReplicaRange, Runcard, runcard_type

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
