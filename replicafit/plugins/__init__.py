"""Collects what plugins provide into one frozen ``Registry``.

Entry points are loaded one by one, each into a fresh plugin manager: a plugin that fails is noted
with its reason and stops only a runcard that names something nobody else provides.
"""

from replicafit.plugins.describing import HOOKS as HOOKS
from replicafit.plugins.describing import faults as faults
from replicafit.plugins.describing import printing_as as printing_as
from replicafit.plugins.loading import Choice as Choice
from replicafit.plugins.loading import load_registry as load_registry
from replicafit.plugins.loading import with_files as with_files
from replicafit.plugins.registry import TAKEN as TAKEN
from replicafit.plugins.registry import Plugin as Plugin
from replicafit.plugins.registry import Registry as Registry
