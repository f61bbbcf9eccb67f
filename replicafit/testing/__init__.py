"""The conformance kit for plugin authors: one function for each kind of component.

from replicafit.testing import check_layer

def test_my_layer():
    check_layer("my_layer", units=4)
"""

from replicafit.testing.conformance import ConformanceError
from replicafit.testing.datasets import check_dataset
from replicafit.testing.exporters import check_exporter
from replicafit.testing.forward_maps import check_forward_map
from replicafit.testing.layers import check_layer
from replicafit.testing.optimizers import check_optimizer
from replicafit.testing.penalties import check_penalty

__all__ = [
    "ConformanceError",
    "check_dataset",
    "check_exporter",
    "check_forward_map",
    "check_layer",
    "check_optimizer",
    "check_penalty",
]
