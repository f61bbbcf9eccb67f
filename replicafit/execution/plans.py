"""What training needs, put together for each architecture of a runcard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from replicafit.components import OptimizerType
from replicafit.data import FitData
from replicafit.forward.chi2 import Chi2, chi2_of
from replicafit.forward.fit_data import data_of
from replicafit.forward.penalties import Penalties, build_penalties, with_penalty_grids
from replicafit.forward.planning import SLOTS, Batch, NetworkPlan, plan_networks
from replicafit.plugins import Registry
from replicafit.results.earlier_fit import networks_to_start_from
from replicafit.results.evaluation import Evaluation
from replicafit.runcard import Runcard
from replicafit.training.backend import seam
from replicafit.training.batches import PreparedBatch, prepare_batch
from replicafit.training.engine import Engine, Schedule, network_functions
from replicafit.training.optimizers import Optimizer

STEPS_PER_CALL = 500
"""About how many steps pass before Python looks in."""


@dataclass(frozen=True)
class Capacity:
    """What there is to train on.

    Attributes:
        memory: bytes a batch may take on a GPU; None on a CPU.
        workers: how many batches train at once, each on a device of its own.
    """

    memory: int | None
    workers: int = 1

    def most_slots(self, replicas: int) -> int:
        """Of a batch in a fit of ``replicas``: on GPUs as many as give each of them work."""
        return SLOTS if self.memory is None else -(-replicas // self.workers)


def capacity_here() -> Capacity:
    """Of this process."""
    return Capacity(seam().accelerator_memory())


@dataclass(frozen=True, eq=False)
class Plan:
    """What all batches of one architecture share."""

    network: NetworkPlan
    runcard: Runcard
    registry: Registry
    data: FitData
    chi2: Chi2
    penalties: Penalties
    optimizer: Optimizer
    schedule: Schedule
    start: Mapping[int, Path]

    def left(self, done: Collection[int]) -> list[Batch]:
        """The batches without the replicas that are ``done``."""
        return [part for part in (b.without(done) for b in self.network.batches) if part.numbers]

    def together(self, numbers: Sequence[int]) -> list[Batch]:
        """One batch with those of ``numbers`` that are of this architecture, if any are."""
        own = {number for batch in self.network.batches for number in batch.numbers}
        chosen = tuple(number for number in numbers if number in own)
        return [Batch(chosen, self.network.slots)] if chosen else []

    @cached_property
    def evaluation(self) -> Evaluation:
        """How its replicas are judged."""
        return Evaluation(
            self.data,
            self.registry,
            self.runcard.seed,
            architecture=self.network.position,
            verdicts=self.penalties.verdicts,
        )

    def prepare(self, batch: Batch) -> PreparedBatch:
        """Everything of the replicas of ``batch``, on the host."""
        return prepare_batch(
            batch, self.runcard, self.registry, self.data, self.chi2, self.optimizer, self.start
        )


def make_plans(
    runcard: Runcard,
    registry: Registry,
    card_folder: Path,
    numbers: Sequence[int],
    capacity: Callable[[], Capacity] = capacity_here,
) -> tuple[Plan, ...]:
    """Data, chi2, optimizer and batches of the replicas ``numbers``, for each architecture.

    Args:
        capacity: what there is to train on; asked for once the data are read.
    """
    data = data_of(runcard, registry, card_folder)
    data = with_penalty_grids(data, runcard, registry, card_folder)
    found = capacity()
    most = found.most_slots(min(len(numbers), runcard.replicas.wanted))
    networks = plan_networks(runcard, registry, data, numbers, found.memory, most)
    return tuple(_plan(network, registry, card_folder, data) for network in networks)


def _plan(network: NetworkPlan, registry: Registry, card_folder: Path, data: FitData) -> Plan:
    runcard = network.runcard
    training = runcard.training
    numbers = [number for batch in network.batches for number in batch.numbers]
    return Plan(
        network=network,
        runcard=runcard,
        registry=registry,
        data=data,
        chi2=chi2_of(network.forms, runcard.precision),
        penalties=build_penalties(data, runcard, registry, card_folder),
        optimizer=registry.get(OptimizerType, training.optimizer.type).call(
            "build", training.optimizer, when="when it was built"
        ),
        schedule=Schedule(
            max_steps=training.max_steps,
            check_every=training.check_every,
            patience=training.patience,
            checks_per_call=max(1, STEPS_PER_CALL // training.check_every),
        ),
        start=networks_to_start_from(runcard.model.start_from, card_folder, numbers),
    )


def make_engine(plan: Plan, prepared: PreparedBatch) -> Engine:
    """The engine for all batches of ``plan``; any of them shows it the shapes."""
    return Engine(
        functions=network_functions(prepared.model.network, plan.data.x_grid),
        chi2=plan.chi2,
        penalties=plan.penalties,
        optimizer=plan.optimizer,
        schedule=plan.schedule,
        constraints=tuple(v.constraint for v in prepared.model.network.trainable_variables),
    )


def prepared_batches(work: Sequence[tuple[Plan, Batch]]) -> Iterator[tuple[Plan, PreparedBatch]]:
    """Batches ready to train; the next is prepared while one trains."""
    with ThreadPoolExecutor(max_workers=1) as helper:
        coming = [helper.submit(plan.prepare, batch) for plan, batch in work[:1]]
        for (plan, _), following in zip(work, (*work[1:], None)[: len(work)], strict=True):
            ready = coming.pop().result()
            if following is not None:
                coming.append(helper.submit(following[0].prepare, following[1]))
            yield plan, ready
