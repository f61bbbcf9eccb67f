"""Successive halving: which replicas have fallen behind.

At each rung a replica is compared with the same replica number of the other points of its group, on the
same fold: with the same data, split and starting weights. It goes on if it is in the best part of
those that have come to the rung so far (arXiv:1810.05934 does so without waiting for the others).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from replicafit.runcard import HalvingSettings
from replicafit.training.slots import Occupancy, Seat
from replicafit.training.state import Status


@dataclass
class Rungs:
    """What has been seen at the rungs of one fold.

    Attributes:
        settings: where rungs are, and which part goes on; None stops nobody.
        seen: the lowest chi2 so far of each seat that came to a rung, by rung and replica number.
        behind: the rung and the chi2 of those that were stopped.
    """

    settings: HalvingSettings | None
    seen: dict[tuple[int, int], dict[Seat, float]] = field(default_factory=dict)
    behind: dict[Seat, tuple[int, float]] = field(default_factory=dict)

    def judged(self, now: Occupancy) -> Occupancy:
        """``now``, those stopped that have fallen behind."""
        if self.settings is None:
            return now
        stops = np.zeros(len(now.seats), bool)
        for rung in self.settings.rungs:
            for slot in self._arrived(now, rung):
                stops[slot] |= self._is_behind(now.seats[slot], rung)
        return now.halted(stops)

    def _arrived(self, now: Occupancy, rung: int) -> list[int]:
        """The slots that have come to ``rung`` since the last call; notes their chi2."""
        state, arrived = now.snapshot.state, []
        for slot, seat in enumerate(now.seats):
            known = self.seen.setdefault((rung, seat.number), {})
            if state.status[slot] in (Status.empty, Status.diverged) or seat in known:
                continue
            if state.steps[slot] >= rung or state.status[slot] != Status.running:
                known[seat] = lowest(now, slot, rung)
                arrived.append(slot)
        return arrived

    def _is_behind(self, seat: Seat, rung: int) -> bool:
        assert self.settings is not None
        seen = self.seen[rung, seat.number]
        better = sum(value < seen[seat] for value in seen.values())
        if better < math.ceil(self.settings.keep * len(seen)):
            return False
        self.behind.setdefault(seat, (rung, seen[seat]))
        return True


def lowest(now: Occupancy, slot: int, until: int) -> float:
    """The lowest validation chi2 (training, without validation data) of the replica in ``slot``."""
    history, seat = now.snapshot.history, now.seats[slot]
    own = (history.step[slot] >= 0) & (history.step[slot] <= until)
    on_training = seat.batch.constants.stop_on_training[seat.place] > 0
    values = (history.training if on_training else history.validation)[slot, own]
    return float(np.min(values, initial=np.inf))
