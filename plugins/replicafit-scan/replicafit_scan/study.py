"""The memory of a scan: which points were tried, which come next. Only here is Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import DuplicatedStudyError
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sqlalchemy.pool import NullPool

from replicafit.plugin import OutputError, Seeds, canonical, differences
from replicafit_scan.objective import Outcome
from replicafit_scan.settings import Dimension, ScanSettings
from replicafit_scan.space import Point, Space, interval, label

NAME = "replicafit scan"
SECONDS = 5
"""That a database which somebody has locked is waited for."""
STATES = {
    "complete": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "diverged": TrialState.FAIL,
    "refused": TrialState.FAIL,
}
FEWEST_FOR_IMPORTANCE = 4
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Study:
    """A scan's trials in an Optuna storage.

    What a generation draws depends on the seed, on its position and on the trials before it: a scan
    that was cut off draws what it would have drawn.
    """

    space: Space
    optuna: optuna.Study

    @property
    def settings(self) -> ScanSettings:
        """How is scanned."""
        return self.space.scan

    def next_points(self) -> list[Point]:
        """Points that were drawn and not finished, or else a new generation; none at the end."""
        waiting = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if waiting:
            return [Point(trial.number, trial.params) for trial in waiting]
        begun = len(self.optuna.get_trials(deepcopy=False))
        count = min(self.settings.generation, self.settings.trials - begun)
        points: list[Point] = []
        self.optuna.sampler = TPESampler(seed=Seeds(self.space.base.seed).integer(begun, "scan"))
        while len(points) < count:
            points += self._drawn_together(count - len(points))
        return points

    def tell(self, outcome: Outcome) -> None:
        """Keeps what became of a trial."""
        number = self.optuna.get_trials(deepcopy=False)[outcome.number]._trial_id
        trial = optuna.trial.Trial(self.optuna, number)
        trial.set_user_attr("outcome", outcome.plain())
        if outcome.rung is not None:
            steps, chi2 = outcome.rung
            trial.report(chi2, steps)
        self.optuna.tell(trial, outcome.value, STATES[outcome.state])

    def outcomes(self) -> list[Outcome]:
        """All that is known so far, by number."""
        trials = self.optuna.get_trials(deepcopy=False)
        known = (t.user_attrs.get("outcome") for t in trials if t.state.is_finished())
        return [Outcome.of(plain) for plain in known if plain is not None]

    def importances(self) -> dict[str, float]:
        """How much each key matters for being among the best (PED-ANOVA, arXiv:2304.10255)."""
        complete = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < FEWEST_FOR_IMPORTANCE:
            return {}
        found = get_param_importances(self.optuna, evaluator=PedAnovaImportanceEvaluator())
        return {key: float(value) for key, value in found.items()}

    def _drawn_together(self, left: int) -> list[Point]:
        """A point and others of its architecture."""
        first = self._drawn()
        shared = {k: v for k, v in first.values.items() if k in self.space.structural}
        others = min(self.settings.together, left) - 1
        if set(shared) == set(first.values):
            others = 0  # they would be the same
        return [first, *(self._drawn(shared) for _ in range(others))]

    def _drawn(self, shared: Mapping[str, Any] = NOTHING) -> Point:
        """The next point, with the values ``shared``."""
        if shared:
            self.optuna.enqueue_trial(dict(shared))
        trial = self.optuna.ask(distributions(self.settings.space))
        return Point(trial.number, trial.params)


def distributions(space: Mapping[str, Dimension]) -> dict[str, BaseDistribution]:
    """The search space in Optuna's words."""
    return {key: _distribution(dimension) for key, dimension in space.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.choice is not None:
        return CategoricalDistribution(tuple(map(label, dimension.choice)))
    if dimension.integer is not None:
        return IntDistribution(*dimension.integer)
    return FloatDistribution(*interval(dimension), log=dimension.log_uniform is not None)


def _opened(storage: str) -> RDBStorage | JournalStorage:
    """Optuna's storage at a URL or a path.

    Raises:
        OutputError: it cannot be opened.
    """
    try:
        if "://" not in storage:
            return JournalStorage(JournalFileBackend(storage))
        waiting = {"connect_args": {"timeout": SECONDS}} if storage.startswith("sqlite") else {}
        kept = RDBStorage(storage, engine_kwargs={"poolclass": NullPool, **waiting})
        optuna.get_all_study_names(storage=kept)
    except Exception as cause:  # SQLAlchemy and its drivers raise anything
        why = f"{type(cause).__name__}: {cause}".partition("\n")[0]
        raise OutputError(
            f"'{storage}' cannot be opened as a storage ({why}). Give a URL such as "
            "sqlite:///scan.db that nobody has locked, or the path of a journal."
        ) from None
    return kept  # no connection stays open


def open_study(space: Space, storage: str, resume: bool) -> Study:
    """The study in ``storage``: a new one, or with ``resume`` the one that is there.

    Args:
        storage: a URL such as ``sqlite:///scan.db``, or the path of a journal.

    Raises:
        OutputError: there is one already, or none, or one of another scan.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    nothing = f"'{storage}' holds no scan to resume. Check the path, or begin without."
    if resume and "://" not in storage and not Path(storage).is_file():
        raise OutputError(nothing)  # a journal that is opened is made
    kept = _opened(storage)
    meant = _meaning(space)
    if not resume:
        try:
            study = optuna.create_study(storage=kept, study_name=NAME)
        except DuplicatedStudyError:
            raise OutputError(
                f"'{storage}' holds a scan already. Continue it with --resume, or give "
                "another place."
            ) from None
        study.set_user_attr("scan", meant)
        return Study(space, study)
    if NAME not in optuna.get_all_study_names(storage=kept):
        raise OutputError(nothing)
    study = optuna.load_study(storage=kept, study_name=NAME)
    changed = differences(study.user_attrs.get("scan", {}), meant)
    if changed:
        raise OutputError(
            f"'{storage}' holds another scan: {', '.join(changed)} differ. Only scan.trials may "
            "change; or choose another folder with -o."
        )
    return Study(space, study)


def _meaning(space: Space) -> dict[str, Any]:
    """What must be the same for a scan to go on."""
    scan = space.scan.model_dump(mode="json", exclude={"trials"})
    return {"runcard": canonical(space.base), "scan": scan}


def journal(folder: Path) -> str:
    """Where a scan is kept unless another storage is asked for."""
    return str(folder / "study.log")


def twins(points: Sequence[Point], known: Sequence[Outcome]) -> dict[int, Outcome | int]:
    """Points that say the same as one before: its outcome, or its number if it has none yet.

    What a trial gives depends on its point alone, so that it need not be tried again; one that
    halving stopped was compared with others, and is.
    """
    found: dict[int, Outcome | int] = {}
    seen: dict[tuple[Any, ...], Outcome | int] = {
        _key(o.values): o for o in known if o.state != "stopped"
    }
    for point in points:
        if _key(point.values) in seen:
            found[point.number] = seen[_key(point.values)]
        else:
            seen[_key(point.values)] = point.number
    return found


def copied(outcome: Outcome, number: int) -> Outcome:
    """The same for another trial."""
    return replace(outcome, number=number)


def _key(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted((key, repr(value)) for key, value in values.items()))
