"""Everything a fit left on disk, as far as it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.errors import OutputError
from replicafit.results.arrays import read_arrays
from replicafit.results.fit import Fit, load_fit
from replicafit.results.folder import FitFolder

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

    @property
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

    @cached_property
    def shift(self) -> np.ndarray:
        """What correlated uncertainties move the measured values by, for the mean, (d,).

        For C = U + S S^T with diagonal U the best shift of the residual r is r - U C^-1 r
        (arXiv:hep-ph/0201195, appendix B).
        """
        residual = self.data["central"] - self.prediction.mean(axis=0)
        weighted = self.weighted[:, 0].mean(axis=0)
        return np.asarray(residual - self.data["uncorrelated"] ** 2 * weighted)

    def chi2_of_mean(self, level: int, places: list[slice]) -> float:
        """chi2 per datum of the mean prediction for the data at ``places``.

        Args:
            level: whose covariance: 0 of all data, 1 of their experiment, 2 of their dataset.
        """
        at = np.concatenate([np.arange(place.start, place.stop) for place in places])
        residual = (self.data["central"] - self.prediction.mean(axis=0))[at]
        return float(residual @ self.weighted[:, level].mean(axis=0)[at]) / len(at)


@dataclass(frozen=True)
class Record:
    """A fit folder, read.

    Attributes:
        folder: where it is.
        run: ``run.json``.
        runcard: the text of ``runcard.yml``, if it is there.
        fit: all replicas that are written.
        sound: those that count in means and bands.
        histories: ``history.npz`` of each replica of ``fit`` that has one, by number.
        predictions: if every replica of ``sound`` has them.
    """

    folder: FitFolder
    run: Mapping[str, Any]
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
    def title(self) -> str:
        """The runcard's title, or the name."""
        return str(self.run.get("runcard", {}).get("title") or self.name)

    @property
    def good(self) -> int | None:
        """How many good replicas the runcard asks for, if it does it so."""
        wanted = self.run["runcard"]["replicas"]
        return int(wanted["good"]) if isinstance(wanted, Mapping) else None

    @property
    def requested(self) -> tuple[int, ...]:
        """The replica numbers that the last run was asked for; those there are, with ``good``."""
        if self.good is not None:
            return self.fit.numbers
        first, last = self.run["runcard"]["replicas"]
        return tuple(range(first, last + 1))

    @property
    def missing(self) -> tuple[int, ...]:
        """Those of them that are not written."""
        return tuple(sorted(set(self.requested) - set(self.fit.numbers)))


def read_record(path: Path) -> Record:
    """The fit in ``path``.

    Raises:
        OutputError: there is none, or none of its replicas can be shown.
    """
    folder, fit = FitFolder(path), load_fit(path)
    try:
        sound = fit.sound()
    except ValueError:
        sound = fit  # shown as what it is: nothing but refused or diverged replicas
    card = path / "runcard.yml"
    return Record(
        folder=folder,
        run=_json(folder.run_file),
        runcard=card.read_text(encoding="utf-8") if card.exists() else None,
        fit=fit,
        sound=sound,
        histories=_histories(folder, fit.numbers),
        predictions=_predictions(folder, sound.numbers),
    )


def _json(file: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise OutputError(
            f"'{file}' cannot be read ({cause}). Is this the folder of a fit?"
        ) from None
    return content


def _histories(folder: FitFolder, numbers: tuple[int, ...]) -> Mapping[int, Arrays]:
    files = {number: folder.replica(number) / "history.npz" for number in numbers}
    return {number: read_arrays(file) for number, file in files.items() if file.exists()}


def _predictions(folder: FitFolder, numbers: tuple[int, ...]) -> Predictions | None:
    files = [folder.replica(number) / "predictions.npz" for number in numbers]
    if not all(file.exists() for file in (folder.data_file, *files)):
        return None
    each = [read_arrays(file) for file in files]
    return Predictions(
        data=read_arrays(folder.data_file),
        prediction=np.stack([arrays["prediction"] for arrays in each]),
        weighted=np.stack([arrays["weighted_residual"] for arrays in each]),
    )
