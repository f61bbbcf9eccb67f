"""Collects what plugins provide into one frozen ``Registry``.

Entry points are loaded one by one, each into a fresh plugin manager: a plugin that fails is noted
with its reason and stops only a runcard that names something nobody else provides.
"""

from replicafit.plugins.describing import HOOKS, faults, printing_as
from replicafit.plugins.loading import Choice, load_registry, with_files
from replicafit.plugins.registry import TAKEN, BrokenPlugin, Plugin, Registry

__all__ = [
    "HOOKS",
    "TAKEN",
    "BrokenPlugin",
    "Choice",
    "Plugin",
    "Registry",
    "faults",
    "load_registry",
    "printing_as",
    "with_files",
]
