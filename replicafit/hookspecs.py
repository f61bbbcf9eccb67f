"""Where plugins of earlier versions import ``hookimpl`` from; new ones: ``replicafit.plugin``."""

from replicafit.components.hookspecs import hookimpl, hookspec

__all__ = ["hookimpl", "hookspec"]
