"""What a fit left: one replica, or all at once."""

from __future__ import annotations

import reprlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from importlib import import_module
from itertools import cycle, islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from replicafit.components.inputs import UNIT, Input, as_points, described, real_numbers
from replicafit.data.grid_functions import GridFunctions
from replicafit.errors import DamagedError, OutputError, did_you_mean
from replicafit.quiet import quiet_start
from replicafit.results.files import read_arrays
from replicafit.results.folder import FitFolder
from replicafit.results.records import FitVerdict, ReplicaRecord, RunRecord
from replicafit.results.selection import selected_replicas


class Attributed:
    """What has ``attributes``: each number among them is an attribute in Python too, as ``q0``."""

    if not TYPE_CHECKING:  # or to type checkers no name would be wrong

        def __getattr__(self, name: str) -> float:
            """The number of that name among ``attributes``, such as ``q0``."""
            if not name.startswith("_") and name in self.attributes:
                return self.attributes[name]
            raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}", name=name)


@dataclass(frozen=True)
class Replica(Attributed):
    """One fitted replica, callable: ``replica(x)`` are the values of its functions.

    Attributes:
        number: the replica number.
        flavours: names of the functions, length f.
        attributes: what characterizes them, such as ``q0``, the scale that they belong to.
        network: the plain Keras network, x (b, m) -> (b, f).
        inputs: what the functions depend on, with the range of each, length m.
    """

    number: int
    flavours: tuple[str, ...]
    attributes: Mapping[str, float]
    network: Any
    inputs: tuple[Input, ...] = UNIT

    def __call__(self, x: Any) -> np.ndarray:
        """Values (n, f) at x (n,), or of several inputs (n, m).

        Raises:
            ValueError: an x outside the range.
        """
        points = as_points(checked(x, self.inputs))
        values = self.network(points.astype(self.network.inputs[0].dtype))
        from keras import ops

        return np.asarray(ops.convert_to_numpy(values), dtype=np.float64)


