"""Functions that are known already: truths of closure tests, earlier fits for t0.

A runcard names one of

* the folder of a fit: the mean of its selected replicas, or while it is not complete, of those
  with a result to use; a complete fit of which none was selected is refused;
* a ``function.npz``, as a fit writes it for each replica;
* what a plugin recognizes (``replicafit_function_sources``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from replicafit.components import FunctionSource
from replicafit.components.inputs import combinations, described, outside
from replicafit.data.grid_functions import SAME, GridFunctions, combination
from replicafit.errors import DamagedError, DataError, ModelError
from replicafit.plugins import Registry
from replicafit.reading import is_folder, read_text

NO_RESULT = ("diverged", "undrawn")
"""How replicas may end that are no fits."""

_LONGEST = 2**26
"""Bytes of a record of a fit."""


class KnownFunction(Protocol):
    """Functions of x, or of several inputs: called with points it gives values (n, f)."""

    @property
    def flavours(self) -> tuple[str, ...]:
        """Names, length f."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (n, f) at x (n,), or of several inputs (n, m)."""


@dataclass(frozen=True)
class _OfPlugin:
    """A function of a plugin, whose name is in whatever fails."""

    function: KnownFunction
    flavours: tuple[str, ...]
    source: FunctionSource

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with self.source.at_fault(f"at {len(x)} points"):
            values, wanted = np.asarray(self.function(x), float), (len(x), len(self.flavours))
            if values.shape != wanted:
                raise DataError(f"Values of a function have shape {values.shape}, not {wanted}.")
            return values


def known_function(
    name: str, folder: Path, attributes: Mapping[str, float], registry: Registry
) -> KnownFunction:
    """What ``name`` names in a runcard; paths are from ``folder``.

    Args:
        attributes: those of the functions of the fit; what is known must not differ in one.

    Raises:
        DataError: it is not there, damaged, or characterized otherwise.
    """
    for source in registry.all(FunctionSource):
        if source.call("recognizes", name, folder, when=f"when asked whether it knows '{name}'"):
            found = source.call("read", name, folder, attributes, when=f"when it read '{name}'")
            with source.at_fault(f"when asked for the names of '{name}'"):
                return _OfPlugin(found, tuple(found.flavours), source)
    path = folder / name
    try:
        function = _mean_of_fit(path) if is_folder(path) else read_function(path)
    except FileNotFoundError:
        forms = [source.form for source in registry.all(FunctionSource) if source.form]
        others = "".join(f", {form}" for form in forms)
        raise DataError(
            f"There is no function at '{path}'. Give the folder of a fit, a function.npz{others}; "
            "paths are relative to the runcard."
        ) from None
    for key in attributes.keys() & function.attributes.keys():
        ours, theirs = attributes[key], function.attributes[key]
        if not np.isclose(theirs, ours, rtol=SAME, atol=0):
            raise DataError(
                f"'{path}' holds functions at {key} = {theirs}, but the tables of the data act at "
                f"{ours}. Both must be the same."
            )
    return function


def on_flavours(
    function: KnownFunction, x: np.ndarray, wanted: Sequence[str], registry: Registry
) -> np.ndarray:
    """Values (n, g) of the ``wanted`` functions at x (n,).

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
    return np.asarray(function(x) @ turn)


def read_function(path: Path) -> GridFunctions:
    """The ``function.npz`` at ``path``.

    Raises:
        FileNotFoundError: it is not there.
        DataError: it is damaged or inconsistent.
    """
    try:
        function = GridFunctions.read(path)
    except FileNotFoundError:
        raise
    except Exception as cause:
        raise DataError(
            f"'{path}' is no stored function ({cause}): a .npz with x (n,), flavours (f,) and "
            "values (n, f)."
        ) from None
    x, values = function.x, function.values
    if x.ndim == 1 and (len(x) < 2 or not (np.diff(x) > 0).all()):
        raise DataError(f"'{path}': x must ascend, with at least two grid points.")
    if not len(x) or outside(x, function.inputs).any():
        raise DataError(f"'{path}': x must lie within {described(function.inputs)}.")
    if x.ndim > 1 and not np.array_equal(x, combinations(function.axes)):
        raise DataError(
            f"'{path}': x must hold all combinations of the points of each input, ascending, the "
            "last input changing fastest."
        )
    if values.shape != (len(x), len(function.flavours)) or not np.isfinite(values).all():
        raise DataError(
            f"'{path}': values must be finite numbers of shape "
            f"{(len(x), len(function.flavours))}; their shape is {values.shape}."
        )
    return function


def _mean_of_fit(folder: Path) -> GridFunctions:
    """The mean over the replicas of a fit: those selected, once it is complete."""
    run_file = folder / "run.json"
    selection = _json(run_file).get("selection") if run_file.exists() else None
    if selection is not None:
        try:
            good = [f"replica_{number:04d}" for number in selection["selected"]]
        except (KeyError, TypeError, ValueError) as cause:
            raise _damaged(run_file, cause) from None
        if not good:
            raise DataError(
                f"No replica of the fit in '{folder}' is selected, so that it is no function to go "
                "by; its run.json has the reasons. Mend that fit, or give another."
            )
    else:
        results = sorted(folder.glob("replicas/replica_*/result.json"))
        good = [file.parent.name for file in results if _json(file).get("status") not in NO_RESULT]
    if not good:
        raise DataError(
            f"'{folder}' holds no fit with a replica that did not diverge, and nothing that an "
            "installed plugin reads. Give the folder of a fit, or a function.npz."
        )
    files = [folder / "replicas" / name / "function.npz" for name in good]
    try:
        each = [read_function(file) for file in files]
    except FileNotFoundError as missing:
        raise _damaged(Path(missing.filename), "it is missing") from None
    first = each[0]
    mean = np.mean([function.values for function in each], axis=0)
    return GridFunctions(first.x, first.flavours, mean, first.attributes, first.inputs)


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(file, _LONGEST))
    except (OSError, ValueError, RecursionError) as cause:
        raise _damaged(file, cause) from None
    if not isinstance(content, dict):
        raise _damaged(file, "it holds no record")
    return content


def _damaged(file: Path, why: object) -> DataError:
    return DataError(str(DamagedError(file, why)))
