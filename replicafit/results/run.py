"""``run.json``: what was run, with which versions, on what, and how fast."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from replicafit.plugins import Plugin, Registry
from replicafit.results.files import write_json
from replicafit.results.selection import Selection
from replicafit.runcard import Runcard, canonical, canonical_hash
from replicafit.training.backend import seam
from replicafit.training.slots import Occupancy

IN_PROCESS: Mapping[str, Any] = MappingProxyType({"executor": "in-process"})
"""The record of a fit that trains where it was started."""


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

    def watch(self, start: Occupancy, calls: Iterator[Occupancy]) -> Iterator[Occupancy]:
        """Passes on what each compiled call leaves, and notes how long its steps took."""
        before, begun = start, time.perf_counter()
        for now in calls:
            self.note(time.perf_counter() - begun, now.steps_since(before))
            yield now
            before, begun = now, time.perf_counter()

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


@dataclass(frozen=True)
class Provenance:
    """What a fit is made from.

    Attributes:
        runcard: with all defaults.
        card_folder: where its relative paths begin.
        registry: of the plugins.
        data_hash: of the data, so that a fit is not continued with others.
    """

    runcard: Runcard
    card_folder: Path
    registry: Registry
    data_hash: str

    @property
    def plugin_files(self) -> dict[str, str]:
        """sha256 of the plugins that are files beside the runcard, by name."""
        return {p.name: p.sha256 for p in self.registry.plugins if p.sha256}

    def write(
        self,
        path: Path,
        plans: Sequence[Mapping[str, Any]],
        timing: Timing,
        selection: Selection | None = None,
        execution: Mapping[str, Any] = IN_PROCESS,
    ) -> None:
        """Writes ``run.json``, whole.

        Args:
            path: of the file.
            plans: what was chosen for each architecture.
            timing: so far.
            selection: once the fit is complete.
            execution: who trained, if others did.
        """
        write_json(
            path,
            {
                "runcard": canonical(self.runcard),
                "hash": canonical_hash(self.runcard),
                "extends": [card.model_dump() for card in self.runcard.extends],
                "runcard_folder": str(self.card_folder.resolve()),
                "data_hash": self.data_hash,
                "versions": _versions(),
                "plugins": {plugin.name: _origin(plugin) for plugin in self.registry.plugins},
                "backend": seam().describe(),
                "timing": timing.summary(),
                "chi2_forms": list(plans),
                "execution": dict(execution),
                "selection": selection.summary() if selection else None,
            },
        )


def _origin(plugin: Plugin) -> dict[str, str]:
    """Where ``plugin`` comes from; of a file beside the runcard, exactly which."""
    known = {"distribution": plugin.distribution, "version": plugin.version}
    return known if plugin.sha256 is None else {**known, "sha256": plugin.sha256}


def _versions() -> dict[str, str]:
    names = ("replicafit", "keras", "numpy", "scipy")
    found = {name: metadata.version(name) for name in names}
    return {**found, "python": platform.python_version()}
