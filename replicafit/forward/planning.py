"""What will be trained, in which batches, with how much memory: known before Keras is imported."""

from __future__ import annotations

import os
import timeit
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from replicafit.components import LayerType
from replicafit.data import FitData
from replicafit.errors import ModelError, TrainingError
from replicafit.forward.forms import FormPlan, plan_forms
from replicafit.forward.tables import contracted
from replicafit.runcard import Setup
from replicafit.runcard.models import flavours_along
from replicafit.seeds import Seeds

COPIES_OF_WEIGHTS = 8
"""Weights, best weights, gradients, up to three moments, and what an update makes of them."""

COPIES_OF_FEATURES = 4
"""What the layers put out, their gradients, and what the compiler keeps of both."""

COPIES_OF_PRODUCTS = 2
"""Products of functions for tables of such, and their gradients."""

SHARE_OF_MEMORY = 0.8
"""Of the machine's memory, for what trains."""


@dataclass(frozen=True)
class Memory:
    """Bytes on the device.

    Attributes:
        shared: of all slots together, however many there are.
        per_slot: of each slot.
    """

    shared: int
    per_slot: int

    def of(self, slots: int) -> int:
        """Of ``slots`` slots."""
        return self.shared + slots * self.per_slot


@dataclass(frozen=True)
class Machine:
    """How fast one core is.

    Attributes:
        bandwidth: bytes read from memory per second.
        flops: float32 operations of a matrix product per second.
    """

    bandwidth: float
    flops: float


@dataclass(frozen=True)
class NetworkPlan:
    """All replicas that share one architecture.

    Attributes:
        setup: with this architecture as its model.
        position: of the architecture in ``model.choice``, from 1; None without a choice.
        numbers: the replica numbers.
        forms: how chi2 is computed.
        memory: what slots take.
        parameters: trained parameters of each replica.
        grid_points: where the network is evaluated in each step.
        unknown: layers whose size only a fit can tell, so that parameters and memory leave them
            out.
    """

    setup: Setup
    position: int | None
    numbers: tuple[int, ...]
    forms: FormPlan
    memory: Memory
    parameters: int
    grid_points: int
    unknown: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        """Replicas in one compiled call: a setting of the runcard, as it decides last bits."""
        return self.setup.runcard.training.slots

    @property
    def batches(self) -> tuple[tuple[int, ...], ...]:
        """The replica numbers in parts of as many as there are slots; the last may be smaller."""
        starts = range(0, len(self.numbers), self.slots)
        return tuple(self.numbers[i : i + self.slots] for i in starts)

    def describe(self) -> dict[str, Any]:
        """For people and for ``run.json``."""
        parts = zip(self.forms.forms, self.forms.datasets, strict=True)
        return {
            "architecture": self.position,
            "parameters": self.parameters,
            "grid_points": self.grid_points,
            "slots": self.slots,
            "batches": len(self.batches),
            "memory_per_batch_mb": round(self.memory.of(self.slots) / 1e6, 1),
            "chi2": [{"datasets": list(names), **form.describe()} for form, names in parts],
        }

    def seconds_per_step(self, machine: Machine, slots: int | None = None) -> float:
        """At least, for a whole batch: tables read forward and backward, and all products.

        Products of functions are written and read in each direction.

        Args:
            slots: in place of the runcard's.
        """
        size, slots = self.forms.size, slots or self.slots
        moved = 2 * _item_size(self.setup) * (slots * (size.own + 2 * size.made) + size.shared)
        products = 6 * self.grid_points * self.parameters + 4 * (size.own + size.shared)
        return moved / machine.bandwidth + slots * products / machine.flops


