"""Which finished replicas make up the ensemble, as NNPDF's postfit chooses them; numpy only.

A replica is selected if it was trained to an end, passed the verdict of every penalty and the
runcard's own bound, and neither its chi2 nor the arc length of any function is above the limit that
the others set: 4 standard deviations above their mean (arXiv:1410.8849, section 3.3,
arXiv:2109.02653, section 3.3). Mean and deviation are taken anew without those that fell out, until
nobody falls out. Only too large values count, as in NNPDF's code.

More than one in 17 that are stuck alike would widen this limit enough to pass it. So, what NNPDF's
rule does not do, each of the largest third is held against the limit that it makes together with
all that are below it; the lowest limit that is exceeded counts (looking from the largest number
downwards as for generalized extreme Studentized deviates: B. Rosner, Technometrics 25 (1983) 165).

None of n numbers lies further than (n - 1) / sqrt(n) standard deviations from their mean, so that
fewer than 18 would never lose one. Below that number the limit comes from Student's t with the same
probability, 3.2e-5: a new value lies above mean + t sigma sqrt(1 + 1 / m) of m others as rarely as
a normal one lies above 4 sigma. For many others t is 4.

This looks across replicas, by definition, but only when they are finished: it judges, and alters
nothing of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from replicafit.components.inputs import UNIT, Input, as_points
from replicafit.results.records import (
    Figure,
    ReplicaRecord,
    ReplicaVerdict,
    RunRecord,
    SelectionRecord,
)
from replicafit.runcard.models import SelectionSettings

SIGMAS = 4.0
FEW = 18
"""From so many on one of them can lie that far from their mean."""
MOST_OUT = 3
"""One in so many may fall out in a round."""
FIRST_X = 1e-6
"""Arc lengths begin here; below it they would weigh extrapolation only."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Selection:
    """The verdict on all replicas of a fit.

    Attributes:
        numbers: replica numbers, ascending, (r,).
        figures: chi2 per datum and arc lengths by name, each (r,).
        limits: the largest figure that passes, by name; infinite where too few replicas set one.
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
            limits=dict(self.limits),
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


def select(
    results: Sequence[ReplicaRecord], settings: SelectionSettings | None = None
) -> Selection:
    """The selection among replicas, in any order."""
    results = sorted(results, key=lambda result: result.number)
    numbers = tuple(result.number for result in results)
    bound = None if settings is None else settings.chi2_per_datum
    found = {"chi2_per_datum": [r.chi2_per_datum.all for r in results]}
    for name in results[0].arc_length if results else ():
        found[f"arc_length.{name}"] = [r.arc_length[name] for r in results]
    figures = {name: np.array(values, dtype=np.float64) for name, values in found.items()}
    own = [_own_reasons(result, bound) for result in results]
    eligible = np.array([not reasons for reasons in own], dtype=bool)
    for values in figures.values():
        eligible &= np.isfinite(values)
    rounds = _rounds(figures, eligible)
    how = _words(int((eligible & _within(figures, rounds[-1])).sum()))
    reasons = {n: (*own[i], *_excesses(figures, rounds, i, how)) for i, n in enumerate(numbers)}
    limits = dict(rounds[-1])
    if bound is not None:
        limits["chi2_per_datum"] = float(np.fmin(limits["chi2_per_datum"], bound))
    return Selection(numbers, figures, limits, reasons, len(rounds))


def _own_reasons(result: ReplicaRecord, bound: float | None) -> list[str]:
    """What disqualifies a replica whatever the others are like."""
    found = [] if result.usable else [f"{result.status}: {ENDS[result.status]}"]
    for name, verdict in result.penalties.items():
        if not verdict.passed:
            value = "not finite" if verdict.value is None else f"{verdict.value:.3g}"
            found.append(f"penalty {name} {value}, bound {verdict.bound:.3g}")
    chi2 = result.chi2_per_datum.all
    if bound is not None and chi2 is not None and chi2 > bound:
        found.append(f"chi2 per datum {chi2:.3g}, bound {bound:g} of selection.chi2_per_datum")
    return found


ENDS = {
    "stopped": "no better validation chi2 for as long as training.patience",
    "completed": "used up all training.max_steps",
    "diverged": "the loss or gradient was not finite",
    "undrawn": "no pseudodata without negative cross sections",
}
"""How replicas end, in words."""


def _rounds(figures: Mapping[str, np.ndarray], passing: np.ndarray) -> list[dict[str, float]]:
    """The limits of each round, until nobody who made them exceeds them.

    No limit rises again: whoever fell out is above the last ones, too, and nobody else is.
    """
    rounds: list[dict[str, float]] = []
    while True:
        limits = {name: _limit(values[passing]) for name, values in figures.items()}
        if rounds:
            limits = {name: min(limit, rounds[-1][name]) for name, limit in limits.items()}
        rounds.append(limits)
        staying = passing & _within(figures, limits)
        if staying.sum() == passing.sum():
            return rounds
        passing = staying


def _within(figures: Mapping[str, np.ndarray], limits: Mapping[str, float]) -> np.ndarray:
    """Which replicas are above none of the limits, (r,)."""
    return np.logical_and.reduce([v <= limits[name] for name, v in figures.items()])


def _excesses(
    figures: Mapping[str, np.ndarray], rounds: Sequence[Mapping[str, float]], slot: int, how: str
) -> tuple[str, ...]:
    """Which figures of a replica are not finite, or above a limit in the first round they were."""
    own = {name: values[slot] for name, values in figures.items()}
    for number, limits in enumerate(rounds, 1):
        when = f" (round {number})" if len(rounds) > 2 else ""
        found = [
            f"{figure_words(name)} {_above_in_words(value, rounds[-1][name])} = {how}{when}"
            if np.isfinite(value)
            else f"{figure_words(name)} is not finite"
            for name, value in own.items()
            if not np.isfinite(value) or value > limits[name]
        ]
        if found:
            return tuple(found)
    return ()


def _above_in_words(value: float, limit: float) -> str:
    """Both with three digits, or as many as tell them apart."""
    digits = next((d for d in range(3, 17) if f"{value:.{d}g}" != f"{limit:.{d}g}"), 17)
    return f"{value:.{digits}g}, limit {limit:.{digits}g}"


def figure_words(name: str) -> str:
    """What a number that replicas are selected by is called."""
    if name == "chi2_per_datum":
        return "chi2 per datum"
    return f"arc length of {name.removeprefix('arc_length.')}"


def _words(others: int) -> str:
    """How the limit comes about that ``others`` set."""
    if others >= FEW:
        return f"mean + {SIGMAS:g} sigma of the others"
    return f"mean + {_student(others):.3g} sigma of the {others} others"


def _limit(values: np.ndarray) -> float:
    """The largest value that passes, from all that do so far, (r,)."""
    count, limit = len(values), float("nan")
    ordered = np.sort(values)
    for below in range(max(3, count - count // MOST_OUT), count):
        if below + 1 >= FEW:
            together = ordered[: below + 1]
            limit = _above(together, SIGMAS * float(together.std()))
        else:
            limit = _few_limit(ordered[:below])
        if ordered[below] > limit:
            return limit
    return _few_limit(ordered) if 0 < count < FEW else limit


def _few_limit(others: np.ndarray) -> float:
    """Where a further value lies above ``others`` (m,) as rarely as a normal one above 4 sigma."""
    if len(others) < 3:
        return float("inf")
    return _above(others, _student(len(others)) * float(others.std(ddof=1)))


def _student(others: int) -> float:
    """How many sigma of ``others`` a further value may lie above their mean."""
    if others < 3:
        return float("inf")
    return float(stdtrit(others - 1, ndtr(SIGMAS))) * (1 + 1 / others) ** 0.5


def _above(values: np.ndarray, distance: float) -> float:
    mean = float(values.mean())
    return mean + distance + _ROUNDING * abs(mean)
