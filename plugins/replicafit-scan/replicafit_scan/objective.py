"""How good a point is: chi2 and phi2 of data that were held out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from replicafit.plugin import allowed_chi2, chi2_from_factor


@dataclass(frozen=True)
class FoldScore:
    """One point on one fold.

    Attributes:
        fold: which is held out, from 1.
        n_data: of the fold.
        chi2: per datum of the fold in its experimental covariance, mean over replicas.
        phi2: the spread of the replicas' predictions, see ``score``.
        statuses: of each replica.
        steps: that each replica took.
        failed: the penalties whose verdict each replica failed.
        fitted: chi2 per datum of the data that were fitted, of the mean prediction.
        allowed: the largest that a fit is not called bad for.
    """

    fold: int
    n_data: int
    chi2: float
    phi2: float
    statuses: tuple[str, ...]
    steps: tuple[int, ...]
    failed: tuple[tuple[str, ...], ...] = ()
    fitted: float = 0.0
    allowed: float = 0.0

    @property
    def spread(self) -> str:
        """phi2 for a table; nothing of a single replica, which has no spread."""
        return "" if len(self.statuses) == 1 else f"{self.phi2:.3f}"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        number: of the trial.
        values: of its point.
        state: ``complete``; ``failed``, where a replica fails the verdict of a penalty;
            ``stopped`` by halving; ``diverged``, with a replica that is; or ``refused``, where
            values that are sound each by itself do not go together.
        value: what is minimised; None unless complete.
        folds: those that were tried to the end.
        rung: for a stopped one the steps after which it was behind, and its chi2 there.
        reason: why it was refused.
    """

    number: int
    values: Mapping[str, Any]
    state: str
    value: float | None
    folds: tuple[FoldScore, ...]
    rung: tuple[int, float] | None = None
    reason: str = ""

    @property
    def failures(self) -> str:
        """How many replicas fail which verdicts, in words."""
        each = [failed for fold in self.folds for failed in fold.failed]
        names = sorted({name for failed in each for name in failed})
        counts = (f"{name} in {sum(name in failed for failed in each)}" for name in names)
        return f"{', '.join(counts)} of {len(each)} replicas" if names else ""

    @property
    def bad(self) -> str:
        """Which of its fits do not describe the data that they were fitted to, in words."""
        each = [f for f in self.folds if f.fitted > f.allowed]
        told = (f"{f.fitted:.3g} without fold {f.fold} (good: to {f.allowed:.3g})" for f in each)
        return f"chi2 per datum of the fitted data is {', '.join(told)}" if each else ""

    @property
    def far(self) -> bool:
        """Whether the mean prediction is further from the data of a fold than a good fit would be.

        Of the mean prediction chi2 - phi2 is left.
        """
        return any(f.chi2 - f.phi2 > allowed_chi2(f.n_data) for f in self.folds)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def refused(cls, number: int, values: Mapping[str, Any], reason: str) -> Outcome:
        """Of a point that no fit can have."""
        return cls(number, dict(values), "refused", None, (), reason=reason)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Outcome:
        """From ``plain``."""
        scores = (
            FoldScore(
                **{
                    **f,
                    "statuses": tuple(f["statuses"]),
                    "steps": tuple(f["steps"]),
                    "failed": tuple(tuple(names) for names in f.get("failed", ())),
                }
            )
            for f in plain["folds"]
        )
        rung = tuple(plain["rung"]) if plain["rung"] else None
        return cls(**{**plain, "folds": tuple(scores), "rung": rung})


def score(predictions: np.ndarray, central: np.ndarray, factor: np.ndarray) -> tuple[float, float]:
    """chi2 and phi2 per datum of replicas' predictions.

    phi2 = <chi2[T]> - chi2[<T>], both per datum: the variance of predictions in units of the
    experimental covariance (arXiv:1410.8849, section 4.2).

    Args:
        predictions: (r, d).
        central: measured, (d,).
        factor: lower Cholesky factor of the experimental covariance, (d, d).
    """
    each = float(chi2_from_factor(predictions - central, factor).mean())
    mean = float(chi2_from_factor(predictions.mean(axis=0) - central, factor))
    return each / len(central), (each - mean) / len(central)


OBJECTIVE_WORDS = MappingProxyType(
    {"average": "average chi2", "worst": "worst chi2", "chi2_phi2": "chi2 + phi2"}
)
"""What they are called, per datum of the folds held out."""

OBJECTIVES: Mapping[str, Callable[[Sequence[FoldScore]], float]] = MappingProxyType(
    {
        "average": lambda folds: math.fsum(f.chi2 for f in folds) / len(folds),
        "worst": lambda folds: max(f.chi2 for f in folds),
        "chi2_phi2": lambda folds: math.fsum(f.chi2 + f.phi2 for f in folds) / len(folds),
    }
)
"""What is minimised, of all folds held out."""


def ranking(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The complete ones, the best first, each point once; those whose fits are bad come last."""
    complete = [o for o in outcomes if o.value is not None]
    once = {json.dumps(o.values, sort_keys=True): o for o in reversed(complete)}
    return sorted(once.values(), key=lambda o: (bool(o.bad), o.value, o.number))


def best_words(best: Outcome, objective: str, trials: int) -> str:
    """Which trial is the best, and whether it is good, in words."""
    what = f"{OBJECTIVE_WORDS[objective]} per datum of the data held out is {best.value:.4g}"
    far = " Data held out are not predicted within their errors." * best.far
    bad = f" Even its own fits are bad, and no trial has better ones: {best.bad}." * bool(best.bad)
    of = "1 trial" if trials == 1 else f"{trials} trials"
    return f"The best of {of} is number {best.number}: {what}.{far}{bad}"
