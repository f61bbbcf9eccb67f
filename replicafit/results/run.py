"""What is known of a run: what it was made from, and how long it took."""

from __future__ import annotations

import platform
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from replicafit.components import RuncardSection
from replicafit.data import FitData
from replicafit.results.records import (
    FORMAT,
    Execution,
    InputRecord,
    PluginRecord,
    RunRecord,
    Timing,
)
from replicafit.runcard import Setup, canonical, canonical_hash
from replicafit.training.backend import backend

PACKAGES = ("replicafit", "keras", "numpy", "scipy")


@dataclass
class Clock:
    """How long things take; grows while a fit runs.

    Attributes:
        setup_s: reading and contracting data, seconds.
        first_step_s: compiling, seconds.
        training_s: compiled calls, seconds of lanes.
        replica_steps: steps times replicas in these.
        total_s: from the first word to the last, once it is known.
    """

    setup_s: float = 0.0
    first_step_s: float = 0.0
    training_s: float = 0.0
    replica_steps: int = 0
    total_s: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def called(self, seconds: float, replica_steps: int) -> None:
        """One compiled call took ``seconds`` for ``replica_steps`` steps times replicas."""
        with self._lock:
            self.training_s += seconds
            self.replica_steps += replica_steps

    def record(self) -> Timing:
        """What ``run.json`` holds."""
        steps = self.replica_steps
        return Timing(
            setup_s=round(self.setup_s, 3),
            first_step_s=round(self.first_step_s, 3),
            ms_per_step_and_replica=round(1e3 * self.training_s / steps, 5) if steps else None,
            total_s=None if self.total_s is None else round(self.total_s, 3),
        )


def run_record(
    setup: Setup, data: FitData, plans: Sequence[dict[str, Any]], clock: Clock, who: Execution
) -> RunRecord:
    """What ``run.json`` holds of a fit that is under way.

    Args:
        plans: what was chosen for each architecture.
    """
    return RunRecord(
        format=FORMAT,
        runcard=canonical(setup.runcard),
        sections={
            section.name: own.model_dump(mode="json")
            for section in setup.registry.all(RuncardSection)
            if not section.part_of_fit and (own := getattr(setup.runcard, section.name)) is not None
        },
        hash=canonical_hash(setup.runcard),
        extends=[card.model_dump() for card in setup.runcard.extends],
        runcard_folder=str(setup.folder.resolve()),
        data_hash=data.digest,
        datasets=dict(data.digests),
        inputs=[InputRecord(**each.record()) for each in data.inputs],
        versions={
            **{name: metadata.version(name) for name in PACKAGES},
            "python": platform.python_version(),
        },
        plugins={
            p.name: PluginRecord(distribution=p.distribution, version=p.version, sha256=p.sha256)
            for p in setup.registry.plugins
        },
        backend=backend().describe(),
        timing=clock.record(),
        chi2_forms=list(plans),
        execution=who,
    )
