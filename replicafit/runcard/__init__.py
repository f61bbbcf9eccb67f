"""Runcards: what a fit is, as frozen pydantic models read from YAML."""

from replicafit.runcard.joining import Override
from replicafit.runcard.loading import (
    GIVEN,
    NOTHING_GIVEN,
    Setup,
    canonical,
    canonical_hash,
    compared,
    differences,
    load_runcard,
    load_setup,
    runcard_schema,
)
from replicafit.runcard.models import NetworkSettings, ReplicaRange, Runcard, runcard_type

__all__ = [
    "GIVEN",
    "NOTHING_GIVEN",
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
]