SAME = 0.02
"""A prediction is the function itself if they differ by no more of what the function varies by."""
DECADES = 100
"""A ratio of ends above which an axis is logarithmic."""
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito, which color-blind readers can tell apart."""


@dataclass(frozen=True)
class Measured:
    """Data at x (d,) that measure one function, with their errors."""

    x: np.ndarray
    values: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Fit(Attributed):
    """The replicas of a fit that count. ``fit(x)`` evaluates their networks; all else reads tables.

    Replicas that were refused are in ``fit.all`` alone. The tables are those of ``function.npz``:
    no Keras is imported until ``fit(x)`` is called, or another method is given x.

    Attributes:
        folder: where the fit is.
        run: its ``run.json``.
        results: the ``result.json`` of each replica, length r.
        finished: those of all that are written, the refused ones too.
        name: the one function that ``fit[name]`` chose. Then the axis f of all shapes below is
            left out.
    """

    folder: Path
    run: RunRecord
    results: tuple[ReplicaRecord, ...]
    finished: tuple[ReplicaRecord, ...] = ()
    name: str | None = None

    @classmethod
    def of_replicas(cls, folder: FitFolder, numbers: Iterable[int]) -> Fit:
        """Those of the replicas ``numbers`` of ``folder`` that count."""
        run, finished = folder.run(), tuple(folder.result(number) for number in numbers)
        counting = set(selected_replicas(run, finished))
        return cls(folder.path, run, tuple(r for r in finished if r.number in counting), finished)

    @property
    def all(self) -> Fit:
        """The same with all replicas that are written, the refused ones too."""
        return replace(self, results=self.finished)

    @property
    def selected(self) -> tuple[int, ...]:
        """The numbers of the replicas that count: of an incomplete fit all that did not diverge."""
        return selected_replicas(self.run, self.results)

    @property
    def verdict(self) -> FitVerdict | None:
        """Whether the fit describes its data, and what speaks against it, as ``run`` says at its
        end; None as long as the fit is not complete.
        """
        return self.run.verdict

    @property
    def refused(self) -> Mapping[int, tuple[str, ...]]:
        """Why the other replicas of the folder do not count, by number."""
        counting = set(selected_replicas(self.run, self.finished))
        others = [result for result in self.finished if result.number not in counting]
        return {
            r.number: tuple(r.selection.reasons if r.selection else (r.status,)) for r in others
        }

    @cached_property
    def functions(self) -> GridFunctions:
        """The tables, values (r, n, f) of all functions.

        Raises:
            OutputError: no replica is here, or some lack ``function.npz``.
        """
        self._refuse_empty()
        tables = [_function(FitFolder(self.folder), number) for number in self.numbers]
        return replace(tables[0], values=np.stack([table.values for table in tables]))

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names of the functions, length f."""
        return self.functions.flavours if self.name is None else (self.name,)

    @property
    def attributes(self) -> Mapping[str, float]:
        """What characterizes them, such as ``q0``, the scale that they belong to."""
        return self.functions.attributes

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What the functions depend on, with the range of each, length m."""
        return self.functions.inputs

    @property
    def x(self) -> np.ndarray:
        """The grid of the tables, (n,); of several inputs all combinations, (n, m)."""
        return self.functions.x

    @property
    def values(self) -> np.ndarray:
        """The functions on it, (r, n, f)."""
        return self._chosen(self.functions.values)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The replica numbers, length r."""
        return tuple(result.number for result in self.results)

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

    def __getitem__(self, which: int | str) -> Any:
        """``fit[3]`` is replica 3, as ``load_replica`` gives it; ``fit["f"]`` the fit of f alone.

        Raises:
            OutputError: there is no such replica.
            ValueError: there is no such function.
        """
        if isinstance(which, str):
            return replace(self, name=_one_of(which, self.functions.flavours, "function"))
        if isinstance(which, bool) or not isinstance(which, int | np.integer):
            raise ValueError(
                f"fit[...] takes a replica number or the name of a function; given: {which!r}. "
                "fit.only(numbers) chooses several replicas."
            )
        return load_replica(self.folder, int(which))

    @cached_property
    def _replicas(self) -> tuple[Replica, ...]:
        return tuple(load_replica(self.folder, number) for number in self.numbers)

    def __call__(self, x: Any) -> np.ndarray:
        """Values (r, n, f) at x (n,), or of several inputs (n, m), from the networks (imports
        Keras).

        Raises:
            ValueError: x is no such list of numbers.
        """
        points = checked(x, self.inputs)
        self._refuse_empty()
        return self._chosen(np.stack([replica(points) for replica in self]))

    def interpolate(self, x: Any) -> np.ndarray:
        """The same from the tables, without Keras: cubic, in log x where x is logarithmic.

        Raises:
            ValueError: an x outside the tables.
        """
        points = as_points(checked(x, self.inputs))
        for one, axis, column in zip(self.inputs, self.functions.axes, points.T, strict=True):
            low, high = column.min(), column.max()
            if low < axis[0] or high > axis[-1]:
                where = f"begin at {one.name} = {axis[0]:.3g}; given: {low:.3g}"
                if low >= axis[0]:
                    where = f"end at {one.name} = {axis[-1]:.3g}; given: {high:.3g}"
                raise ValueError(
                    f"The tables {where}. Call the fit itself, which evaluates the networks."
                )
        return self._chosen(self.functions(points))

    def mean(self, x: Any = None) -> np.ndarray:
        """Mean over replicas, (n, f); on the tables' grid, or by ``fit(x)``."""
        return np.asarray(self._at(x).mean(axis=0))

    def std(self, x: Any = None) -> np.ndarray:
        """Standard deviation over replicas (divided by r - 1), (n, f)."""
        values = self._at(x)
        return np.asarray(values.std(axis=0, ddof=1 if len(values) > 1 else 0))

    def quantile(self, q: float | Sequence[float], x: Any = None) -> np.ndarray:
        """Quantiles over replicas, (n, f), or of several q (q, n, f).

        Raises:
            ValueError: a q is not in [0, 1].
        """
        wanted = _numbers(q, "q")
        if wanted.ndim > 1 or not ((wanted >= 0) & (wanted <= 1)).all():
            raise ValueError(f"q is a number from 0 to 1, or a list of such; given: {q!r}.")
        return np.asarray(np.quantile(self._at(x), wanted, axis=0))

    def band(self, x: Any = None, *, level: float = 0.68) -> tuple[np.ndarray, np.ndarray]:
        """The central part of the replicas: lower and upper end, each (n, f).

        Args:
            x: where; on the tables' grid by default.
            level: how large a part; 0.68 is about a standard deviation to both sides.

        Raises:
            ValueError: the level is not above 0 and below 1.
        """
        return _central(self._at(x), level)

    def covariance(self, x: Any = None) -> np.ndarray:
        """Covariance over replicas between all points and functions, (n, f, n, f).

        Raises:
            ValueError: there are fewer than two replicas.
        """
        values = self._at(x)
        if len(values) < 2:
            raise ValueError(f"A covariance needs at least 2 replicas; here: {len(values)}.")
        flat = (values - values.mean(axis=0)).reshape(len(values), -1)
        shape = values.shape[1:]
        return np.asarray(flat.T @ flat / (len(values) - 1)).reshape(*shape, *shape)

    def correlation(self, x: Any = None) -> np.ndarray:
        """The same over both standard deviations; not a number where one of them is zero."""
        covariance, sigma = self.covariance(x), self.std(x)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(covariance / np.multiply.outer(sigma, sigma))

    def _at(self, x: Any) -> np.ndarray:
        return self.values if x is None else self(x)

    def _chosen(self, values: np.ndarray) -> np.ndarray:
        if self.name is None:
            return values
        return np.asarray(values[..., self.functions.flavours.index(self.name)])

    def _refuse_empty(self) -> None:
        if not self.results:
            raise OutputError(
                f"No replica of '{self.folder}' counts: {len(self.finished)} are written, and all "
                "of them were refused (fit.refused says why; fit.all has them). Fit again with "
                "other settings."
            )

    @cached_property
    def data(self) -> Mapping[str, np.ndarray]:
        """What was measured, as in ``measured.npz``: values, errors and kinematics (d,), names.

        Raises:
            OutputError: the fit has none.
        """
        try:
            return read_arrays(FitFolder(self.folder).data_file)
        except FileNotFoundError:
            raise OutputError(f"'{self.folder}' has no measured.npz. Fit again.") from None

    def predictions(self, dataset: str | None = None) -> np.ndarray:
        """What each replica says of the data, (r, d): all, in their order, or those of a dataset.

        Raises:
            ValueError: there is no such dataset.
            OutputError: replicas were written without ``predictions.npz``.
        """
        return self._predicted("prediction", dataset)

    def chi2(self, dataset: str | None = None) -> np.ndarray:
        """chi2 of the measured values, not divided, of each replica, (r,).

        Args:
            dataset: of this one alone, with its own covariance; by default of all data.

        Raises:
            ValueError: there is no such dataset.
        """
        if dataset is None:
            return self.chi2_per_datum * np.array([result.n_data for result in self.results])
        self._refuse_empty()
        name = _one_of(dataset, self.results[0].n_data_per_dataset, "dataset")
        each = [r.per_dataset[name] for r in self.results]
        return np.array(each, np.float64) * self.results[0].n_data_per_dataset[name]

    def chi2_of_mean(self, dataset: str | None = None) -> float:
        """chi2 of the mean prediction of the replicas, not divided; otherwise as ``chi2``."""
        measured = self.data["central"][self._place(dataset)]
        residual = measured - self.predictions(dataset).mean(axis=0)
        weighted = self._predicted("weighted_residual", dataset).mean(axis=0)
        return float(residual @ weighted[0 if dataset is None else 2])

    def _predicted(self, key: str, dataset: str | None) -> np.ndarray:
        """An array of ``predictions.npz`` of each replica, (r, ..., d)."""
        self._refuse_empty()
        place, folder = self._place(dataset), FitFolder(self.folder)
        files = [folder.exported(number, "predictions.npz") for number in self.numbers]
        return np.stack([read_arrays(file)[key][..., place] for file in files])

    def _place(self, dataset: str | None) -> slice:
        """Where the data of ``dataset`` stand among all."""
        if dataset is None:
            return slice(None)
        names = self.data["datasets"].tolist()
        at = names.index(_one_of(dataset, names, "dataset"))
        ends = np.cumsum(self.data["n_data"])
        return slice(int(ends[at] - self.data["n_data"][at]), int(ends[at]))

    def only(self, numbers: int | Iterable[int]) -> Fit:
        """The same fit with the replicas ``numbers`` alone, or with one.

        Raises:
            ValueError: there is no such replica.
        """
        wanted = list(dict.fromkeys(numbers if isinstance(numbers, Iterable) else [numbers]))
        missing = sorted(set(wanted) - set(self.numbers))
        if missing or not wanted:
            here = (
                f"{len(self)}, from {min(self.numbers)} to {max(self.numbers)}" if len(self) else 0
            )
            raise ValueError(f"Replicas {missing or 'none'} are asked for; here are {here}.")
        at = [self.numbers.index(number) for number in wanted]
        fewer = replace(self, results=tuple(self.results[i] for i in at))
        if "functions" in self.__dict__:  # read already
            kept = replace(self.functions, values=self.functions.values[at])
            fewer.__dict__["functions"] = kept
        return fewer

    def to_pandas(self) -> Any:
        """The tables as a long pandas frame: replica, x, flavour, value."""
        pandas = _optional("pandas")
        axes, names = self.functions.axes, [one.name for one in self.inputs]
        index = pandas.MultiIndex.from_product(
            [self.numbers, *axes, self.flavours], names=["replica", *names, "flavour"]
        )
        return pandas.Series(self.values.ravel(), index=index, name="value").reset_index()

    def to_xarray(self) -> Any:
        """The tables as an xarray array of dimensions replica, x (or each input), flavour."""
        axes = dict(zip([one.name for one in self.inputs], self.functions.axes, strict=True))
        return _optional("xarray").DataArray(
            self.values.reshape(len(self), *map(len, axes.values()), len(self.flavours)),
            dims=("replica", *axes, "flavour"),
            coords={"replica": list(self.numbers), **axes, "flavour": list(self.flavours)},
            name="value",
            attrs=dict(self.attributes),
        )

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """The data that measure a function itself, by its name, such as those of a table of x.

        Whole datasets whose predictions are, replica by replica, the function at their x. Empty
        where predictions were not exported, and of several inputs.
        """
        try:
            data, predictions = self.data, self.predictions()
        except OutputError:
            return {}
        x = data.get("kinematics_x", np.full(predictions.shape[1], np.nan))
        known = np.zeros(len(x), dtype=bool)
        if len(self.inputs) == 1:
            known = (x >= self.x[0]) & (x <= self.x[-1])
        if not known.any():
            return {}
        own = np.full((*predictions.shape, len(self.functions.flavours)), np.nan)
        own[:, known] = self.functions(x[known])
        varies = np.ptp(self.functions.values.mean(axis=0), axis=0)
        near = np.abs(predictions[..., None] - own).max(axis=0) < SAME * np.where(varies, varies, 1)
        found = {}
        for name, same in zip(self.functions.flavours, near.T, strict=True):
            at = np.zeros(len(x), dtype=bool)
            for dataset in data["datasets"].tolist():
                place = self._place(dataset)
                at[place] = same[place].all()
            if at.any() and self.name in (None, name):
                found[name] = Measured(x[at], data["central"][at], data["uncertainty"][at])
        return found

    def plot(self, x: Any = None, *, level: float = 0.68, ax: Any = None) -> Any:
        """Draws mean and central band of each function with matplotlib, as reports do.

        With the data that measure it; of one function alone with every replica, too. x in (0, 1]
        is logarithmic where the data that are shown, or else the points, span two decades.

        Args:
            x: where, (n,), on the tables' grid by default; of several inputs (n, m), along one.
            level: of the band, as for ``band``.
            ax: the axes to draw into, beside what is there; new ones by default.

        Returns:
            The axes.

        Raises:
            ValueError: there are several inputs, and not one alone changes in x.
        """
        columns = as_points(self.x if x is None else checked(x, self.inputs)).T
        changing = [i for i, column in enumerate(columns) if np.ptp(column) > 0] or [0]
        one = self.inputs[changing[0]]
        along = one.name
        if len(changing) > 1:
            raise ValueError(
                f"A curve goes along one input. Give x of shape (n, {len(columns)}) in which one "
                f"changes alone, such as {along}; or draw maps with replicafit report."
            )
        points, each = columns[changing[0]], self._at(x)
        low, high = _central(each, level)
        shown = {} if len(self.inputs) > 1 else self.measured
        beside, title = "", f"mean of {len(self)} replicas, central {100 * level:g} %"
        if ax is None:
            _, ax = _optional("matplotlib.pyplot").subplots()
            ax.spines[["top", "right"]].set_visible(False)
            reach = [shown[name].x for name in self.flavours if name in shown] or [points]
            if one.log and np.min(np.concatenate(reach)) * DECADES < np.max(np.concatenate(reach)):
                ax.set_xscale("log")
        elif ax.get_legend():
            beside, title = f", {self.folder.name}", f"mean, central {100 * level:g} %"
        drawn = len(ax.get_legend_handles_labels()[1])
        curves = [each.reshape(len(points), -1).T for each in (each.mean(axis=0), low, high)]
        styles = islice(cycle(product(("-", "--", ":"), COLORS)), drawn, None)
        for name, (line, color), mean, bottom, top in zip(
            self.flavours, styles, *curves, strict=False
        ):
            if len(self.flavours) == 1:
                ax.plot(points, each.reshape(len(each), -1).T, color="#a9a9aa", linewidth=0.5)
            if name in shown:
                data = shown[name]
                style = {"color": "#6b6b6c", "markersize": 3, "elinewidth": 0.8}
                ax.errorbar(data.x, data.values, data.errors, fmt="o", **style)
            label = f"{name}{beside}".replace("$", r"\$")
            ax.plot(points, mean, line, color=color, linewidth=1.8, label=label)
            ax.fill_between(points, bottom, top, color=color, alpha=0.3, linewidth=0)
        ax.set_xlabel(along.replace("$", r"\$"))
        ax.legend(title=title)
        return ax

    def save(self, folder: str | Path) -> Fit:
        """Copies the whole folder of the fit to ``folder``, new or empty, and gives the fit there.

        Raises:
            OutputError: something is there already, or it cannot be written.
        """
        new = FitFolder(Path(folder))
        new.copy_from(FitFolder(self.folder))
        return replace(self, folder=new.path, run=new.run())

    def __repr__(self) -> str:
        names = ", ".join((self if self.results else self.all).flavours)
        return f"<Fit '{self.folder}': {self._ended}, functions: {names}>"

    @property
    def _ended(self) -> str:
        """How many replicas ended how, and how many were refused."""
        counts = Counter(self.statuses)
        ended = ", ".join(f"{count} {status}" for status, count in counts.items())
        refused = len(self.refused.keys() - set(self.numbers))
        return f"{len(self)} replicas ({ended or 'none'})" + (
            f", {refused} refused" if refused else ""
        )

    def _repr_html_(self) -> str:
        """For notebooks: what is in the fit, and its chi2."""
        shown = self if self.results else self.all
        which = "selected" if self.results else "all of which were refused"
        low, middle, high = np.percentile(shown.chi2_per_datum, [16, 50, 84])
        known = ", ".join(f"{name} = {value:g}" for name, value in shown.attributes.items())
        rows = {
            "replicas": self._ended,
            f"chi2 per datum over {len(shown)} replicas, {which}": (
                f"mean {shown.chi2_per_datum.mean():.3f}, median {middle:.3f}, "
                f"68 % in {low:.3f} to {high:.3f}"
            ),
            "data": str(shown.results[0].n_data),
            **({} if self.verdict is None else {"verdict": self.verdict.words}),
            "functions": ", ".join(shown.flavours) + (f", at {known}" if known else ""),
            "of": described(shown.inputs),
        }
        cells = "".join(f"<tr><th>{k}</th><td>{escape(v)}</td></tr>" for k, v in rows.items())
        return f"<table><caption>{escape(str(self.folder))}</caption>{cells}</table>"


