"""replicafit fits many Monte Carlo replicas of a neural-network function at once.

Importing the package imports neither Keras nor a backend; what opens fits is imported when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicafit.lazy import lazy_names

if TYPE_CHECKING:
    from replicafit.api import FitPlan as FitPlan
    from replicafit.api import check as check
    from replicafit.api import fit as fit
    from replicafit.results.fit import Fit as Fit
    from replicafit.results.fit import Replica as Replica
    from replicafit.results.fit import load_fit as load_fit
    from replicafit.results.fit import load_replica as load_replica

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
__all__ += ["__version__"]
