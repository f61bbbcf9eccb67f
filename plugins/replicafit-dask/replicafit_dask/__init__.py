"""Trains the replicas of a fit on a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence

from replicafit.plugin import ExecutorType, hookimpl


@hookimpl
def replicafit_executors() -> Sequence[ExecutorType]:
    """Clusters of Dask."""
    return [
        ExecutorType(
            name="dask",
            open="replicafit_dask.opening:open_executor",
            form="local:N, tcp://HOST:PORT or a scheduler file, then ?RESOURCE=AMOUNT",
            summary="workers of a Dask cluster",
        )
    ]
