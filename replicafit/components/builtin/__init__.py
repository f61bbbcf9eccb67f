"""The built-in components, which come through the same door as everybody's: the hooks."""

from replicafit.components.builtin.datasets import replicafit_datasets
from replicafit.components.builtin.exporters import replicafit_exporters
from replicafit.components.builtin.forward_maps import replicafit_forward_maps
from replicafit.components.builtin.layers import replicafit_layers
from replicafit.components.builtin.optimizers import replicafit_optimizers

__all__ = [
    "replicafit_datasets",
    "replicafit_exporters",
    "replicafit_forward_maps",
    "replicafit_layers",
    "replicafit_optimizers",
]
