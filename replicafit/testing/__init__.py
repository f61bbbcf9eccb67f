"""The conformance kit for plugin authors: one function for each kind of component.

from replicafit.testing import check_layer

def test_my_layer():
    check_layer("my_layer", units=4)

Each is imported when it is asked for, with Keras if it needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicafit.testing.conformance import ConformanceError, close, require, same
    from replicafit.testing.datasets import check_dataset
    from replicafit.testing.exporters import check_exporter
    from replicafit.testing.forward_maps import check_forward_map
    from replicafit.testing.layers import check_layer
    from replicafit.testing.optimizers import check_optimizer
    from replicafit.testing.penalties import check_penalty

_LATER = {
    "ConformanceError": "conformance",
    "close": "conformance",
    "require": "conformance",
    "same": "conformance",
    "check_dataset": "datasets",
    "check_exporter": "exporters",
    "check_forward_map": "forward_maps",
    "check_layer": "layers",
    "check_optimizer": "optimizers",
    "check_penalty": "penalties",
}

__all__ = [
    "ConformanceError",
    "check_dataset",
    "check_exporter",
    "check_forward_map",
    "check_layer",
    "check_optimizer",
    "check_penalty",
    "close",
    "require",
    "same",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'replicafit.testing' has no attribute {name!r}")
    return getattr(import_module(f"replicafit.testing.{_LATER[name]}"), name)
