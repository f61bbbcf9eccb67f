"""Runcards: what a fit is, as frozen pydantic models read from YAML."""

from replicafit.runcard.composing import runcard_type as runcard_type
from replicafit.runcard.joining import Override as Override
from replicafit.runcard.loading import GIVEN as GIVEN
from replicafit.runcard.loading import NOTHING_GIVEN as NOTHING_GIVEN
from replicafit.runcard.loading import Setup as Setup
from replicafit.runcard.loading import canonical as canonical
from replicafit.runcard.loading import canonical_hash as canonical_hash
from replicafit.runcard.loading import compared as compared
from replicafit.runcard.loading import differences as differences
from replicafit.runcard.loading import load_runcard as load_runcard
from replicafit.runcard.loading import load_setup as load_setup
from replicafit.runcard.loading import runcard_schema as runcard_schema
from replicafit.runcard.models import NetworkSettings as NetworkSettings
from replicafit.runcard.models import Runcard as Runcard
from replicafit.runcard.replica_range import ReplicaRange as ReplicaRange