def load_fit(folder: str | Path) -> Fit:
    """The replicas of the fit in ``folder`` that are written and count; it may still be running.

    Raises:
        OutputError: there is no fit or no replica, or replicas lack ``function.npz``.
    """
    there = FitFolder(Path(folder))
    there.run()  # whether there is a fit at all
    there.refuse_lost()
    for path in there.strangers():
        warnings.warn(f"'{path}' is no replica's folder and ignored.", stacklevel=2)
    numbers = there.finished()
    if not numbers:
        raise OutputError(
            f"No replica of the fit in '{there.path}' is finished yet. Wait, or continue the fit "
            "with replicafit run --resume."
        )
    found = Fit.of_replicas(there, numbers)
    (found if found.results else found.all).functions  # noqa: B018  what is missing is said now
    return found


def load_replica(folder: str | Path, number: int) -> Replica:
    """Replica ``number`` of the fit in ``folder``.

    Raises:
        OutputError: it is not there, or was not exported with ``network`` and ``function``.
    """
    fit = FitFolder(Path(folder))
    fit.result(number)
    network_file, function = fit.exported(number, "network.keras"), _function(fit, number)
    with quiet_start():
        import keras

    try:
        network = keras.models.load_model(network_file)
    except Exception as cause:  # Keras raises anything for files that are damaged
        raise DamagedError(network_file, f"{type(cause).__name__}: {cause}") from None
    return Replica(number, function.flavours, function.attributes, network, function.inputs)


