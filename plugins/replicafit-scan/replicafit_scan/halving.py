"""Successive halving: which trials have fallen behind.

At each rung, on the first fold, a trial is compared with the others of its group: replica by
replica they have the same data, splits and starting weights. It goes on if it is in the best part
of those that have come to the rung so far, as in arXiv:1810.05934, so that nobody waits. The best
of all that came to a rung always goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from replicafit.training.slots import Slots
from replicafit.training.status import Status
from replicafit_scan.settings import HalvingSettings


@dataclass
class Rungs:
    """What has been seen at the rungs.

    Attributes:
        settings: where rungs are, and which part goes on; None stops nobody.
        owner: the trial of each batch, by its identity.
        replicas: of each trial.
        seen: for each rung and trial the lowest chi2 of its replicas, by place.
        behind: the rung and the mean chi2 of the trials that have fallen behind.
    """

    settings: HalvingSettings | None
    owner: Mapping[int, int]
    replicas: int
    seen: dict[int, dict[int, dict[int, float]]] = field(default_factory=dict)
    behind: dict[int, tuple[int, float]] = field(default_factory=dict)

    def judged(self, now: Slots) -> Slots:
        """``now``, the replicas of trials that have fallen behind stopped."""
        if self.settings is None:
            return now
        for rung in self.settings.rungs:
            for trial in self._arrived(now, rung):
                if self._is_behind(trial, rung):
                    self.behind.setdefault(trial, (rung, self._mean(trial, rung)))
        trials = [self.owner.get(id(replica.batch)) for replica in now.replicas]
        return now.halted(np.array([trial in self.behind for trial in trials]))

    def _arrived(self, now: Slots, rung: int) -> list[int]:
        """The trials whose last replica has come to ``rung`` since the last call."""
        state, arrived = now.snapshot.state, []
        for slot, replica in enumerate(now.replicas):
            if state.status[slot] in (Status.empty, Status.diverged):
                continue
            trial = self.owner[id(replica.batch)]
            known = self.seen.setdefault(rung, {}).setdefault(trial, {})
            ended = state.status[slot] != Status.running
            if replica.place not in known and (ended or state.steps[slot] >= rung):
                known[replica.place] = lowest(now, slot, rung)
                if len(known) == self.replicas and trial not in self.behind:
                    arrived.append(trial)
        return arrived

    def _is_behind(self, trial: int, rung: int) -> bool:
        assert self.settings is not None
        whole = [t for t, places in self.seen[rung].items() if len(places) == self.replicas]
        better = sum(self._mean(t, rung) < self._mean(trial, rung) for t in whole)
        return better >= math.ceil(self.settings.keep * len(whole))

    def _mean(self, trial: int, rung: int) -> float:
        return float(np.mean(list(self.seen[rung][trial].values())))


def lowest(now: Slots, slot: int, until: int) -> float:
    """The lowest validation chi2 (training, without validation data) of the replica in ``slot``."""
    history, replica = now.snapshot.history, now.replicas[slot]
    own = (history.step[slot] >= 0) & (history.step[slot] <= until)
    on_training = replica.batch.constants.stop_on_training[replica.place] > 0
    values = (history.training if on_training else history.validation)[slot, own]
    return float(np.min(values, initial=np.inf))
