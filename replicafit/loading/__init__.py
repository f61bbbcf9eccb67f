"""Opens what a fit left: the replicas of a finished or running fit, as functions."""

from replicafit.loading.fit import CENTRAL_68, Fit, is_sound, load_fit
from replicafit.loading.replica import Replica, load_replica

__all__ = ["CENTRAL_68", "Fit", "Replica", "is_sound", "load_fit", "load_replica"]
