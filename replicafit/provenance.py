"""``run.json``: what was run, with which versions, on what, and how fast."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from replicafit.export.files import write_json
from replicafit.plugins import Registry
from replicafit.runcard import Runcard, canonical, canonical_hash
from replicafit.training.backend import seam
from replicafit.training.loop import Snapshot
from replicafit.training.state import Status


@dataclass
class Timing:
    """How long things took; grows while a fit runs.

    Attributes:
        setup_s: reading and contracting data, seconds.
        first_step_s: the first compiled call with its compilation, seconds.
        training_s: all later calls, seconds.
        replica_steps: steps times replicas in these.
    """

    setup_s: float = 0.0
    first_step_s: float = 0.0
    training_s: float = 0.0
    replica_steps: int = 0

    def watch(self, snapshots: Iterator[Snapshot]) -> Iterator[Snapshot]:
        """Passes snapshots on and notes how long the steps between them took."""
        before, steps = time.perf_counter(), 0
        for snapshot in snapshots:
            used = snapshot.state.status != Status.empty
            total = int(snapshot.state.steps[used].sum())
            self.note(time.perf_counter() - before, total - steps)
            yield snapshot
            before, steps = time.perf_counter(), total

    def note(self, seconds: float, replica_steps: int) -> None:
        """One compiled call took ``seconds`` for ``replica_steps`` steps times replicas."""
        if not self.first_step_s:
            self.first_step_s = seconds
            return
        self.training_s += seconds
        self.replica_steps += replica_steps

    def summary(self) -> dict[str, float | None]:
        """What ``run.json`` holds."""
        steps = self.replica_steps
        return {
            "setup_s": round(self.setup_s, 3),
            "first_step_s": round(self.first_step_s, 3),
            "ms_per_step_and_replica": round(1e3 * self.training_s / steps, 5) if steps else None,
        }


def write_run_file(
    path: Path, runcard: Runcard, registry: Registry, chi2: Mapping[str, Any], timing: Timing
) -> None:
    """Writes ``run.json``, whole."""
    write_json(
        path,
        {
            "runcard": canonical(runcard),
            "hash": canonical_hash(runcard),
            "versions": _versions(),
            "plugins": {
                plugin.name: {"distribution": plugin.distribution, "version": plugin.version}
                for plugin in registry.plugins
            },
            "backend": seam().describe(),
            "timing": timing.summary(),
            "chi2_forms": dict(chi2),
        },
    )


def _versions() -> dict[str, str]:
    names = ("replicafit", "keras", "numpy", "scipy")
    found = {name: metadata.version(name) for name in names}
    return {**found, "python": platform.python_version()}
