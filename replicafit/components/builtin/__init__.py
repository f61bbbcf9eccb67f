"""The built-in components, which come through the same door as everybody's: the hooks.

Each module holds one family: settings, description and what builds it; the layers themselves are
imported when a fit needs them.
"""

from collections.abc import Sequence

from replicafit.components import LayerType
from replicafit.components.builtin import dropout, feature_scaling, keras_layer, multi_dense, x
from replicafit.components.builtin.datasets import replicafit_datasets
from replicafit.components.builtin.exporters import replicafit_exporters
from replicafit.components.builtin.forward_maps import replicafit_forward_maps
from replicafit.components.builtin.optimizers import replicafit_optimizers
from replicafit.components.hookspecs import hookimpl

__all__ = [
    "replicafit_datasets",
    "replicafit_exporters",
    "replicafit_forward_maps",
    "replicafit_layers",
    "replicafit_optimizers",
]


@hookimpl
def replicafit_layers() -> Sequence[LayerType]:
    """The layers of replicafit itself."""
    families = (x, feature_scaling, multi_dense, dropout, keras_layer)
    return [layer for family in families for layer in family.LAYERS]
