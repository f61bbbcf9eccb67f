"""What ``result.json`` and ``run.json`` hold; the reference page is made of it.

A key that a later release adds counts as its default, so that fits of earlier ones are read. Each
has the checksum of the rest of it: of a number with one digit changed nothing else would tell.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticSerializationError, to_json

from replicafit.data.known_functions import NO_RESULT
from replicafit.errors import DamagedError, OutputError
from replicafit.reading import read_text
from replicafit.results.files import write_json
from replicafit.runcard.replica_range import LAST_REPLICA, MOST_REPLICAS, ReplicaRange

FORMAT = 3
"""Of the files; 1 had no such key, 2 no checksums."""

_MOST_ASKED = 10 * MOST_REPLICAS
"""Replicas of one folder, from all jobs."""
_LONGEST = 2**26
"""Bytes of a file."""

Number = Annotated[
    float | None,
    BeforeValidator(lambda n: None if isinstance(n, float) and not math.isfinite(n) else n),
]
"""None for what is not finite, which JSON does not know."""

Each = dict[str, Number]
"""A number by name."""


class Record(BaseModel):
    """Base of what is in a file."""

    model_config = ConfigDict(frozen=True)


class Chi2PerDatum(Record):
    """chi2 of one replica over the number of data."""

    training: Number = Field(
        default=None,
        description="of this replica's pseudodata that train, with the covariance of that part, at "
        "the best check; near 2 for a perfect function, because pseudodata fluctuate twice",
    )
    validation: Number = Field(
        default=None, description="the same of the data that validate; null without such data"
    )
    all: Number = Field(
        default=None, description="of the measured values, with the covariance of all data"
    )


class SplitChi2(Record):
    """chi2 per datum of a part of a replica's pseudodata, with the covariance of each part."""

    training: Number = Field(default=None, description="null without data that train")
    validation: Number = Field(default=None, description="null without data that validate")
    n_training: int = Field(default=0, description="how many data train")


class PenaltyVerdict(Record):
    """What one penalty says of a replica."""

    value: Number = Field(description="the measure; null if it is not finite")
    bound: float = Field(description="the most that passes")
    passed: bool = Field(description="whether it does")


class Seeds(Record):
    """Where random numbers of a replica start."""

    runcard: int = Field(default=0, description="the runcard's seed")
    layers: list[int] = Field(
        default=[], description="the seed of each layer with seeded initializers"
    )


class Start(Record):
    """From which initial weights a replica began."""

    draw: int = Field(
        default=1,
        description="which draw of them, from 1: a later one where the layers found earlier ones "
        "unsound, or where the replica was stuck",
    )
    anew: bool = Field(
        default=False, description="whether it was stuck once (training.restart_above)"
    )


class Figure(Record):
    """One number that the ensemble limits."""

    value: Number = Field(description="of this replica")
    limit: Number = Field(description="the largest that passes")


class ReplicaVerdict(Record):
    """Whether a replica counts."""

    selected: bool = Field(description="whether it does")
    reasons: list[str] = Field(default=[], description="why not")
    figures: dict[str, Figure] = Field(
        default={}, description="what was compared with the other replicas, each with its limit"
    )


