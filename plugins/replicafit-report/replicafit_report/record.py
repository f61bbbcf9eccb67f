"""Everything a fit left on disk, as far as it is there, and the numbers that pages tell of it.

A number is of the replicas that count (``sound``) unless its name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit import Fit, load_fit
from replicafit.plugin import FitFolder, ReplicaRecord, RunRecord, read_arrays

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Predictions:
    """The measured values of a fit and what its replicas say; r counts ``Record.sound``.

    Attributes:
        data: ``measured.npz``: names, and arrays (d,).
        prediction: (r, d).
        weighted: C^-1 (D - T) with the covariance of all, of experiments, of datasets, (r, 3, d).
    """

    data: Arrays
    prediction: np.ndarray
    weighted: np.ndarray

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each dataset stands among all data."""
        ends = np.cumsum(self.data["n_data"])
        starts = ends - self.data["n_data"]
        names = map(str, self.data["datasets"])
        return {n: slice(int(a), int(b)) for n, a, b in zip(names, starts, ends, strict=True)}

    @property
    def experiment_of(self) -> dict[str, str]:
        """The experiment of each dataset."""
        pairs = zip(self.data["datasets"], self.data["experiments"], strict=True)
        return {str(dataset): str(experiment) for dataset, experiment in pairs}

    @property
    def residual(self) -> np.ndarray:
        """Measured minus mean prediction, (d,)."""
        return np.asarray(self.data["central"] - self.prediction.mean(axis=0))

    @cached_property
    def shift(self) -> np.ndarray:
        """What correlated uncertainties move the measured values by, for the mean, (d,).

        For C = U + S S^T with diagonal U the best shift of the residual r is r - U C^-1 r
        (arXiv:hep-ph/0201195, appendix B).
        """
        weighted = self.weighted[:, 0].mean(axis=0)
        return np.asarray(self.residual - self.data["uncorrelated"] ** 2 * weighted)

    @cached_property
    def pulls(self) -> dict[str, float]:
        """Of each correlated source, what the mean prediction wants of it, in sigmas.

        The shift that minimizes chi2 is lambda = S^T C^-1 r (arXiv:hep-ph/0201195, appendix B).
        Empty for a fit that was written without its sources.
        """
        if "sources" not in self.data:
            return {}
        found = self.data["shifts"].T @ self.weighted[:, 0].mean(axis=0)
        return dict(zip(map(str, self.data["sources"]), found.tolist(), strict=True))

    def chi2_of_mean(self, level: int = 0, datasets: Sequence[str] | None = None) -> float:
        """chi2 per datum of the mean prediction.

        Args:
            level: whose covariance: 0 of all data, 1 of their experiment, 2 of their dataset.
            datasets: for which data; all of them by default.
        """
        at = self._at(datasets)
        return float(self.residual[at] @ self.weighted[:, level].mean(axis=0)[at]) / len(at)

    def error_of_chi2(self, level: int = 0, datasets: Sequence[str] | None = None) -> float:
        """What so few replicas leave open of it: leaving out each in turn (jackknife)."""
        at, n = self._at(datasets), len(self.prediction)
        if n < 2:
            return float("nan")
        residual = self.data["central"][at] - self.prediction[:, at]
        weighted = self.weighted[:, level][:, at]
        without = [(each.sum(axis=0) - each) / (n - 1) for each in (residual, weighted)]
        chi2 = (without[0] * without[1]).sum(axis=1) / len(at)
        return float(np.sqrt((n - 1) / n * ((chi2 - chi2.mean()) ** 2).sum()))

    def _at(self, datasets: Sequence[str] | None) -> np.ndarray:
        places = [self.places[name] for name in (datasets or self.places)]
        return np.concatenate([np.arange(place.start, place.stop) for place in places])


