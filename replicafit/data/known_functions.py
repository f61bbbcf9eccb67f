"""Functions that are known already: truths of closure tests, earlier fits for t0.

A runcard names one of

* ``toy_les_houches``, the Les Houches toy PDF;
* the folder of a fit: the mean of its selected replicas, or while it is not complete, of those
  that did not diverge;
* a ``function.npz``, as a fit writes it for each replica;
* an LHAPDF set, or one member of it (``..._0000.dat``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.components import FunctionSource, load_target
from replicafit.data.relations import combination
from replicafit.errors import DataError, ModelError
from replicafit.plugins import Registry

SAME = 1e-6
"""Relative distance below which two scales, or two ends of a grid, are the same."""


class KnownFunction(Protocol):
    """x f(x, q0) as a function of x."""

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names, length f."""

    @property
    def q0(self) -> float:
        """Scale in GeV."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x f, (n, f), at x (n,)."""


@dataclass(frozen=True)
class StoredFunction:
    """x f tabulated at one scale, cubic in log x between its grid points.

    Attributes:
        x: ascending, (n,).
        flavours: names, length f.
        values: x f, (n, f).
        q0: in GeV.
    """

    x: np.ndarray
    flavours: tuple[str, ...]
    values: np.ndarray
    q0: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x f, (m, f), at x (m,).

        Raises:
            DataError: an x outside the table.
        """
        low, high = self.x[0], self.x[-1]
        if x.min() < low * (1 - SAME) or x.max() > high * (1 + SAME):
            raise DataError(
                f"A stored function from x = {low:.3g} to {high:.3g} does not reach the grid "
                f"points of the data, x = {x.min():.3g} to {x.max():.3g}. Use one that does."
            )
        values: np.ndarray = self._spline(np.log(np.clip(x, low, high)))
        return values

    @cached_property
    def _spline(self) -> Any:
        from scipy.interpolate import CubicSpline  # half a second, which few runcards need

        return CubicSpline(np.log(self.x), self.values, axis=0)


def known_function(name: str, folder: Path, q0: float, registry: Registry) -> KnownFunction:
    """The function that ``name`` names in a runcard, at ``q0`` in GeV; paths are from ``folder``.

    Raises:
        DataError: it is not there, damaged, or known at another scale only.
    """
    for source in registry.all(FunctionSource):
        if source.recognizes(name, folder):
            found: KnownFunction = load_target(source.read)(name, folder, {"q0": q0})
            return found
    path = folder / name
    function = _mean_of_fit(path) if path.is_dir() else read_function(path)
    if not np.isclose(function.q0, q0, rtol=SAME, atol=0):
        raise DataError(
            f"'{path}' holds functions at q0 = {function.q0} GeV, but the tables of the data act "
            f"at {q0} GeV. Both must be the same."
        )
    return function


def on_flavours(
    function: KnownFunction, x: np.ndarray, wanted: Sequence[str], registry: Registry
) -> np.ndarray:
    """x f of the ``wanted`` flavours, (n, g), at x (n,).

    Raises:
        DataError: the function does not determine one of them.
    """
    try:
        turn = combination(function.flavours, wanted, registry)
    except ModelError:
        missing = sorted(set(wanted) - set(function.flavours))
        raise DataError(
            f"The tables need {', '.join(missing)}, which a function of "
            f"{', '.join(function.flavours)} does not determine. Use one that has them."
        ) from None
    values: np.ndarray = function(x) @ turn
    return values


def read_function(path: Path) -> StoredFunction:
    """The ``function.npz`` at ``path``.

    Raises:
        DataError: it is missing, damaged or inconsistent.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            x, flavours, values, q0 = (archive[key] for key in ("x", "flavours", "values", "q0"))
        names = tuple(str(name) for name in flavours)
        function = StoredFunction(x.astype(float), names, values.astype(float), float(q0))
    except FileNotFoundError:
        raise DataError(
            f"There is no function at '{path}'. Give the folder of a fit, a function.npz, "
            f"or what a plugin reads; paths are relative to the runcard."
        ) from None
    except Exception as cause:
        raise DataError(
            f"'{path}' is no stored function ({cause}): a .npz with x (n,), flavours (f,), values "
            "(n, f) and q0."
        ) from None
    _check(path, function)
    return function


def _check(path: Path, function: StoredFunction) -> None:
    x, values = function.x, function.values
    if x.ndim != 1 or len(x) < 2 or not (x[0] > 0 and (np.diff(x) > 0).all() and x[-1] <= 1):
        raise DataError(f"'{path}': x must ascend within (0, 1], with at least two grid points.")
    if values.shape != (len(x), len(function.flavours)) or not np.isfinite(values).all():
        raise DataError(
            f"'{path}': values must be finite numbers of shape "
            f"{(len(x), len(function.flavours))}; their shape is {values.shape}."
        )


def _mean_of_fit(folder: Path) -> StoredFunction:
    """The mean over the replicas of a fit: those selected, once it is complete."""
    good = _selected(folder) or _not_diverged(folder)
    if not good:
        raise DataError(
            f"'{folder}' holds neither a fit with a replica that did not diverge nor an LHAPDF set."
        )
    each = [read_function(folder / "replicas" / name / "function.npz") for name in good]
    first = each[0]
    mean = np.mean([function.values for function in each], axis=0)
    return StoredFunction(first.x, first.flavours, mean, first.q0)


def _selected(folder: Path) -> list[str]:
    """The folders of the replicas that the fit's selection lists; nothing without one."""
    run_file = folder / "run.json"
    selection = _json(run_file).get("selection") if run_file.exists() else None
    return [f"replica_{number:04d}" for number in selection["selected"]] if selection else []


def _not_diverged(folder: Path) -> list[str]:
    results = sorted(folder.glob("replicas/replica_*/result.json"))
    return [file.parent.name for file in results if _json(file)["status"] != "diverged"]


def _json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as cause:
        raise DataError(f"'{file}' is damaged ({cause}).") from None
    return content
