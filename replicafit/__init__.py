"""replicafit fits many Monte Carlo replicas of a neural-network function at once.

Importing the package imports neither Keras nor a backend.
"""

from replicafit.loading import Fit, Replica, load_fit, load_replica

__version__ = "0.1.0"

__all__ = ["Fit", "Replica", "__version__", "load_fit", "load_replica"]
