"""Layers that hold all replicas; one family a file."""

from replicafit.layers.multi_dense import MultiDense
from replicafit.layers.multi_initializer import MultiInitializer

__all__ = ["MultiDense", "MultiInitializer"]
