"""Which finished replicas make up the ensemble, as NNPDF's postfit chooses them; numpy only.

A replica is selected if it did not diverge, passed the verdict of every penalty, and neither its
chi2 nor the arc length of any function is more than 4 standard deviations above the mean of those
selected (arXiv:1410.8849, section 3.3, arXiv:2109.02653, section 3.3). Mean and deviation are taken
anew without those that fell out, until nobody falls out. Only too large values count, as in NNPDF's
code. Fewer than 18 replicas never hold one that far away: none of n numbers lies further than
(n - 1) / sqrt(n) standard deviations from their mean.

This looks across replicas, by definition, but only when they are finished: it judges, and alters
nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from replicafit.components.inputs import UNIT, Input, as_points
from replicafit.results.records import (
    Figure,
    ReplicaRecord,
    ReplicaVerdict,
    RunRecord,
    SelectionRecord,
)

SIGMAS = 4.0
FIRST_X = 1e-6
"""Arc lengths begin here; below it they would weigh extrapolation only."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Selection:
    """The verdict on all replicas of a fit.

    Attributes:
        numbers: replica numbers, ascending, (r,).
        figures: chi2 per datum and arc lengths by name, each (r,).
        limits: the largest figure that passes, by name.
        reasons: why a replica was not selected; empty for those that were. By replica number.
        rounds: how often mean and deviation were taken.
    """

    numbers: tuple[int, ...]
    figures: Mapping[str, np.ndarray]
    limits: Mapping[str, float]
    reasons: Mapping[int, tuple[str, ...]]
    rounds: int

    @property
    def selected(self) -> tuple[int, ...]:
        """The replica numbers that were selected, ascending."""
        return tuple(number for number in self.numbers if not self.reasons[number])

    def verdict(self, number: int) -> ReplicaVerdict:
        """What ``result.json`` of one replica holds."""
        at = self.numbers.index(number)
        return ReplicaVerdict(
            selected=not self.reasons[number],
            reasons=list(self.reasons[number]),
            figures={
                name: Figure(value=values[at], limit=self.limits[name])
                for name, values in self.figures.items()
            },
        )

    def summary(self) -> SelectionRecord:
        """What ``run.json`` holds."""
        return SelectionRecord(
            selected=list(self.selected),
            not_selected={str(n): list(why) for n, why in self.reasons.items() if why},
            sigmas=SIGMAS,
            rounds=self.rounds,
        )


def selected_replicas(run: RunRecord, replicas: Sequence[ReplicaRecord]) -> tuple[int, ...]:
    """The numbers of ``replicas`` that count: those selected, or of a fit that is not complete all
    that did not diverge. The one place that decides it, for all who read a fit.
    """
    if run.selection is not None:
        chosen = set(run.selection.selected)
        return tuple(each.number for each in replicas if each.number in chosen)
    return tuple(each.number for each in replicas if each.usable)


def arc_lengths(x: np.ndarray, values: np.ndarray, inputs: Sequence[Input] = UNIT) -> np.ndarray:
    """The length of the curve f over x of each function, (..., f).

    L = integral of sqrt(1 + (df/dx)^2) dx (arXiv:1410.8849, section 3.3), as the sum of chords,
    with x scaled to its range; of a logarithmic one from 1e-6 on. Of several inputs, the mean over
    all lines of the grid along an input, summed over the inputs.

    Args:
        x: of one input, ascending, (n,); of several their combinations, (n, m).
        values: (..., n, f).
        inputs: what the columns of x are.
    """
    axes = [np.unique(column) for column in as_points(x).T]
    on_axes = values.reshape(*values.shape[:-2], *map(len, axes), values.shape[-1])
    total = np.zeros((*values.shape[:-2], values.shape[-1]))
    for place, (one, axis) in enumerate(zip(inputs, axes, strict=True)):
        t = axis / one.high if one.log else np.asarray(one.scaled(axis))
        used = t >= FIRST_X if one.log else np.ones(len(t), dtype=bool)
        lines = np.moveaxis(on_axes, values.ndim - 2 + place, -2)[..., used, :]
        length = np.hypot(np.diff(t[used])[:, None], np.diff(lines, axis=-2)).sum(axis=-2)
        total += length.reshape(*total.shape[:-1], -1, total.shape[-1]).mean(axis=-2)
    return total


def select(results: Sequence[ReplicaRecord]) -> Selection:
    """The selection among replicas, in any order."""
    results = sorted(results, key=lambda result: result.number)
    numbers = tuple(result.number for result in results)
    found = {"chi2_per_datum": [r.chi2_per_datum.all for r in results]}
    for name in results[0].arc_length if results else ():
        found[f"arc_length.{name}"] = [r.arc_length[name] for r in results]
    figures = {name: np.array(values, dtype=np.float64) for name, values in found.items()}
    own = [  # what disqualifies a replica whatever the others are like
        [
            *([] if result.usable else [result.status]),
            *(name for name, verdict in result.penalties.items() if not verdict.passed),
        ]
        for result in results
    ]
    eligible = np.array([not reasons for reasons in own], dtype=bool)
    for values in figures.values():
        eligible &= np.isfinite(values)
    rounds = _rounds(figures, eligible)
    reasons = {n: (*own[i], *_excesses(figures, rounds, i)) for i, n in enumerate(numbers)}
    return Selection(numbers, figures, rounds[-1], reasons, len(rounds))


def _rounds(figures: Mapping[str, np.ndarray], passing: np.ndarray) -> list[dict[str, float]]:
    """The limits of each round, until nobody who made them exceeds them."""
    rounds: list[dict[str, float]] = []
    while True:
        rounds.append({name: _limit(values[passing]) for name, values in figures.items()})
        staying = passing.copy()
        for name, values in figures.items():
            staying &= values <= rounds[-1][name]
        if staying.sum() == passing.sum():
            return rounds
        passing = staying


def _excesses(
    figures: Mapping[str, np.ndarray], rounds: Sequence[Mapping[str, float]], slot: int
) -> tuple[str, ...]:
    """Which figures of a replica are not finite, or were too large in the first round they were."""
    own = {name: values[slot] for name, values in figures.items()}
    for limits in rounds:
        found = [
            f"{name} is {value:.6g}, above {limits[name]:.6g}"
            if np.isfinite(value)
            else f"{name} is not finite"
            for name, value in own.items()
            if not np.isfinite(value) or value > limits[name]
        ]
        if found:
            return tuple(found)
    return ()


def _limit(values: np.ndarray) -> float:
    if not len(values):
        return float("nan")
    mean = values.mean()
    return float(mean + SIGMAS * values.std() + _ROUNDING * abs(mean))
