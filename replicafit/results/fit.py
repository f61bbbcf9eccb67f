"""What a fit left: one replica, or all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from replicafit.data.grid_functions import GridFunctions
from replicafit.errors import OutputError
from replicafit.results.files import read_arrays
from replicafit.results.folder import FitFolder
from replicafit.results.records import ReplicaRecord, RunRecord
from replicafit.results.selection import selected_replicas

CENTRAL_68 = (16.0, 84.0)
"""The percentiles between which the central 68 % lie."""


@dataclass(frozen=True)
class Replica:
    """One fitted replica, callable: ``replica(x)`` are the values of its functions.

    Attributes:
        number: the replica number.
        flavours: names of the functions, length f.
        attributes: what characterizes them, such as ``q0``, the scale that they belong to.
        network: the plain Keras network, x (b, 1) -> (b, f).
    """

    number: int
    flavours: tuple[str, ...]
    attributes: Mapping[str, float]
    network: Any

    @property
    def q0(self) -> float | None:
        """The attribute ``q0``, if there is one."""
        return self.attributes.get("q0")

    def __call__(self, x: Any) -> np.ndarray:
        """Values (n, f) at x (n,) in (0, 1].

        Raises:
            ValueError: an x outside (0, 1].
        """
        points = checked(x)
        values = self.network(points[:, None].astype(self.network.compute_dtype))
        from keras import ops

        return np.asarray(ops.convert_to_numpy(values), dtype=np.float64)


@dataclass(frozen=True)
class Fit:
    """Replicas of one fit. ``fit(x)`` evaluates their networks; all else reads tables.

    The tables are those of ``function.npz``: no Keras is imported until ``fit(x)`` is called.

    Attributes:
        folder: where the fit is.
        run: its ``run.json``.
        results: the ``result.json`` of each replica, length r.
    """

    folder: Path
    run: RunRecord
    results: tuple[ReplicaRecord, ...]

    @cached_property
    def functions(self) -> GridFunctions:
        """The tables of all replicas, values (r, n, f).

        Raises:
            OutputError: replicas lack ``function.npz``.
        """
        tables = [_function(FitFolder(self.folder), number) for number in self.numbers]
        return replace(tables[0], values=np.stack([table.values for table in tables]))

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names of the functions, length f."""
        return self.functions.flavours

    @property
    def attributes(self) -> Mapping[str, float]:
        """What characterizes them, such as ``q0``, the scale that they belong to."""
        return self.functions.attributes

    @property
    def x(self) -> np.ndarray:
        """The grid of the tables, (n,)."""
        return self.functions.x

    @property
    def values(self) -> np.ndarray:
        """The functions on it, (r, n, f)."""
        return self.functions.values

    @property
    def numbers(self) -> tuple[int, ...]:
        """The replica numbers, length r."""
        return tuple(result.number for result in self.results)

    @property
    def selected(self) -> tuple[int, ...]:
        """The numbers of the replicas that count: all that did not diverge, if none is selected."""
        return selected_replicas(self.run, self.results)

    @property
    def q0(self) -> float | None:
        """The attribute ``q0``, if there is one."""
        return self.attributes.get("q0")

    @property
    def statuses(self) -> tuple[str, ...]:
        """How each replica ended, length r."""
        return tuple(result.status for result in self.results)

    @property
    def chi2_per_datum(self) -> np.ndarray:
        """Of the measured values, of each replica, (r,); not a number where it is not finite."""
        return np.array([result.chi2_per_datum.all for result in self.results], np.float64)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._replicas)

    def __getitem__(self, number: int) -> Replica:
        """The replica of that number, as ``load_replica`` gives it."""
        return load_replica(self.folder, number)

    @cached_property
    def _replicas(self) -> tuple[Replica, ...]:
        return tuple(load_replica(self.folder, number) for number in self.numbers)

    def __call__(self, x: Any) -> np.ndarray:
        """Values (r, n, f) at x (n,) in (0, 1], from the networks (imports Keras)."""
        return np.stack([replica(x) for replica in self])

    def interpolate(self, x: Any) -> np.ndarray:
        """The same from the tables, by cubic splines in log x, without Keras.

        Raises:
            ValueError: an x outside the tables.
        """
        from scipy.interpolate import CubicSpline

        points = checked(x)
        if points.min() < self.x[0]:
            raise ValueError(
                f"The tables begin at x = {self.x[0]:.3g}; given: {points.min():.3g}. Call the fit "
                "itself, which evaluates the networks."
            )
        spline = CubicSpline(np.log(self.x), self.values, axis=1)
        return np.asarray(spline(np.log(points)))

    def mean(self, x: Any = None) -> np.ndarray:
        """Mean over replicas, (n, f); on the tables' grid, or by ``fit(x)``."""
        return np.asarray(self._values(x).mean(axis=0))

    def std(self, x: Any = None) -> np.ndarray:
        """Standard deviation over replicas (divided by r - 1), (n, f)."""
        values = self._values(x)
        return np.asarray(values.std(axis=0, ddof=1 if len(values) > 1 else 0))

    def band(self, x: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The central 68 % of the replicas: lower and upper end, each (n, f)."""
        low, high = np.percentile(self._values(x), CENTRAL_68, axis=0)
        return low, high

    def _values(self, x: Any) -> np.ndarray:
        return self.values if x is None else self(x)

    def only(self, numbers: Iterable[int]) -> Fit:
        """The same fit with the replicas ``numbers`` alone.

        Raises:
            ValueError: there is no such replica.
        """
        wanted = list(dict.fromkeys(numbers))
        missing = sorted(set(wanted) - set(self.numbers))
        if missing or not wanted:
            raise ValueError(f"Replicas {missing or 'none'} are asked for; here: {self.numbers}.")
        at = [self.numbers.index(number) for number in wanted]
        fewer = replace(self, results=tuple(self.results[i] for i in at))
        if "functions" in self.__dict__:  # read already
            kept = replace(self.functions, values=self.values[at])
            fewer.__dict__["functions"] = kept
        return fewer

    def sound(self) -> Fit:
        """Without diverged replicas; those that a selection of the fit refused are left out too.

        Raises:
            ValueError: nothing is left.
        """
        return self.only(self.selected)

    def to_frame(self) -> Any:
        """The tables as a long pandas frame: replica, x, flavour, value."""
        pandas = _optional("pandas")
        index = pandas.MultiIndex.from_product(
            [self.numbers, self.x, self.flavours], names=["replica", "x", "flavour"]
        )
        return pandas.Series(self.values.ravel(), index=index, name="value").reset_index()

    def to_xarray(self) -> Any:
        """The tables as an xarray array of dimensions replica, x, flavour."""
        return _optional("xarray").DataArray(
            self.values,
            dims=("replica", "x", "flavour"),
            coords={"replica": list(self.numbers), "x": self.x, "flavour": list(self.flavours)},
            name="xf",
            attrs=dict(self.attributes),
        )

    def __repr__(self) -> str:
        return f"<Fit '{self.folder}': {self._ended}, functions: {', '.join(self.flavours)}>"

    @property
    def _ended(self) -> str:
        """How many replicas ended how."""
        counts = Counter(self.statuses)
        ended = ", ".join(f"{count} {status}" for status, count in counts.items())
        return f"{len(self)} replicas ({ended})"

    def _repr_html_(self) -> str:
        """For notebooks: what is in the fit, and its chi2."""
        counted = self.only(self.selected) if self.selected else self
        which = "selected" if self.selected else "all, none of which is selected"
        low, middle, high = np.percentile(counted.chi2_per_datum, [16, 50, 84])
        known = ", ".join(f"{name} = {value:g}" for name, value in self.attributes.items())
        rows = {
            "replicas": f"{self._ended}; {len(self.selected)} selected",
            f"chi2 per datum over {len(counted)} replicas, {which}": (
                f"mean {counted.chi2_per_datum.mean():.3f}, median {middle:.3f}, "
                f"68 % in {low:.3f} to {high:.3f}"
            ),
            "data": str(self.results[0].n_data),
            "functions": ", ".join(self.flavours) + (f", at {known}" if known else ""),
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>{escape(str(self.folder))}</caption>{cells}</table>"


def load_fit(folder: str | Path) -> Fit:
    """All replicas of the fit in ``folder`` that are written; it may still be running.

    Raises:
        OutputError: there is no fit or no replica, or replicas lack ``function.npz``.
    """
    fit = FitFolder(Path(folder))
    run, numbers = fit.run(), fit.finished()
    if not numbers:
        raise OutputError(
            f"No replica of the fit in '{fit.path}' is finished yet. Wait, or continue the fit "
            "with replicafit run --resume."
        )
    found = Fit(fit.path, run, tuple(fit.result(number) for number in numbers))
    found.functions  # noqa: B018  what is missing is said now
    return found


def load_replica(folder: str | Path, number: int) -> Replica:
    """Replica ``number`` of the fit in ``folder``.

    Raises:
        OutputError: it is not there, or was not exported with ``network`` and ``function``.
    """
    fit = FitFolder(Path(folder))
    fit.result(number)
    network_file, function = fit.exported(number, "network.keras"), _function(fit, number)
    import keras

    network = keras.models.load_model(network_file)
    return Replica(number, function.flavours, function.attributes, network)


def checked(x: Any) -> np.ndarray:
    """``x`` as (n,).

    Raises:
        ValueError: an x outside (0, 1].
    """
    points = np.atleast_1d(np.asarray(x, dtype=np.float64))
    if not ((points > 0) & (points <= 1)).all():
        raise ValueError(f"x must lie in (0, 1]; given: {points.min()} to {points.max()}.")
    return points


def _function(fit: FitFolder, number: int) -> GridFunctions:
    return GridFunctions.of_arrays(read_arrays(fit.exported(number, "function.npz")))


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(
            f"This needs {name}, which is not installed: pip install {name}"
        ) from None
