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

__all__ = [
    "NetworkSettings",
    "Override",
    "ReplicaRange",
    "Runcard",
    "canonical",
    "canonical_hash",
    "compared",
    "differences",
    "load_runcard",
    "runcard_schema",
    "runcard_type",
]
