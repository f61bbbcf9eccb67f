"""Whether a complete fit describes its data, and what speaks against it; numpy only.

Everything is of the replicas that count, or of all where none is selected. Each finding is looked
for by one function of this module and has its section in ``docs/how-to/bad-fit.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from scipy.special import chdtr, chdtri, ndtr, ndtri

from replicafit.data import Dataset, FitData
from replicafit.data.sources import sharing
from replicafit.results.files import read_arrays
from replicafit.results.folder import FitFolder
from replicafit.results.records import Finding, FitVerdict, ReplicaRecord
from replicafit.results.selection import ENDS

RARE = float(ndtr(-4.0))
"""How rarely chance does what a fit is called bad for: 4 sigma, 3.2e-5."""
ODD = 1e-3
"""How rarely chance does, among all that is looked at, what is worth a remark."""
TOLERATED = 1.3
"""chi2 per datum that is not called bad however many data there are: the errors of many
experiments together are rarely perfect (NNPDF4.0 has 1.16 for 4618 data, arXiv:2109.02653)."""
LAST_PART = 0.05
"""A replica that was best in this last part of its steps had not ended."""
UNEQUAL = 1.5
"""chi2 of replicas, upper over lower end of the central 68 %, of a training that was not over."""
OVERFITTED = 1.5
"""Validation over training chi2 per datum."""
FEWEST = 10
"""Data from which on their order tells something."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a fit is judged by.

    Attributes:
        data: of the fit.
        finished: all replicas.
        counting: those selected, or all if none is.
        selected: how many are.
        check_every: steps between two checks.
        residual: measured values minus the mean prediction of ``counting``, (d,); None where
            predictions were not exported.
        weighted: C^-1 times the residual, with the covariance of all data and of each dataset,
            (2, d); None likewise.
        exact: whether data are without noise, in a closure test of level 0.
    """

    data: FitData
    finished: tuple[ReplicaRecord, ...]
    counting: tuple[ReplicaRecord, ...]
    selected: int
    check_every: int
    residual: np.ndarray | None
    weighted: np.ndarray | None
    exact: bool

    @property
    def chi2(self) -> float:
        """chi2 per datum of the mean prediction; of the mean over replicas where it is unknown."""
        if self.residual is None or self.weighted is None:
            return float(np.mean(_numbers(r.chi2_per_datum.all for r in self.counting)))
        return float(self.residual @ self.weighted[0]) / self.data.n_data

    @property
    def allowed(self) -> float:
        """The largest chi2 per datum that is not called bad."""
        return allowed_chi2(self.data.n_data)

    @property
    def words(self) -> str:
        """chi2 in words: what it is of and over."""
        what = "of the mean prediction over" if self.residual is not None else "mean over"
        count = len(self.counting)
        who = f"the {count} selected replicas" if count > 1 else "the selected replica"
        if not self.selected:
            who = f"all {count} replicas, none of which is selected,"
        value = f"{self.chi2:.3f}" if self.chi2 >= 0.01 else f"{self.chi2:.1e}"
        return f"chi2 per datum {what} {who} is {value}"


def allowed_chi2(n_data: int) -> float:
    """The largest chi2 per datum of the mean prediction that is not called bad, by the chi2
    distribution of so many data.
    """
    return max(TOLERATED, float(chdtri(n_data, RARE)) / n_data)


def judge_fit(
    data: FitData,
    folder: FitFolder,
    finished: Sequence[ReplicaRecord],
    selected: Sequence[int],
    check_every: int,
    exact: bool = False,
) -> FitVerdict:
    """The verdict on a complete fit.

    Args:
        folder: of the fit, with ``predictions.npz`` of its replicas if that was exported.
        finished: all replicas, at least one.
        selected: the numbers of those that count.
        check_every: steps between two checks.
        exact: whether data are without noise.
    """
    counting = [r for r in finished if r.number in selected] or list(finished)
    files = [folder.replica(each.number) / "predictions.npz" for each in counting]
    residual = weighted = None
    if all(file.exists() for file in files):
        each = [read_arrays(file) for file in files]
        residual = data.central - np.mean([a["prediction"] for a in each], axis=0)
        weighted = np.mean([a["weighted_residual"][[0, 2]] for a in each], axis=0)
    seen = Evidence(
        data=data,
        finished=tuple(finished),
        counting=tuple(counting),
        selected=len(selected),
        check_every=check_every,
        residual=residual,
        weighted=weighted,
        exact=exact,
    )
    trained = any(replica.usable for replica in counting)
    found = [
        Finding(name=name, **vars(found))
        for name, look in FINDINGS.items()
        if (trained or name in ("selection", *ENDS)) and (found := look(seen))
    ]
    n = data.n_data
    return FitVerdict(
        says=f"{seen.words}; for {n} data up to {seen.allowed:.3g} is not called bad",
        replicas=len(counting),
        n_data=n,
        chi2_per_datum=seen.chi2,
        allowed=seen.allowed,
        findings=sorted(found, key=lambda finding: not finding.serious),
    )


@dataclass(frozen=True)
class _Found:
    """A finding without its name."""

    says: str
    advice: str
    serious: bool = False


def _selection(seen: Evidence) -> _Found | None:
    """Fewer than half of the replicas count."""
    count = len(seen.finished)
    if 2 * seen.selected >= count and seen.selected:
        return None
    reasons = Counter(
        why.split(" ")[0] if r.usable else r.status
        for r in seen.finished
        if r.selection
        for why in r.selection.reasons[:1]
    )
    words = {"penalty": "failed a penalty", "chi2": "by their chi2", "arc": "by an arc length"}
    told = ", ".join(f"{n} {words.get(reason, reason)}" for reason, n in reasons.most_common(3))
    advice = "The reasons are in run.json under selection."
    if "penalty" in reasons or "chi2" in reasons:
        advice += (
            " A bound or penalty that most replicas fail asks for more than the data and the "
            "network can give: look at it first."
        )
    few = f"Only {seen.selected} of {count} replicas are" if seen.selected else "No replica is"
    says = f"{few} selected ({told})."
    return _Found(says, advice, serious=True)


def _ended(seen: Evidence, status: str, advice: str) -> _Found | None:
    """Replicas that ended with ``status``, which no good one has."""
    numbers = [r.number for r in seen.finished if r.status == status]
    if not numbers:
        return None
    return _Found(
        f"{_share(numbers, seen.finished)} ended as {status}: {ENDS[status]}.",
        advice,
        serious=2 * len(numbers) > len(seen.finished),
    )


def _too_large(seen: Evidence) -> _Found | None:
    """chi2 of the mean prediction is larger than the number of data allows."""
    if seen.chi2 <= seen.allowed:
        return None
    n = seen.data.n_data
    over = sum(r.status == "completed" for r in seen.counting)
    each = _numbers(r.chi2_per_datum.all for r in seen.counting)
    low, high = np.percentile(each, [16, 84])
    errors = (
        f"the errors are too small (all of them by a factor of {seen.chi2**0.5:.2g}, if alike), or "
        "correlations are missing or misspelt: replicafit check lists what datasets share."
    )
    longer = "train longer (training.max_steps, training.patience) or with a larger learning rate"
    why = ""
    if 2 * over > len(each):
        why = ", as most replicas used up their steps"
    elif high > UNEQUAL * low:
        why = f", as 68 % of the replicas end anywhere between {low:.3g} and {high:.3g}"
    follow = f"{longer}{why}; then more units, other layers, or inputs that are scaled"
    if seen.weighted is not None and _patterns(seen):
        advice = f"The residuals are smooth, so that the network does not follow: {follow}."
    elif seen.weighted is None or why:
        advice = f"First {follow}. If that does not help, {errors}"
    else:
        advice = f"The residuals change sides as noise does: perhaps {errors} Else {follow}."
    return _Found(
        f"The fit does not describe its data: {seen.words}, and chance allows up to "
        f"{float(chdtri(n, RARE)) / n:.3g} for {n} data{_worst(seen)}.",
        advice,
        serious=True,
    )


def _worst(seen: Evidence) -> str:
    """The datasets that are worst, if there are several."""
    names = [dataset.name for dataset in seen.data.datasets]
    if len(names) < 2:
        return ""
    per = {n: float(np.mean(_numbers(r.per_dataset[n] for r in seen.counting))) for n in names}
    worst = sorted(per, key=lambda name: -per[name])[:2]
    return f"; worst: {' and '.join(f'{name} ({per[name]:.3g})' for name in worst)}"


def _too_small(seen: Evidence) -> _Found | None:
    """chi2 is smaller than the number of data allows, even if half of them were fitted exactly."""
    n = seen.data.n_data
    if seen.exact or chdtr(n / 2, max(seen.chi2, 0.0) * n) > RARE:
        return None
    return _Found(
        f"The fit is closer to its data than their errors allow by chance: {seen.words}.",
        "The errors are probably too large, or given twice: as statistical and as systematic ones.",
    )


def _unfinished(seen: Evidence) -> _Found | None:
    """Replicas that were still becoming better when their steps were used up."""
    numbers = [
        r.number
        for r in seen.counting
        if r.status == "completed" and r.best_step >= (1 - LAST_PART) * r.steps
    ]
    if 2 * len(numbers) <= len(seen.counting):
        return None
    steps = max(r.steps for r in seen.counting)
    return _Found(
        f"{_share(numbers, seen.counting)} used up all {steps} steps and were best in the last "
        f"{LAST_PART:.0%} of them: training was not over.",
        "Raise training.max_steps until most replicas end as stopped, or raise the learning rate.",
    )


def _overfitted(seen: Evidence) -> _Found | None:
    """Validation chi2 is much larger than training chi2."""
    both = [
        (r.chi2_per_datum.training, r.chi2_per_datum.validation, r.n_data - (r.n_training or 0))
        for r in seen.counting
        if r.chi2_per_datum.training is not None and r.chi2_per_datum.validation is not None
    ]
    if not both:
        return None
    training, validation, count = np.median(np.array(both, np.float64), axis=0)
    chance = 6 * np.sqrt(2 / max(count, 1))  # three sigma of pseudodata, which fluctuate twice
    if validation <= OVERFITTED * training or validation - training <= chance:
        return None
    return _Found(
        f"The replicas follow noise: validation chi2 per datum is {validation:.3g}, training "
        f"{training:.3g} (medians over {len(both)} replicas).",
        "Fewer units, a lower training.patience, dropout, or a larger share of validation data "
        "(training_fraction).",
    )


def _unmoved(seen: Evidence) -> _Found | None:
    """Replicas that never became better than at their first check."""
    numbers = [r.number for r in seen.finished if r.usable and r.best_step <= seen.check_every]
    if not numbers or max(r.steps for r in seen.finished) <= seen.check_every:
        return None
    return _Found(
        f"{_share(numbers, seen.finished)} never moved: none of its checks was better than the "
        "first.",
        "The learning rate may be far too large or too small, or units dead (try tanh in place of "
        "relu); inputs far from 1 need scaling.",
        serious=2 * len(numbers) > len(seen.finished),
    )


def _patterns(seen: Evidence) -> _Found | None:
    """Residuals of a dataset that keep their sign for longer than chance has it (runs test:
    A. Wald, J. Wolfowitz, Annals of Mathematical Statistics 11 (1940) 147).

    Signs are those of C^-1 (D - T), of which the correlated shifts are taken out.
    """
    if seen.weighted is None or seen.exact:
        return None
    found: dict[str, tuple[float, int, int]] = {}
    tested = sum(d.n_data >= FEWEST for d in seen.data.datasets)
    for dataset, place in zip(seen.data.datasets, seen.data.slices, strict=True):
        signs = np.sign(seen.weighted[1, place])
        orders = list(_orders(dataset)) if dataset.n_data >= FEWEST else []
        for order in orders:
            p, runs = few_runs(signs[order])
            if p * len(orders) * tested < ODD and p < found.get(dataset.name, (1.0,))[0]:
                found[dataset.name] = p, runs, dataset.n_data
    if not found:
        return None
    worst = sorted(found, key=lambda name: found[name][0])[:3]
    told = ", ".join(
        f"{name} ({found[name][2]} data change sides {_times(found[name][1] - 1)})"
        for name in worst
    )
    return _Found(
        f"The residuals of {len(found)} of {len(seen.data.datasets)} datasets have a pattern: "
        f"{told}.",
        "The network or the theory cannot follow the shape of these data: more units, other layers "
        "or cuts, or look at how the tables were made.",
    )


def _times(count: int) -> str:
    """How few, in words."""
    return {0: "not once", 1: "only once"}.get(count, f"only {count} times")


def _orders(dataset: Dataset) -> Iterator[np.ndarray]:
    """In which orders the data are looked at: rising in each kinematic variable; else as given."""
    columns = [c for c in dataset.kinematics.values() if len(np.unique(c)) > 2]
    yield from (np.argsort(column, kind="stable") for column in columns)
    if not columns:
        yield np.arange(dataset.n_data)


def few_runs(signs: np.ndarray) -> tuple[float, int]:
    """The probability that as few runs of equal signs come by chance, and how many there are.

    Args:
        signs: -1 or 1, (d,); zeros are left out.
    """
    kept = signs[signs != 0]
    plus, minus = int((kept > 0).sum()), int((kept < 0).sum())
    runs = 1 + sum(a != b for a, b in pairwise(kept.tolist()))
    n = plus + minus
    if min(plus, minus) == 0:
        return 2.0 ** (1 - max(n, 1)), runs
    mean = 1 + 2 * plus * minus / n
    variance = (mean - 1) * (mean - 2) / (n - 1)
    return float(ndtr((runs + 0.5 - mean) / np.sqrt(max(variance, 1e-12)))), runs


def _pulled(seen: Evidence) -> _Found | None:
    """Sources of uncertainty that are moved further than they may be.

    The best shift of a source in units of its standard deviation is S^T C^-1 (D - T), with S what
    it shifts (arXiv:hep-ph/0201195, appendix B); it varies by less than one.
    """
    names = seen.data.sources.names
    if seen.weighted is None or not names:
        return None
    pulls = (
        seen.data.sources.shifts(np.concatenate([d.multiplied for d in seen.data.datasets])).T
        @ seen.weighted[0]
    )
    largest = float(-ndtri(ODD / 2 / len(names)))
    worst = [i for i in np.argsort(-np.abs(pulls))[:3] if abs(pulls[i]) > largest]
    if not worst:
        return None
    owners = sharing(seen.data.datasets)
    told = ", ".join(
        f"{names[i]} by {pulls[i]:+.1f}"
        + (f" (shared by {', '.join(owners[names[i]][:3])})" if names[i] in owners else "")
        for i in worst
    )
    count = int((np.abs(pulls) > largest).sum())
    return _Found(
        f"{count} of {len(names)} correlated uncertainties {'is' if count == 1 else 'are'} "
        f"pulled by more than {largest:.1f} standard deviations: {told}.",
        "Such an uncertainty may be too small, its name may be misspelt in a dataset that should "
        "share it (replicafit check lists who does), or datasets disagree.",
    )


FINDINGS: Mapping[str, Callable[[Evidence], _Found | None]] = MappingProxyType(
    {
        "selection": _selection,
        "chi2": _too_large,
        "small chi2": _too_small,
        "steps": _unfinished,
        "unmoved": _unmoved,
        "overfitting": _overfitted,
        "residuals": _patterns,
        "systematics": _pulled,
        "diverged": partial(
            _ended,
            status="diverged",
            advice="Lower training.optimizer.learning_rate, or set clipnorm of the optimizer to 1.",
        ),
        "undrawn": partial(
            _ended,
            status="undrawn",
            advice="Leave data.redraw_negative away, or cut the data that are negative in most "
            "draws: replicafit check names them.",
        ),
    }
)
"""All that is looked for, by name; where no replica was trained to an end, only how they ended."""


def _share(numbers: Sequence[int], of: Sequence[ReplicaRecord]) -> str:
    """How many replicas, and the first of them."""
    first = ", ".join(map(str, numbers[:3])) + (" ..." if len(numbers) > 3 else "")
    return f"{len(numbers)} of {len(of)} replicas ({first})"


def _numbers(values: Iterator[float | None]) -> np.ndarray:
    return np.array(list(values), np.float64)
