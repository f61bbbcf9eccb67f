"""Built-in exporters: what is written for each replica."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.components import Exporter
from replicafit.components.hookspecs import hookimpl


@hookimpl
def replicafit_exporters() -> Sequence[Exporter]:
    """The exporters of replicafit itself."""
    return [
        Exporter(
            name="network",
            write="replicafit.results.writers:write_network",
            summary="network.keras: the network of this replica in plain Keras layers",
        ),
        Exporter(
            name="function",
            write="replicafit.results.writers:write_function",
            summary="function.npz: x f(x, q0) on a grid",
        ),
        Exporter(
            name="history",
            write="replicafit.results.writers:write_history",
            summary="history.npz: training and validation chi2 at every check",
        ),
        Exporter(
            name="data",
            write="replicafit.results.writers:write_data",
            summary="data.npz: the pseudodata of the replica and its split",
        ),
        Exporter(
            name="predictions",
            write="replicafit.results.writers:write_predictions",
            summary="predictions.npz: predictions of all data, and what chi2 takes of them",
        ),
    ]
