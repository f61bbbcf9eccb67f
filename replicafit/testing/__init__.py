"""The conformance kit for plugin authors: one function for each kind of component.

from replicafit.testing import check_layer

def test_my_layer():
    check_layer("my_layer", units=4)

Each is imported when it is asked for, with Keras if it needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicafit.lazy import lazy_names

if TYPE_CHECKING:
    from replicafit.testing.conformance import ConformanceError as ConformanceError
    from replicafit.testing.conformance import close as close
    from replicafit.testing.conformance import require as require
    from replicafit.testing.conformance import same as same
    from replicafit.testing.datasets import check_dataset as check_dataset
    from replicafit.testing.exporters import check_exporter as check_exporter
    from replicafit.testing.forward_maps import check_forward_map as check_forward_map
    from replicafit.testing.layers import check_layer as check_layer
    from replicafit.testing.optimizers import check_optimizer as check_optimizer
    from replicafit.testing.penalties import check_penalty as check_penalty

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
