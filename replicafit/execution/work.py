"""What workers run. Answers are reports: an exception of a worker's code must not need its pickle.

This module imports no backend, so that a process is pinned to its cores, or refuses, before it
starts one.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from replicafit.execution.orders import BatchOrder, Failed, NeedsInputs, Ready, Refused, Report
from replicafit.execution.orders import worker_name as this_worker
from replicafit.execution.starting import import_engine_quietly
from replicafit.execution.versions import refusal
from replicafit.plugins import load_registry


def introduce(wanted: Mapping[str, str]) -> Ready | Refused | Failed:
    """What this process can do, if it has the versions ``wanted``."""
    try:
        reason = refusal(wanted, load_registry())
        if reason:
            return Refused(reason)
        import_engine_quietly()
        from replicafit.execution.workshop import ready

        return ready()
    except (Exception, SystemExit) as cause:
        return _failed(cause)


def train_batch(order: BatchOrder) -> Report:
    """Trains one batch and writes its replicas, or tells why not."""
    try:
        reason = refusal(dict(order.job.versions), load_registry())
        if reason:
            return Refused(reason)
        if order.inputs is None and not order.job.sees_inputs:
            return NeedsInputs()
        import_engine_quietly()
        from replicafit.execution.workshop import workshop

        return workshop(order.job, order.inputs).train(order)
    except (Exception, SystemExit) as cause:
        return _failed(cause)


def _failed(cause: BaseException) -> Failed:
    return Failed(f"{type(cause).__name__}: {cause}", traceback.format_exc(), this_worker())