class ReplicaRecord(Record):
    """``result.json``: one replica at its best check, without its arrays.

    Layers may record more keys (``record`` of ``LayerType.build``).
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    format: int = Field(default=1, description="version of this file's keys")
    checksum: str = Field(default="", description="SHA-256 of the rest of this file")
    fit: str = Field(default="", description="SHA-256 of the runcard's and the data's: whose it is")
    files: dict[str, str] = Field(
        default={}, description="SHA-256 of each file that the exporters wrote"
    )
    not_exported: list[str] = Field(
        default=[], description="exporters that failed; --resume makes up for them"
    )
    number: int = Field(description="the replica number")
    status: str = Field(
        default="",
        description="stopped: no better validation chi2 for patience steps. completed: used up all "
        "max_steps. diverged: its loss or gradient was not finite; what is written are its best "
        "weights before that. undrawn: every draw of its pseudodata had a negative cross section "
        "(data.redraw_negative); it was not trained",
    )
    steps: int = Field(default=0, description="steps taken")
    best_step: int = Field(default=0, description="the step that the weights are of")
    n_data: int = Field(default=0, description="how many data the fit has")
    n_training: int | None = Field(
        default=None, description="how many data, or directions of the diagonal basis, train"
    )
    chi2_per_datum: Chi2PerDatum = Field(
        default=Chi2PerDatum(), description="chi2 over the number of data"
    )
    n_data_per_dataset: dict[str, int] = Field(
        default={}, description="how many data each dataset has"
    )
    per_dataset: Each = Field(
        default={},
        description="chi2 per datum of the measured values, with the covariance of each dataset",
    )
    per_experiment: Each = Field(
        default={},
        description="the same for all datasets of an experiment together, with the correlations "
        "between them",
    )
    split_per_dataset: dict[str, SplitChi2] = Field(
        default={},
        description="for each dataset: chi2 per datum of this replica's pseudodata with the "
        "covariance of each part, as it is minimised. Empty in the diagonal basis",
    )
    split_per_experiment: dict[str, SplitChi2] = Field(
        default={},
        description="the same for all data of an experiment together, with the correlations "
        "between its datasets",
    )
    held_out: Each = Field(
        default={}, description="as per_dataset, for datasets that were not fitted (data.hold_out)"
    )
    penalties: dict[str, PenaltyVerdict] = Field(
        default={}, description="for each penalty that judges: what it measured"
    )
    arc_length: Each = Field(
        default={},
        description="of each function of function.npz: the length of the curve over x from 1e-6",
    )
    seeds: Seeds = Field(default=Seeds(), description="where random numbers start")
    start: Start = Field(default=Start(), description="from which initial weights it began")
    architecture: int | None = Field(
        default=None,
        description="which of model.choice the replica drew, from 1; null without a choice",
    )
    hyperparameters: Each = Field(
        default={}, description="the optimizer's, as used for this replica"
    )
    selection: ReplicaVerdict | None = Field(
        default=None, description="once the fit is complete: whether the replica counts"
    )

    @property
    def usable(self) -> bool:
        """Whether it was trained to an end that is a fit."""
        return self.status not in NO_RESULT


class Timing(Record):
    """How long things took."""

    setup_s: float = Field(default=0.0, description="reading and contracting data, seconds")
    first_step_s: float = Field(default=0.0, description="compiling, seconds")
    ms_per_step_and_replica: float | None = Field(
        default=None,
        description="milliseconds of one lane for one step of one replica, without compilation; "
        "null if there were none",
    )
    total_s: float | None = Field(default=None, description="from the first word to the last")


class PluginRecord(Record):
    """Where a plugin comes from."""

    distribution: str = Field(default="", description="that has it")
    version: str = Field(default="", description="of the distribution")
    sha256: str | None = Field(
        default=None, description="of a file that the runcard names, exactly which"
    )


class Execution(Record):
    """Who trained in the last run."""

    executor: str = Field(default="", description="as given to --executor")
    workers: list[dict[str, Any]] = Field(default=[], description="others than this process")
    happened: list[str] = Field(default=[], description="warnings of the executor")
    failures: dict[str, str] = Field(default={}, description="replicas that were given up, and why")
    not_exported: dict[str, str] = Field(
        default={}, description="exporters that failed, and why; --resume makes up for them"
    )


class SelectionRecord(Record):
    """Which replicas of a complete fit count."""

    selected: list[int] = Field(description="the replica numbers that do")
    not_selected: dict[str, list[str]] = Field(
        default={}, description="the others, with the reasons"
    )
    sigmas: float | None = Field(
        default=None, description="standard deviations above the mean that still pass"
    )
    rounds: int | None = Field(default=None, description="how often mean and deviation were taken")
    limits: Each = Field(default={}, description="the largest that passes, of each number compared")


class Finding(Record):
    """One thing that speaks against a fit."""

    name: str = Field(description="of its kind")
    serious: bool = Field(description="whether it makes the fit bad")
    says: str = Field(description="what was found, in a sentence")
    advice: str = Field(description="what to try")


class FitVerdict(Record):
    """Whether a complete fit describes its data."""

    says: str = Field(description="in a sentence")
    replicas: int = Field(description="how many it is over: those selected, or all if none is")
    n_data: int = Field(description="how many data the fit has")
    chi2_per_datum: Number = Field(
        description="of the mean prediction of these replicas; of their mean over replicas where "
        "predictions were not exported"
    )
    allowed: float = Field(description="the most that the fit is not called bad for")
    findings: list[Finding] = Field(default=[], description="what speaks against it")

    @property
    def good(self) -> bool:
        """Whether nothing serious speaks against it."""
        return not any(finding.serious for finding in self.findings)

    @property
    def words(self) -> str:
        """Whether the fit is good, in a sentence."""
        return f"{'good' if self.good else 'BAD'}; {self.says}"


class InputRecord(Record):
    """What the functions depend on."""

    name: str = Field(default="x", description="of the input")
    low: float | None = Field(default=0.0, description="where its range begins; null is infinity")
    high: float | None = Field(default=1.0, description="where it ends; null is infinity")
    log: bool = Field(default=True, description="whether it is positive and tables logarithmic")
    half: float | None = Field(
        default=None, description="the distance from the one end that networks see as 1/2"
    )


class RunRecord(Record):
    """``run.json``: what was run, with which versions, on what, and how fast."""

    format: int = Field(default=1, description="version of this file's keys")
    checksum: str = Field(default="", description="SHA-256 of the rest of this file")
    files: dict[str, str] = Field(default={}, description="SHA-256 of runcard.yml and measured.npz")
    replicas: list[tuple[int, int]] = Field(
        default=[],
        description="first and last replica numbers that runs were asked for, from all jobs",
    )
    runcard: dict[str, Any] = Field(
        default={}, description="the runcard with all defaults filled in"
    )
    sections: dict[str, Any] = Field(
        default={},
        description="sections of the runcard that the fit does not look at, with all defaults, for "
        "commands that come after it",
    )
    hash: str = Field(
        default="",
        description="SHA-256 of runcard without replicas; equal for cards that mean the same fit",
    )
    extends: list[dict[str, str]] = Field(
        default=[],
        description="the cards that the runcard extends, the nearest first: path, relative to the "
        "runcard, and sha256",
    )
    runcard_folder: str = Field(default=".", description="where its relative paths begin")
    data_hash: str = Field(
        default="",
        description="SHA-256 of the data, their tables and errors; no fit is resumed with others",
    )
    datasets: dict[str, str] = Field(default={}, description="SHA-256 of each dataset of them")
    inputs: list[InputRecord] = Field(
        default=[InputRecord()], description="what the functions depend on, in which range"
    )
    versions: dict[str, str] = Field(
        default={}, description="of replicafit, keras, numpy, scipy and Python"
    )
    plugins: dict[str, PluginRecord] = Field(default={}, description="every plugin that was loaded")
    backend: dict[str, str] = Field(default={}, description="name, version and device")
    timing: Timing = Field(default=Timing(), description="how long things took")
    chi2_forms: list[dict[str, Any]] = Field(
        default=[],
        description="for each architecture: parameters, grid points, slots, batches, memory, and "
        "how chi2 of which datasets is computed",
    )
    execution: Execution = Field(default=Execution(), description="who trained in the last run")
    selection: SelectionRecord | None = Field(
        default=None, description="null until the fit is complete"
    )
    verdict: FitVerdict | None = Field(default=None, description="null until the fit is complete")

    @model_validator(mode="after")
    def _as_fits_have_it(self) -> RunRecord:
        """Replica numbers as runcards may ask for them: whoever reads a fit counts them."""
        if "replicas" in self.runcard:
            try:
                ReplicaRange.model_validate(self.runcard["replicas"])
            except ValidationError as cause:
                raise ValueError(f"of runcard: {cause.errors()[0]['msg']}") from None
        if any(not 1 <= first <= last <= LAST_REPLICA for first, last in self.replicas):
            raise ValueError(f"replicas are ranges of numbers from 1 to {LAST_REPLICA}")
        if sum(last - first + 1 for first, last in self.replicas) > _MOST_ASKED:
            raise ValueError(f"a fit has at most {_MOST_ASKED} replicas")
        return self

    @property
    def identity(self) -> str:
        """SHA-256 of what makes a fit this fit: the runcard's and the data's."""
        return identity(self.hash, self.data_hash)

    @property
    def asked(self) -> set[int]:
        """The replica numbers that runs were asked for; none where good ones are counted."""
        ranges: Any = self.replicas
        if not ranges and isinstance(self.runcard.get("replicas"), list | tuple):
            ranges = [self.runcard["replicas"]]
        return {number for first, last in ranges for number in range(first, last + 1)}


def identity(runcard_hash: str, data_hash: str) -> str:
    """SHA-256 of what makes a fit this fit."""
    return sha256(f"{runcard_hash} {data_hash}".encode()).hexdigest()


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """``numbers`` as first and last of each run of them, ascending."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        first, last = found[-1] if found else (number, number - 2)
        if number == last + 1:
            found[-1] = (first, number)
        else:
            found.append((number, number))
    return found


