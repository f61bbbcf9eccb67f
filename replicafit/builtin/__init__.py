"""The built-in components, which come through the same door as everybody's: the hooks.

Each module describes one kind; the code behind a description is named by a string and imported
when a fit needs it.
"""

from replicafit.builtin.datasets import replicafit_datasets
from replicafit.builtin.exporters import replicafit_exporters
from replicafit.builtin.forward_maps import replicafit_forward_maps
from replicafit.builtin.layers import replicafit_layers
from replicafit.builtin.optimisers import replicafit_optimizers
from replicafit.builtin.penalties import replicafit_penalties

__all__ = [
    "replicafit_datasets",
    "replicafit_exporters",
    "replicafit_forward_maps",
    "replicafit_layers",
    "replicafit_optimizers",
    "replicafit_penalties",
]