@dataclass(frozen=True)
class Record:
    """A fit folder, read.

    Attributes:
        folder: where it is.
        run: ``run.json``.
        runcard: the text of ``runcard.yml``, if it is there.
        fit: all replicas that are written.
        sound: those that count in means and bands.
        histories: ``history.npz`` of each trained replica of ``fit`` that has one, by number.
        predictions: if every replica of ``sound`` has them.
    """

    folder: FitFolder
    run: RunRecord
    runcard: str | None
    fit: Fit
    sound: Fit
    histories: Mapping[int, Arrays]
    predictions: Predictions | None

    @property
    def name(self) -> str:
        """What the fit is called: the name of its folder."""
        return self.folder.path.resolve().name

    @property
    def card(self) -> Mapping[str, Any]:
        """The runcard with all defaults."""
        return self.run.runcard

    @property
    def title(self) -> str:
        """The runcard's title, or the name."""
        return str(self.card.get("title") or self.name)

    @property
    def good(self) -> int | None:
        """How many good replicas the runcard asks for, if it does it so."""
        wanted = self.card.get("replicas")
        return int(wanted["good"]) if isinstance(wanted, Mapping) else None

    @property
    def missing(self) -> tuple[int, ...]:
        """The replica numbers that runs were asked for and that are not written."""
        return tuple(sorted(self.run.asked - set(self.fit.numbers)))

    @cached_property
    def reasons(self) -> dict[int, str]:
        """Why replicas do not count, by number."""
        found, selected = {}, self.fit.selected
        for result in self.fit.results:
            if result.number not in selected:
                why = result.selection.reasons if result.selection else ()
                found[result.number] = "; ".join(why) or result.status
        return found

    @property
    def limits(self) -> dict[str, float]:
        """The largest that passes of each number that replicas are selected by."""
        return {
            name: figure.limit
            for result in self.fit.results[:1]
            if result.selection
            for name, figure in result.selection.figures.items()
            if figure.limit is not None
        }

    @property
    def refused(self) -> Fit | None:
        """The replicas that do not count; nothing if all do, or none."""
        numbers = [n for n in self.reasons if n not in self.sound.numbers]
        return self.fit.only(numbers) if numbers else None

    @cached_property
    def reach(self) -> tuple[float, float] | None:
        """The lowest and the highest x of the data, if known; x of the data may be another one
        than that of functions in units of their own, whose range is found from the tables.
        """
        if len(self.fit.inputs) > 1 or not self.fit.inputs[0].is_unit:
            return None
        data = {} if self.predictions is None else self.predictions.data
        x = data.get("kinematics_x", np.empty(0))
        known = x[np.isfinite(x)]
        return (float(known.min()), float(known.max())) if len(known) else None

    @property
    def attributes(self) -> Mapping[str, float]:
        """What characterizes the functions, such as the scale that they belong to."""
        return self.fit.attributes

    def chi2(self, part: str = "all") -> np.ndarray:
        """chi2 per datum of each replica that counts, (r,): ``all``, training or validation."""
        each = [getattr(result.chi2_per_datum, part) for result in self.sound.results]
        return np.array(each, dtype=np.float64)

    def groups(self) -> dict[str, list[str]]:
        """The datasets of each experiment, in the order of the runcard."""
        known = {} if self.predictions is None else self.predictions.experiment_of
        groups: dict[str, list[str]] = {}
        for name in self.sound.results[0].n_data_per_dataset:
            groups.setdefault(known.get(name, name), []).append(name)
        return groups


def read_record(path: Path) -> Record:
    """The fit in ``path``.

    Raises:
        OutputError: there is none, or none of its replicas can be shown.
    """
    folder, fit = FitFolder(path), load_fit(path)
    sound = fit if len(fit) else fit.all  # shown as what it is: nothing but refused replicas
    card = folder.common("runcard.yml")
    return Record(
        folder=folder,
        run=fit.run,
        runcard=card.read_text(encoding="utf-8", errors="replace") if card else None,
        fit=fit.all,
        sound=sound,
        histories=_histories(folder, fit.all.numbers),
        predictions=_predictions(folder, sound.numbers),
    )


def _histories(folder: FitFolder, numbers: tuple[int, ...]) -> Mapping[int, Arrays]:
    name = "history.npz"
    each = {n: read_arrays(folder.exported(n, name)) for n in numbers if folder.has(n, name)}
    return {n: history for n, history in each.items() if len(history["step"])}


def _predictions(folder: FitFolder, numbers: tuple[int, ...]) -> Predictions | None:
    name, data = "predictions.npz", folder.common(folder.data_file.name)
    if data is None or not all(folder.has(number, name) for number in numbers):
        return None
    each = [read_arrays(folder.exported(number, name)) for number in numbers]
    return Predictions(
        data=read_arrays(data),
        prediction=np.stack([arrays["prediction"] for arrays in each]),
        weighted=np.stack([arrays["weighted_residual"] for arrays in each]),
    )


def recorded(result: ReplicaRecord) -> Mapping[str, Any]:
    """What the layers of a replica tell of themselves, such as exponents."""
    return dict(result.model_extra or {})
