"""Runcards: what a fit is, as frozen pydantic models read from YAML."""

from replicafit.runcard.loading import canonical, canonical_hash, differences, load_runcard
from replicafit.runcard.models import ReplicaRange, Runcard, runcard_type

__all__ = [
    "ReplicaRange",
    "Runcard",
    "canonical",
    "canonical_hash",
    "differences",
    "load_runcard",
    "runcard_type",
]
