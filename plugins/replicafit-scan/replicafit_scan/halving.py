"""Successive halving: which trials have fallen behind.

At each rung, on the first fold, a trial is compared with the others of its group: replica by
replica they have the same data, splits and starting weights. It goes on if it is in the best part
of those that have come to the rung so far, as in arXiv:1810.05934, so that nobody waits. The best
of all that came to a rung always goes on.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from replicafit.plugin import Checked
from replicafit_scan.settings import HalvingSettings


@dataclass
class Rungs:
    """What has been seen at the rungs.

    Attributes:
        settings: where rungs are, and which part goes on.
        replicas: of each trial.
        seen: for each rung and trial the lowest chi2 of its replicas, by number.
        behind: the rung and the mean chi2 of the trials that have fallen behind.
    """

    settings: HalvingSettings
    replicas: int
    seen: dict[int, dict[int, dict[int, float]]] = field(default_factory=dict)
    behind: dict[int, tuple[int, float]] = field(default_factory=dict)

    def judged(self, checked: Sequence[Checked]) -> Collection[int]:
        """The trials that have fallen behind, now that ``checked`` are in slots."""
        for rung in self.settings.rungs:
            for trial in self._arrived(checked, rung):
                if self._is_behind(trial, rung):
                    self.behind.setdefault(trial, (rung, self._mean(trial, rung)))
        return self.behind

    def _arrived(self, checked: Sequence[Checked], rung: int) -> list[int]:
        """The trials whose last replica has come to ``rung`` since the last call."""
        arrived = []
        for replica in checked:
            if replica.status == "diverged":
                continue
            trial = replica.variant
            known = self.seen.setdefault(rung, {}).setdefault(trial, {})
            ended = replica.status != "running"
            if replica.number not in known and (ended or replica.steps >= rung):
                until = replica.chi2[replica.at <= rung]
                known[replica.number] = float(np.min(until, initial=np.inf))
                if len(known) == self.replicas and trial not in self.behind:
                    arrived.append(trial)
        return arrived

    def _is_behind(self, trial: int, rung: int) -> bool:
        whole = [t for t, each in self.seen[rung].items() if len(each) == self.replicas]
        better = sum(self._mean(t, rung) < self._mean(trial, rung) for t in whole)
        return better >= math.ceil(self.settings.keep * len(whole))

    def _mean(self, trial: int, rung: int) -> float:
        return float(np.mean(list(self.seen[rung][trial].values())))
