"""Built-in exporters: what is written for each replica."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.components import Exporter
from replicafit.components.hookspecs import hookimpl

_WRITTEN = {
    "network": "network.keras: the network of this replica in plain Keras layers",
    "function": "function.npz: the functions on a grid",
    "history": "history.npz: training and validation chi2 at every check",
    "data": "data.npz: the pseudodata of the replica and its split",
    "predictions": "predictions.npz: predictions of all data, and what chi2 takes of them",
}


@hookimpl
def replicafit_exporters() -> Sequence[Exporter]:
    """The exporters of replicafit itself."""
    return [
        Exporter(name=name, write=f"replicafit.results.writers:write_{name}", summary=summary)
        for name, summary in _WRITTEN.items()
    ]