def _checksum(content: dict[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def write_record(file: Path, record: Record) -> None:
    """``record`` as JSON with its checksum; numbers that are not finite become null."""
    try:
        content = json.loads(to_json(record, inf_nan_mode="null"))
    except PydanticSerializationError:
        raise OutputError(
            f"'{file}' cannot be written: a file or folder whose name is in it has bytes that are "
            "no UTF-8. Rename it."
        ) from None
    content["checksum"] = _checksum(content)
    write_json(file, content)


R = TypeVar("R", bound=Record)


def read_record(kind: type[R], file: Path) -> R:
    """What ``file`` holds.

    Raises:
        FileNotFoundError: it is not there.
        DamagedError: it is not what was written.
        OutputError: a later release wrote it.
    """
    try:
        content = json.loads(read_text(file, _LONGEST))
        version, known = content.get("format", 1), content.get("checksum")
    except (ValueError, AttributeError, RecursionError) as cause:
        raise DamagedError(file, cause) from None
    if known != _checksum(content) and (known is not None or version in range(3, FORMAT + 1)):
        raise DamagedError(file, "its content is not what its checksum says")
    if type(version) is not int or version not in range(1, FORMAT + 1):
        raise OutputError(
            f"'{file}' has format {version!r}; this release reads up to {FORMAT}. Use the release "
            "that wrote it, or a newer one."
        )
    try:
        return kind.model_validate(content)
    except ValidationError as cause:
        first = cause.errors()[0]
        where = ".".join(map(str, first["loc"])) or "replicas"
        raise DamagedError(file, f"key '{where}': {first['msg']}") from None
