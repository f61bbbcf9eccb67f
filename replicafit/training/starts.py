"""Where replicas start: initial weights that all layers find sound, and others for the stuck.

Some layers divide by an integral of what the network gives, as sum rules do: from an unlucky draw
of initial weights a replica may never find its way. Such layers say how soundly each replica stands
(``soundness``, see ``LayerType``), and an unsound replica draws again, from its own stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from keras import ops

from replicafit.components.inputs import UNIT, Input
from replicafit.runcard import Setup
from replicafit.training.model import ReplicaModel, build_model

AT_ONCE = 4
"""Draws of each replica that are looked at together."""

MOST_DRAWS = 64
"""After so many the soundest is taken: a network may be unable to be sound."""


@dataclass(frozen=True, eq=False)
class Start:
    """Initial weights of one replica.

    Attributes:
        draw: which draw they are, from 0.
        weights: the trained ones, each without the replica axis.
        soundness: the least that a layer says of them; sound from 1 on.
    """

    draw: int
    weights: tuple[np.ndarray, ...]
    soundness: float


@dataclass(frozen=True, eq=False)
class Starts:
    """Draws initial weights; those of a replica depend on its number alone.

    Attributes:
        setup: what is fitted.
        x_grid, inputs: as for ``build_model``.
    """

    setup: Setup
    x_grid: np.ndarray
    inputs: tuple[Input, ...] = UNIT

    def first(self, model: ReplicaModel) -> list[Start]:
        """The first sound start of each replica of ``model``, which has just been built."""
        own = starts_of(model)
        unsound = {n: 1 for n, one in zip(model.numbers, own, strict=True) if one.soundness < 1}
        others = self.sound(unsound)
        return [others.get(n, one) for n, one in zip(model.numbers, own, strict=True)]

    def another(self, number: int, draw: int) -> Start:
        """The next sound start of replica ``number`` after ``draw``."""
        return self.sound({number: draw + 1})[number]

    def sound(self, since: Mapping[int, int]) -> dict[int, Start]:
        """For each replica number its first sound start, from the draw ``since`` on."""
        found: dict[int, Start] = {}
        for past in range(0, MOST_DRAWS, AT_ONCE):
            left = [n for n in since if n not in found or found[n].soundness < 1]
            if not left:
                break
            numbers = [n for n in left for _ in range(AT_ONCE)]
            draws = [since[n] + past + i for n in left for i in range(AT_ONCE)]
            model = build_model(self.setup, numbers, self.x_grid, inputs=self.inputs, draws=draws)
            for number, start in zip(numbers, starts_of(model, draws), strict=True):
                best = found.get(number)
                if best is None or best.soundness < min(start.soundness, 1):
                    found[number] = start
        return found


def starts_of(model: ReplicaModel, draws: Sequence[int] = ()) -> list[Start]:
    """What the slots of ``model`` begin with, each of the draw given, or of the first."""
    weights = [ops.convert_to_numpy(v) for v in model.network.trainable_variables]
    soundness = np.nan_to_num(model.soundness(), nan=-np.inf).tolist()
    return [
        Start(draw, tuple(w[slot] for w in weights), soundness[slot])
        for slot, draw in enumerate(draws or (0,) * len(model.numbers))
    ]
