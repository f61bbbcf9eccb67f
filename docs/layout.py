"""What is in the files that a fit leaves, key by key; the reference is made of it.

Shapes: s datasets, d fitted data in the order of the runcard, n grid points, f functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from replicafit.results.records import (
    FitVerdict,
    Record,
    ReplicaRecord,
    ReplicaVerdict,
    RunRecord,
    SelectionRecord,
)


@dataclass(frozen=True)
class Entry:
    """One key of a file.

    Attributes:
        key: dotted where it is inside another; ``*`` stands for names that depend on the fit.
        meaning: of its value, with the unit.
        shape: of an array.
    """

    key: str
    meaning: str
    shape: str | None = None


@dataclass(frozen=True)
class FileLayout:
    """One file.

    Attributes:
        name: of the file.
        entries: all its keys.
        growing: whether there may be more, from layers that tell of themselves.
    """

    name: str
    entries: tuple[Entry, ...]
    growing: bool = False


def _keys(record: type[Record], above: str = "") -> tuple[Entry, ...]:
    """The keys of ``record`` with their descriptions, those of records in it included."""
    found: list[Entry] = []
    for name, field in record.model_fields.items():
        inner = next((k for k in _types(field.annotation) if issubclass(k, Record)), None)
        several = "dict" in str(field.annotation)
        if inner is None or several or inner in (SelectionRecord, ReplicaVerdict, FitVerdict):
            words = field.description or ""
            if inner is not None:
                words += f" ({', '.join(inner.model_fields)})"
            found.append(Entry(above + name, words))
        else:
            found += _keys(inner, f"{above}{name}.")
    return tuple(found)


def _types(annotation: Any) -> Iterator[type]:
    """All classes in a type."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from _types(part)


RUN = FileLayout("run.json", _keys(RunRecord))
RESULT = FileLayout(
    "result.json",
    (
        *_keys(ReplicaRecord),
        Entry(
            "exponents",
            "alpha and beta of each flavour that reaches preprocessing, if the network has it",
        ),
    ),
    growing=True,
)

FUNCTION = FileLayout(
    "function.npz",
    (
        Entry(
            "x",
            "through its range: of (0, 1] from 1e-9 to 1, logarithmic below 0.1 and linear above; "
            "of several inputs all combinations, the last one changing fastest",
            "(n,) or (n, m)",
        ),
        Entry(
            "inputs",
            "JSON, a list as in `run.json`: name and range of each input, and whether tables are "
            "logarithmic; left out, x in (0, 1]",
            "()",
        ),
        Entry("flavours", "names of the functions", "(f,)"),
        Entry("values", "of the functions", "(n, f)"),
        Entry("q0", "or another attribute that characterizes them, if the data name one", "()"),
    ),
)

HISTORY = FileLayout(
    "history.npz",
    (
        Entry("step", "at which the check was", "(checks,)"),
        Entry(
            "chi2_training",
            "of this replica's pseudodata that train, not divided by their number",
            "(checks,)",
        ),
        Entry("chi2_validation", "the same of those that validate", "(checks,)"),
    ),
)

DATA = FileLayout(
    "data.npz",
    (
        Entry("dataset", "the dataset of each datum", "(d,)"),
        Entry("values", "pseudodata; the measured values with pseudodata: false", "(d,)"),
        Entry("training", "true for training, false for validation", "(d,)"),
        Entry("basis", "what training counts: data, or the directions of the diagonal basis", "()"),
    ),
)

PREDICTIONS = FileLayout(
    "predictions.npz",
    (
        Entry("prediction", "of the functions this replica is written with", "(d,)"),
        Entry(
            "weighted_residual",
            "C^-1 (D - T), D measured and T predicted, with C the covariance of all data, of each "
            "experiment, and of each dataset",
            "(3, d)",
        ),
    ),
)

MEASURED = FileLayout(
    "measured.npz",
    (
        Entry("datasets", "the name of each dataset", "(s,)"),
        Entry(
            "experiments",
            "its experiment: as its file says, else the first part of its name",
            "(s,)",
        ),
        Entry("n_data", "how many data each has; they follow each other in this order", "(s,)"),
        Entry("central", "measured values", "(d,)"),
        Entry("uncertainty", "square root of the diagonal of the covariance", "(d,)"),
        Entry("uncorrelated", "the part of it that is uncorrelated", "(d,)"),
        Entry("sources", "names of the correlated sources of uncertainty", "(c,)"),
        Entry("shifts", "what one standard deviation of each shifts, absolute", "(d, c)"),
        Entry(
            "kinematics_*",
            "one for each variable of the dataset files, such as kinematics_x; not a number where "
            "a dataset has none",
            "(d,)",
        ),
    ),
)

PROGRESS = FileLayout(
    "progress.jsonl",
    (
        Entry("time", "UTC, ISO 8601"),
        Entry("step", "of the replica that is furthest among those that train"),
        Entry("steps_done", "over all replicas; a replica that is over counts as max_steps"),
        Entry("steps_total", "replicas times max_steps"),
        Entry("replicas", "how many the fit has"),
        Entry("running", "how many of them train"),
        Entry("stopped", "how many have stopped, those of earlier runs included"),
        Entry("completed", "how many took all max_steps, likewise"),
        Entry("diverged", "how many have diverged, likewise"),
        Entry("undrawn", "how many have no pseudodata, likewise"),
        Entry("waiting", "how many are still to come"),
        Entry("lanes", "how many train"),
        Entry(
            "chi2_training",
            "median, p16 and p84 (percentiles) of chi2 per datum of the pseudodata that train, at "
            "the last check, over the replicas in slots; null where there is none",
        ),
        Entry("chi2_validation", "the same of those that validate"),
    ),
)

FILES = (RUN, RESULT, FUNCTION, HISTORY, DATA, PREDICTIONS, MEASURED, PROGRESS)
