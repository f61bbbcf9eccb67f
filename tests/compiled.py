"""A compiled engine for toy data."""

from __future__ import annotations

from pathlib import Path

from toy import TOY_CARD

from replicafit.execution.plans import make_engine, make_plans
from replicafit.forward.planning import Batch
from replicafit.runcard import load_runcard
from replicafit.training.backend import seam
from replicafit.training.loop import train


class Setup:
    """A plan and its compiled engine for batches of ``slots``."""

    def __init__(self, folder: Path, registry, slots: int, text: str = TOY_CARD, **training):
        card = folder / f"card_{slots}.yml"
        card.write_text(text)
        runcard = load_runcard(card, registry)
        update = {"training": runcard.training.model_copy(update=training)}
        runcard = runcard.model_copy(update=update)
        seam().prepare(runcard.precision)
        (self.plan,) = make_plans(runcard, registry, folder, tuple(range(1, slots + 1)))
        self.slots = slots
        self.advance = make_engine(self.plan, self.prepare(range(1, slots + 1))).compiled()

    def prepare(self, numbers):
        return self.plan.prepare(Batch(tuple(numbers), self.slots))

    def train(self, prepared):
        *_, last = train(self.advance, prepared.state, prepared.constants, self.plan.schedule)
        return last