def plan_networks(
    setup: Setup, data: FitData, numbers: Sequence[int], memory: int | None = None
) -> tuple[NetworkPlan, ...]:
    """A plan for each architecture that one of the replicas ``numbers`` has.

    Args:
        memory: bytes that the slots may take; a share of the machine's if not given.

    Raises:
        TrainingError: the slots do not fit into the memory.
    """
    runcard, registry, seeds = setup.runcard, setup.registry, Seeds(setup.runcard.seed)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = int(SHARE_OF_MEMORY * machine) if memory is None else memory

    @cache
    def forms(flavours: tuple[str, ...]) -> FormPlan:
        split = runcard.data.training_fraction < 1
        return plan_forms(data, registry, flavours, split, runcard.precision)

    networks = [network.of(data.flavours) for network in runcard.model.networks]
    if data.held_out is not None:  # what it lacks must not be found after training
        for network in networks:
            contracted(data.held_out, registry, flavours_along(network, registry)[-1])
    drawn = {k: seeds.generator(k, "architecture").integers(len(networks)) for k in numbers}
    plans = []
    for i, network in enumerate(networks):
        if chosen := tuple(k for k, own in drawn.items() if own == i):
            form = forms(flavours_along(network, registry)[-1])
            position = i + 1 if len(networks) > 1 else None
            plan = _network_plan(setup.with_network(network), position, chosen, data, form)
            _refuse_too_many_slots(plan, limit)
            plans.append(plan)
    return tuple(plans)


def measured_machine(tries: int = 30) -> Machine:
    """What one core reaches here: the fastest of some tries, about a second in all by default."""
    block, matrix = np.ones(2**24, np.float32), np.ones((512, 512), np.float32)
    reading = min(timeit.repeat(lambda: np.add.reduce(block), number=1, repeat=tries))
    product = min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=tries))
    return Machine(bandwidth=block.nbytes / reading, flops=2 * 512**3 / product)


def refuse_other_width(found: int, flavours: Sequence[str]) -> None:
    """Refuses a network that puts out ``found`` functions, other than ``flavours``.

    Raises:
        ModelError: it does.
    """
    if found != len(flavours):
        raise ModelError(
            f"The network puts out {found} functions, but model.flavours names "
            f"{len(flavours)} ({', '.join(flavours)}). Give the last multi_dense layer "
            f"units: {len(flavours)}, or change model.flavours."
        )


def _network_plan(
    setup: Setup, position: int | None, numbers: tuple[int, ...], data: FitData, forms: FormPlan
) -> NetworkPlan:
    features, parameters, evaluated, points = len(data.inputs), 0, 0, len(data.x_grid)
    unknown: list[str] = []
    for place, item in enumerate(setup.runcard.model.layers):
        kind = setup.registry.get(LayerType, item.type)
        with kind.at_fault("when asked for its size"):
            found = kind.size(item, features) if kind.size else None
            features, more = found or (features, 0)
            parameters, evaluated = parameters + more, evaluated + features
            points += len(np.asarray(kind.extra_grid(item), float)) if kind.extra_grid else 0
        if found is None:
            unknown.append(f"layer {place} ({getattr(item, 'layer', kind.name)})")
    if not unknown:
        refuse_other_width(features, flavours_along(setup.runcard.model, setup.registry)[-1])
        if not parameters:
            raise ModelError(
                "No layer of the runcard makes replicas: none has weights to train. Add a "
                "multi_dense layer."
            )
    own = 2 * forms.size.own + COPIES_OF_WEIGHTS * parameters
    own += COPIES_OF_FEATURES * points * evaluated + COPIES_OF_PRODUCTS * forms.size.made
    size = _item_size(setup)
    memory = Memory(size * forms.size.shared, size * own)
    return NetworkPlan(setup, position, numbers, forms, memory, parameters, points, tuple(unknown))


def _item_size(setup: Setup) -> int:
    return int(np.dtype(setup.runcard.precision).itemsize)


def _refuse_too_many_slots(plan: NetworkPlan, limit: int) -> None:
    memory, slots = plan.memory, plan.slots
    if memory.of(slots) <= limit:
        return
    fitting = (limit - memory.shared) // memory.per_slot
    remedy = "Fit fewer data, or use a machine with more memory."
    if fitting >= 1:
        remedy = (
            f"Give training.slots: {fitting} or fewer, which is another fit to rounding, or use a "
            "machine with more memory."
        )
    count = f"{slots} replicas take" if slots > 1 else "One replica takes"
    raise TrainingError(
        f"{count} {memory.of(slots) / 1e6:.1f} MB together (training.slots: {slots}), more than "
        f"the {limit / 1e6:.1f} MB that they may take here. {remedy}"
    )
