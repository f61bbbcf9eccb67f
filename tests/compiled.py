"""A compiled engine for toy data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from toy import TOY_CARD

from replicafit.execution.plans import make_engine, make_plans
from replicafit.forward.assembly import load_data
from replicafit.runcard import load_setup
from replicafit.training.loop import train
from replicafit.training.slots import Line, Slots, replicas_of


class Compiled:
    """A plan and its compiled engine for batches of ``slots``."""

    def __init__(self, folder: Path, registry, slots: int, text: str = TOY_CARD, **training):
        card = folder / f"card_{slots}.yml"
        card.write_text(text)
        setup = load_setup(card, registry=registry)
        settings = setup.runcard.training.model_copy(update={**training, "slots": slots})
        setup = replace(setup, runcard=setup.runcard.model_copy(update={"training": settings}))
        (plan,) = make_plans(setup, load_data(setup), tuple(range(1, slots + 1)))
        self.plan = replace(plan, slots=slots)  # without those that a backend adds
        self.slots = slots
        self.advance = make_engine(self.plan, self.plan.model).compiled()

    def prepare(self, numbers):
        return self.plan.prepare(tuple(numbers))

    def train(self, prepared):
        slots = filled(prepared, self.slots)
        *_, last = train(self.advance, slots.snapshot.state, slots.constants, self.plan.schedule)
        return last


def filled(prepared, count: int) -> Slots:
    """The replicas of a batch in the first of ``count`` slots."""
    replicas = list(replicas_of([prepared]))
    return Slots.empty(replicas[0], count).refilled(Line(iter(replicas)))