def checked(x: Any, inputs: Sequence[Input] = UNIT) -> np.ndarray:
    """``x``, one point or a list of them, as (n,), or of several inputs as (n, m).

    Raises:
        ValueError: it is something else, or an x is outside the range.
    """
    points, m = _numbers(x, "x"), len(inputs)
    if points.ndim == (0 if m == 1 else 1):
        points = points[None]
    if points.shape[1:] != (() if m == 1 else (m,)) or not points.size:
        names = ", ".join(one.name for one in inputs)
        wanted = "a number or a list" if m == 1 else f"an array (n, {m}) of {names}, with n"
        raise ValueError(f"x is {wanted} of at least one; given: an array of shape {np.shape(x)}.")
    for one, column in zip(inputs, as_points(points).T, strict=True):
        outside = column[one.outside(column)]
        if len(outside):
            shown = ", ".join(f"{each:g}" for each in outside[:3])
            raise ValueError(f"{one.name} must lie in {one.range}; given: {shown}.")
    return points


def _numbers(given: Any, name: str) -> np.ndarray:
    """``given`` as an array of float64.

    Raises:
        ValueError: it holds something else than real numbers.
    """
    array = real_numbers(given)
    if array is None:
        raise ValueError(f"{name} must be real numbers; given: {reprlib.repr(given)}.")
    return array


def _central(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the central part of values (r, ...).

    Raises:
        ValueError: the level is not above 0 and below 1.
    """
    part = _numbers(level, "level")
    if part.ndim or not 0 < part < 1:
        raise ValueError(
            f"level is a number between 0 and 1, such as 0.68 or 0.95; given: {level!r}."
        )
    low, high = np.percentile(values, (50 - 50 * part, 50 + 50 * part), axis=0)
    return low, high


def _one_of(name: str, names: Iterable[str], kind: str) -> str:
    """``name``, if it is one of ``names``.

    Raises:
        ValueError: it is none.
    """
    known = list(names)
    if name in known:
        return name
    hint = did_you_mean(name, known)
    raise ValueError(f"There is no {kind} '{name}'; the fit has: {', '.join(known)}.{hint}")


def _function(fit: FitFolder, number: int) -> GridFunctions:
    file = fit.exported(number, "function.npz")
    try:
        return GridFunctions.of_arrays(read_arrays(file))
    except (KeyError, ValueError, TypeError, IndexError) as cause:
        raise DamagedError(file, cause) from None


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        library = name.partition(".")[0]
        raise ImportError(
            f"This needs {library}, which is not installed: pip install {library}"
        ) from None
