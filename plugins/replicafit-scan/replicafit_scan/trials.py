"""Trains points that share an architecture, fold by fold, as variants of one fit.

What a trial trains is what ``replicafit run`` trains of its runcard with one fold held out: the
same replica numbers, data, splits and starting weights, whichever points are beside it. Only
halving compares points, by design.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from replicafit.plugin import (
    HeldOut,
    ModelError,
    Runcard,
    Setup,
    Variants,
    allowed_chi2,
    chi2_from_factor,
)
from replicafit_scan.halving import Rungs
from replicafit_scan.objective import OBJECTIVES, FoldScore, Outcome, score
from replicafit_scan.space import Point, Space, architecture


@dataclass
class Trials:
    """Carries trials out; keeps what is compiled, by architecture and fold."""

    space: Space
    compiled: dict[tuple[str, int], Variants] = field(default_factory=dict)

    def carried_out(self, points: Sequence[Point]) -> Iterator[Outcome]:
        """What becomes of ``points``, which share an architecture."""
        try:
            yield from self._carried_out(points)
        except ModelError as reason:
            yield from (Outcome.refused(p.number, p.values, str(reason)) for p in points)

    def _carried_out(self, points: Sequence[Point]) -> list[Outcome]:
        cards = {p.number: self.space.runcard(p.values) for p in points}
        scores: dict[int, list[FoldScore]] = {p.number: [] for p in points}
        rungs: dict[int, tuple[int, float]] = {}
        settings = self.space.scan
        for fold in range(1, len(self.space.base.data.folds) + 1):
            going = {number: cards[number] for number in cards if number not in rungs}
            if not going:
                break
            variants = self._variants(next(iter(going.values())), fold)
            halving = settings.halving if fold == 1 else None
            if halving is None:
                trained = variants.train(going)
            else:
                seen = Rungs(halving, settings.replicas_per_fold)
                trained = variants.train(going, seen.judged, min(halving.rungs))
                rungs |= seen.behind
            for number, replicas in trained.items():
                scores[number].append(fold_score(fold, variants, replicas))
        return [self._outcome(p, scores[p.number], rungs.get(p.number)) for p in points]

    def _outcome(
        self, point: Point, folds: Sequence[FoldScore], rung: tuple[int, float] | None
    ) -> Outcome:
        state, value = "complete", None
        if rung is not None:
            state = "stopped"
        elif any("diverged" in f.statuses or not np.isfinite(f.chi2) for f in folds):
            state = "diverged"
        elif any(any(f.failed) for f in folds):
            state = "failed"
        else:
            value = OBJECTIVES[self.space.scan.objective](folds)
        return Outcome(point.number, dict(point.values), state, value, tuple(folds), rung)

    def _variants(self, runcard: Runcard, fold: int) -> Variants:
        key = architecture(runcard, self.space.registry), fold
        if key not in self.compiled:
            data = runcard.data.model_copy(update={"hold_out": fold})
            runcard = runcard.model_copy(update={"data": data})
            setup = Setup(runcard, self.space.registry, self.space.card.parent)
            first = runcard.replicas.first
            numbers = range(first, first + self.space.scan.replicas_per_fold)
            self.compiled[key] = Variants.of(setup, numbers)
        return self.compiled[key]


def fold_score(fold: int, variants: Variants, replicas: Sequence[HeldOut]) -> FoldScore:
    """How well ``replicas`` predict the data of a fold, and describe those they were fitted to."""
    data, fitted = variants.held_out, variants.fitted
    predictions = np.stack([replica.prediction for replica in replicas])
    chi2, phi2 = score(predictions, data.central, data.cholesky)
    mean = np.mean([replica.fitted for replica in replicas], axis=0)
    return FoldScore(
        fold=fold,
        n_data=data.n_data,
        chi2=chi2,
        phi2=phi2,
        statuses=tuple(replica.status for replica in replicas),
        steps=tuple(replica.steps for replica in replicas),
        failed=tuple(replica.failed for replica in replicas),
        fitted=float(chi2_from_factor(mean - fitted.central, fitted.cholesky)) / fitted.n_data,
        allowed=allowed_chi2(fitted.n_data),
    )
