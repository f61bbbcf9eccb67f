"""The batches of one run on their way to workers and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from queue import Empty
from typing import Any

from replicafit.errors import ExecutionError
from replicafit.execution.fit import Output, Run
from replicafit.execution.orders import (
    BatchOrder,
    Failed,
    Job,
    NeedsInputs,
    Refused,
    Trained,
    Worker,
    orders_file,
)
from replicafit.execution.parcels import packed_inputs, unpack_replicas
from replicafit.execution.plans import Plan
from replicafit.execution.versions import versions_of
from replicafit.execution.workers import Workers
from replicafit.forward.planning import Batch
from replicafit.results.progress import Look
from replicafit.results.run import Timing
from replicafit.runcard import canonical

ATTEMPTS = 3
SECONDS_BETWEEN_LOOKS = 1.0


@dataclass
class Dispatch:
    """The client's side of a run: sends orders, tries again what failed, keeps what comes back.

    Attributes:
        workers: who trains.
        run: what is trained; told what is written.
        job: what all orders share.
        inputs: the files of the runcard, once a worker has asked for them.
        failures: what went wrong with batches that were given up, by the order's name.
        known: the workers that trained, and their timing.
        happened: what the user was told, for ``run.json``.
    """

    workers: Workers
    run: Run
    job: Job
    inputs: bytes | None = None
    failures: dict[str, str] = field(default_factory=dict)
    known: dict[str, tuple[Worker, Timing, int]] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, workers: Workers, run: Run, output: Output, card: Path) -> Dispatch:
        """For the batches of ``run`` that are left."""
        job = Job(
            runcard=json.dumps(canonical(run.provenance.runcard), sort_keys=True),
            card=str(card.resolve()),
            data_hash=run.provenance.data_hash,
            versions=tuple(sorted(versions_of(run.provenance.registry).items())),
            folder=str(output.folder.path.resolve()),
            token=uuid.uuid4().hex,
            checkpoint_seconds=output.checkpoint_seconds,
        )
        return cls(workers, run, job)

    def __enter__(self) -> Dispatch:
        file = orders_file(self.run.folder.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.job.token, encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        """From now on nobody waits: workers that see it stop at their next look."""
        orders_file(self.run.folder.path).unlink(missing_ok=True)

    def train(self) -> None:
        """Until all batches are trained or given up, or enough replicas are good."""
        self.run.observer.phase(f"Training with {self.workers.name}")
        left = self._left()
        while left and not self.run.enough():
            now = self._needed(left)
            self._complete([self._order(plan, batch) for plan, batch in now])
            left = left[len(now) :]

    def _left(self) -> list[tuple[Plan, Batch]]:
        """Whole batches with a replica that is not written, as their checkpoints are of them."""
        batches = [(plan, batch) for plan in self.run.plans for batch in plan.network.batches]
        left = [(p, b) for p, b in batches if not self.run.written.issuperset(b.numbers)]
        return sorted(left, key=lambda item: item[1].numbers)

    def _needed(self, left: Sequence[tuple[Plan, Batch]]) -> Sequence[tuple[Plan, Batch]]:
        """The first of ``left`` that are needed whatever becomes of them: as many as without help.

        So the replicas of a fit do not depend on how many workers it had.
        """
        good = self.run.provenance.runcard.replicas.good
        if good is None:
            return left
        missing = good - len(self.run.folder.selection(self.run.written).selected)
        replicas = accumulate(len(batch.numbers) for _, batch in left)
        return left[: 1 + sum(count < missing for count in replicas)]

    def _order(self, plan: Plan, batch: Batch) -> BatchOrder:
        position = plan.network.position
        return BatchOrder(self.job, position, batch.numbers, batch.slots, inputs=self.inputs)

    def _complete(self, orders: Iterable[BatchOrder]) -> None:
        """Until each of ``orders`` is carried out or given up."""
        under_way = {self.workers.submit(order): order for order in orders}
        while under_way:
            done, _ = wait(under_way, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
            self._show(under_way.values())
            for future in done:
                again = self._take(under_way.pop(future), future)
                if again is not None:
                    under_way[self.workers.submit(again)] = again

    def _take(self, order: BatchOrder, future: Future[Any]) -> BatchOrder | None:
        """Keeps what came back; gives the order to send next, if any."""
        match self.workers.answer(future):
            case Trained() as trained:
                self._keep(order, trained)
            case NeedsInputs():
                provenance = self.run.provenance
                if self.inputs is None:
                    self.inputs = packed_inputs(provenance.runcard, provenance.card_folder)
                return replace(order, inputs=self.inputs)
            case Refused(reason):
                raise ExecutionError(f"{reason} Then continue with --resume.")
            case Failed() as failed:
                return self._again(order, failed)
        return None

    def _keep(self, order: BatchOrder, trained: Trained) -> None:
        if trained.files is not None:
            unpack_replicas(trained.files, self.run.folder)
        for warning in trained.warnings:
            self._tell(warning)
        if trained.look is not None:
            self.run.observer.looks([trained.look])
        batches = self.known[trained.worker.name][2] if trained.worker.name in self.known else 0
        self.known[trained.worker.name] = (trained.worker, trained.timing, batches + 1)
        self.run.written.update(order.numbers)
        self._note()

    def _again(self, order: BatchOrder, failed: Failed) -> BatchOrder | None:
        """The next attempt, or none after the last."""
        where = f" on {failed.worker}" if failed.worker else ""
        last = failed.final or order.attempt == ATTEMPTS
        told = f"Training {order.name} failed{where}, attempt {order.attempt} of {ATTEMPTS}: "
        if not last:
            self._tell(f"{told}{failed.cause}. It is tried again.")
            return replace(order, attempt=order.attempt + 1)
        file = order.folder / "failure.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{failed.cause}\n\n{failed.details}\n", encoding="utf-8")
        self.failures[order.name] = failed.cause
        self._tell(
            f"{told}{failed.cause}. It is given up, and everything else kept. More in '{file}'; "
            "--resume tries again."
        )
        self._note()
        return None

    def _show(self, orders: Iterable[BatchOrder]) -> None:
        """How the batches under way do, as far as their workers note it where we see it."""
        while True:
            try:
                self._tell(self.workers.news.get_nowait())
            except Empty:
                break
        looks = [look for look in map(_look, orders) if look is not None]
        if looks:
            self.run.observer.looks(looks)

    def _tell(self, message: str) -> None:
        self.happened.append(message)
        self.run.observer.warning(message)

    def _note(self) -> None:
        """Brings ``run.json`` up to date."""
        known = list(self.known.values())
        timing = self.run.timing
        timing.first_step_s = known[0][1].first_step_s if known else 0.0
        timing.training_s = sum(each.training_s for _, each, _ in known)
        timing.replica_steps = sum(each.replica_steps for _, each, _ in known)
        self.run.execution = {
            "executor": self.workers.name,
            "workers": [{**asdict(worker), "batches": count} for worker, _, count in known],
            "happened": list(self.happened),
            "failures": dict(self.failures),
        }
        self.run.note()


def _look(order: BatchOrder) -> Look | None:
    try:
        found = json.loads((order.folder / "look.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Look(**{name: tuple(values) for name, values in found.items()})
