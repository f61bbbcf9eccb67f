"""Where a worker trains: data and compiled engines of one job, made once per process."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from replicafit.errors import ExecutionError
from replicafit.execution.fit import Run
from replicafit.execution.orders import BatchOrder, Job, Ready, Trained, Worker, worker_name
from replicafit.execution.parcels import RUNCARD, packed_replicas, unpack
from replicafit.execution.plans import capacity_here, make_plans
from replicafit.execution.starting import one_blas_thread
from replicafit.forward.planning import Batch
from replicafit.plugins import load_registry, with_files
from replicafit.results.files import appearing, write_arrays
from replicafit.results.folder import FitFolder
from replicafit.results.progress import Look
from replicafit.results.replica import ReplicaResult
from replicafit.results.run import Provenance
from replicafit.runcard import runcard_type
from replicafit.training.backend import seam
from replicafit.training.checkpoint import Checkpoints
from replicafit.training.loop import Snapshot

SECONDS_BETWEEN_LOOKS = 1.0
"""At least this long between two notes of how a batch does."""


def ready() -> Ready:
    """This process, with its backend started."""
    return Ready(_worker(), capacity_here().memory)


def _worker() -> Worker:
    return Worker(worker_name(), seam().describe())


@lru_cache(maxsize=1)
def workshop(job: Job, inputs: bytes | None) -> Workshop:
    """The workshop for ``job``, the same one for all batches that this process trains.

    Remembered as the value of a pure function of frozen values: the plans, and the engines that
    are compiled for them, are the same for all batches of a job.
    """
    return Workshop.of(job, inputs)


@dataclass
class Workshop:
    """All that batches of one job share in this process.

    Attributes:
        run: with plans and compiled engines; each batch gets a copy with its own folder.
        unpacked: where files that came with the orders are.
    """

    run: Run
    unpacked: tempfile.TemporaryDirectory[str] | None

    @classmethod
    def of(cls, job: Job, inputs: bytes | None) -> Workshop:
        """Reads data and makes plans.

        Raises:
            ExecutionError: the data here are not those of the fit.
        """
        card, unpacked = json.loads(job.runcard), None
        card_folder = Path(job.card).parent
        if inputs is not None:
            unpacked = tempfile.TemporaryDirectory(prefix="replicafit-")
            card_folder = Path(unpacked.name)
            unpack(inputs, card_folder)
            card = json.loads((card_folder / RUNCARD).read_text(encoding="utf-8"))
        return cls(_run(card, card_folder, job), unpacked)

    def train(self, order: BatchOrder) -> Trained:
        """Trains the batch of ``order`` and writes its replicas as they finish."""
        with one_blas_thread(), _bench(order) as bench:
            run = replace(
                self.run,
                folder=bench.folder,
                observer=bench,
                written=set(bench.folder.finished()),
                checkpoints=bench.checkpoints,
                saved=bench.checkpoints.load(bench.warning),
            )
            plan = next(p for p in run.plans if p.network.position == order.architecture)
            batch = plan.prepare(Batch(order.numbers, order.slots))
            run.train(plan, iter([batch]))
            return Trained(
                worker=_worker(),
                look=bench.last,
                timing=replace(run.timing),
                warnings=tuple(bench.warnings),
                files=None if bench.order else packed_replicas(bench.folder),
            )


def _run(card: dict[str, Any], card_folder: Path, job: Job) -> Run:
    registry = with_files(load_registry(), card.get("plugins", ()), card_folder)
    runcard = runcard_type(registry).model_validate(card)
    seam().prepare(runcard.precision)
    with one_blas_thread():
        plans = make_plans(runcard, registry, card_folder, runcard.replicas.numbers)
    found = plans[0].data.digest
    if found != job.data_hash:
        raise ExecutionError(
            f"The data on {worker_name()} are not those of the fit (SHA-256 {found[:12]} instead "
            f"of {job.data_hash[:12]}). Install the same plugins there as here."
        )
    provenance = Provenance(runcard, card_folder, registry, found)
    idle = Bench.nowhere()
    return Run(provenance, idle.folder, idle, plans, set(), idle.checkpoints, None)


@contextmanager
def _bench(order: BatchOrder) -> Iterator[Bench]:
    """The folder of the fit, or one that is sent back."""
    if order.job.is_here:
        bench = Bench(FitFolder(Path(order.job.folder)), order.folder, order)
        bench.begin()
        try:
            yield bench
        finally:
            bench.begun.unlink(missing_ok=True)
        bench.checkpoints.clear()
        return
    with tempfile.TemporaryDirectory(prefix="replicafit-") as place:
        yield Bench(FitFolder(Path(place) / "fit"), Path(place) / "batch")


@dataclass
class Bench:
    """Where one batch is trained; watches it and leaves notes for the client.

    Attributes:
        folder: replicas are written there.
        state: checkpoints and notes are.
        order: of the client, if it sees the notes.
        last: the last look at the batch.
        warnings: for the user.
    """

    folder: FitFolder
    state: Path
    order: BatchOrder | None = None
    last: Look | None = None
    warnings: list[str] = field(default_factory=list)
    _noted: float = 0.0

    @classmethod
    def nowhere(cls) -> Bench:
        """Nobody watches."""
        return cls(FitFolder(Path()), Path())

    @property
    def begun(self) -> Path:
        """Who trains; stays behind when a worker dies."""
        return self.state / "begun.json"

    @property
    def checkpoints(self) -> Checkpoints:
        """Of this batch; none where nobody would find them."""
        seconds = self.order.job.checkpoint_seconds if self.order else float("inf")
        return Checkpoints(self.state, seconds, write_arrays)

    def begin(self) -> None:
        """Notes who trains, and tells of one before who did not come to an end."""
        assert self.order is not None
        try:
            before = json.loads(self.begun.read_text(encoding="utf-8"))["worker"]
            found = any(self.state.glob("*.npz"))
            where = "its checkpoint" if found else "the beginning"
            self.warning(
                f"{before} stopped in the middle of {self.order.name}; {worker_name()} went on "
                f"from {where}."
            )
        except (OSError, ValueError, KeyError):  # nobody was before, or died while noting it
            pass
        _write(self.begun, {"worker": worker_name()})

    def phase(self, what: str) -> None:
        """Not noted."""

    def progress(self, snapshot: Snapshot, data: Any) -> None:
        """Notes how the batch does.

        Raises:
            ExecutionError: nobody waits for it any more.
        """
        self.last = Look.of(snapshot, data)
        if self.order is None or time.monotonic() - self._noted < SECONDS_BETWEEN_LOOKS:
            return
        if not self.order.job.is_here:
            raise ExecutionError(f"The run that ordered {self.order.name} has ended.")
        _write(self.state / "look.json", asdict(self.last))
        self._noted = time.monotonic()

    def looks(self, each: Sequence[Look]) -> None:
        """Not noted."""

    def replica(self, result: ReplicaResult) -> None:
        """Not noted."""

    def warning(self, message: str) -> None:
        """Told with the report."""
        self.warnings.append(message)


def _write(file: Path, content: dict[str, Any]) -> None:
    with appearing(file) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")
