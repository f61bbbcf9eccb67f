"""replicafit fits many Monte Carlo replicas of a neural-network function at once.

Importing the package imports neither Keras nor a backend; what opens fits is imported when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicafit.api import FitPlan, check, fit
    from replicafit.results.fit import Fit, Replica, load_fit, load_replica

__version__ = "0.1.0"

__all__ = ["Fit", "FitPlan", "Replica", "__version__", "check", "fit", "load_fit", "load_replica"]


_LATER = {
    "Fit": "replicafit.results.fit",
    "FitPlan": "replicafit.api",
    "Replica": "replicafit.results.fit",
    "check": "replicafit.api",
    "fit": "replicafit.api",
    "load_fit": "replicafit.results.fit",
    "load_replica": "replicafit.results.fit",
}


def __getattr__(name: str) -> Any:
    """What opens fits, imported when it is first asked for."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'replicafit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
