"""Layers that hold all replicas; one family a file."""

from replicafit.layers.multi_dense import MultiDense
from replicafit.layers.multi_initializer import MultiInitializer
from replicafit.layers.replicate import replicate

__all__ = ["MultiDense", "MultiInitializer", "replicate"]
