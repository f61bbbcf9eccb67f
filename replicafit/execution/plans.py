"""What training needs, put together for each architecture of a runcard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from replicafit.components import OptimizerType
from replicafit.data import FitData
from replicafit.data.fit_data import all_grids
from replicafit.forward.chi2 import Chi2, chi2_of
from replicafit.forward.penalties import Penalties, build_penalties
from replicafit.forward.planning import NetworkPlan, plan_networks
from replicafit.plugins import Registry
from replicafit.results.evaluation import Evaluation
from replicafit.results.folder import FitFolder
from replicafit.runcard import Setup
from replicafit.runcard.models import StartFrom
from replicafit.training.backend import backend
from replicafit.training.batches import PreparedBatch, prepare_batch
from replicafit.training.engine import Engine, Schedule, network_functions
from replicafit.training.model import ReplicaModel, build_model
from replicafit.training.optimizers import Element, Optimizer

STEPS_PER_CALL = 500
"""About how many steps pass before Python looks in."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What all replicas of one architecture share.

    Attributes:
        network: the plan made before Keras was imported.
        slots: replicas in one compiled call, those of the runcard or a few more, as the backend
            needs them for each slot to compute with the same bits.
        setup: with this architecture as its model.
        data: of the fit.
        chi2: the figure of merit.
        penalties: what is added to it.
        optimizer: the update rule.
        schedule: when to check and stop.
        start: the networks to start from, by replica number.
    """

    network: NetworkPlan
    slots: int
    setup: Setup
    data: FitData
    chi2: Chi2
    penalties: Penalties
    optimizer: Optimizer
    schedule: Schedule
    start: Mapping[int, Path]

    @property
    def restart_above(self) -> float | None:
        """chi2 per datum from which on a replica is stuck; see ``training.restart_above``."""
        above: float | None = self.setup.runcard.training.restart_above
        return above

    @cached_property
    def model(self) -> ReplicaModel:
        """The network of as many replicas as there are slots: of it the engine is compiled."""
        first = self.network.batches[0]
        padded = (*first, *first[:1] * (self.slots - len(first)))
        grids = all_grids(self.data.datasets)
        return build_model(self.setup, padded, grids, self.start, self.data.inputs)

    @cached_property
    def evaluation(self) -> Evaluation:
        """How its replicas are judged."""
        grids, one = all_grids(self.data.datasets), self.network.numbers[:1]
        return Evaluation(
            self.setup,
            self.data,
            build_model(self.setup, one, grids, self.start, self.data.inputs),
            architecture=self.network.position,
            verdicts=self.penalties.verdicts,
        )

    @cached_property
    def engine(self) -> Callable[..., Any]:
        """Compiled at its first call."""
        return make_engine(self, self.model).compiled()

    def prepare(self, numbers: Sequence[int]) -> PreparedBatch:
        """Everything of the replicas ``numbers``, on the host."""
        return prepare_batch(
            self.setup, tuple(numbers), self.data, self.chi2, self.optimizer, self.start
        )


def make_plans(
    setup: Setup, data: FitData, numbers: Sequence[int], memory: int | None = None
) -> tuple[Plan, ...]:
    """Chi2, penalties, optimizer and schedule of the replicas ``numbers``, for each architecture.

    Args:
        memory: bytes on the device; asked of the backend if not given.
    """
    backend().prepare(setup.runcard.precision)
    memory = backend().accelerator_memory() if memory is None else memory
    return tuple(_plan(network, data) for network in plan_networks(setup, data, numbers, memory))


def networks_to_start_from(
    start: StartFrom | None, folder: Path, numbers: Sequence[int]
) -> dict[int, Path]:
    """For each of ``numbers`` the file of the network that it starts from; nothing without a start.

    Args:
        start: ``model.start_from`` of the runcard.
        folder: the runcard's.
        numbers: the replica numbers of the fit.

    Raises:
        OutputError: a network is not there.
    """
    if start is None:
        return {}
    earlier, chosen = FitFolder(folder / start.fit), {n: start.replica or n for n in numbers}
    for theirs in chosen.values():
        earlier.result(theirs)
    return {n: earlier.exported(theirs, "network.keras") for n, theirs in chosen.items()}


def _plan(network: NetworkPlan, data: FitData) -> Plan:
    setup, training = network.setup, network.setup.runcard.training
    return Plan(
        network=network,
        slots=backend().padded(network.slots),
        setup=setup,
        data=data,
        chi2=chi2_of(network.forms, setup.runcard.precision),
        penalties=build_penalties(setup, data),
        optimizer=_optimizer(setup.registry, training.optimizer),
        schedule=Schedule(
            max_steps=training.max_steps,
            check_every=training.check_every,
            patience=training.patience,
            checks_per_call=max(1, STEPS_PER_CALL // training.check_every),
        ),
        start=networks_to_start_from(setup.runcard.model.start_from, setup.folder, network.numbers),
    )


def _optimizer(registry: Registry, settings: Any) -> Optimizer:
    """The optimizer of a plugin; whatever fails in its rule has the plugin's name."""
    kind = registry.get(OptimizerType, settings.type)
    optimizer: Optimizer = kind.call("build", settings, when="when it was built", gives=Optimizer)

    def rule(element: Element) -> tuple[Any, tuple[Any, ...]]:
        with kind.at_fault("when it computed a step"):
            weight, memory = optimizer.rule(element)
            if len(memory) != len(optimizer.memory):
                wanted = f"{len(optimizer.memory)} arrays of a weight"
                raise ValueError(f"its rule keeps {len(memory)}, not {wanted}")
            return weight, tuple(memory)

    return replace(optimizer, rule=rule)


def make_engine(plan: Plan, model: ReplicaModel) -> Engine:
    """The engine for replicas of ``plan``, as many as ``model`` has."""
    return Engine(
        functions=network_functions(model.network, plan.data.x_grid),
        chi2=plan.chi2,
        penalties=plan.penalties,
        optimizer=plan.optimizer,
        schedule=plan.schedule,
        constraints=tuple(v.constraint for v in model.network.trainable_variables),
    )
