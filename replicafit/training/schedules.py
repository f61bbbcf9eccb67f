"""Learning-rate schedules: factors on the learning rate, from each replica's own step count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from replicafit.components.builtin.optimizers import (
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    WarmUp,
)

Factor = Callable[[Any], Any]
"""Steps taken before this one, a float (r,), to the factor (r,)."""


def rate_factor(schedule: ConstantRate | CosineDecay | ExponentialDecay) -> Factor:
    """The factor of ``schedule``: a linear rise from 0 while it warms up, then its decay.

    As in Keras, the first step of a warm-up has the factor 0.
    """
    decay = _decay(schedule)
    return lambda steps: _rise(schedule, steps) * decay(_after_warm_up(schedule, steps))


def _rise(schedule: WarmUp, steps: Any) -> Any:
    if not schedule.warmup_steps:
        return 1.0
    return ops.minimum(steps / schedule.warmup_steps, 1.0)


def _after_warm_up(schedule: WarmUp, steps: Any) -> Any:
    return ops.maximum(steps - schedule.warmup_steps, 0.0)


def _decay(schedule: ConstantRate | CosineDecay | ExponentialDecay) -> Factor:
    """The factor as a function of the steps since the warm-up; 1 at none."""
    match schedule:
        case CosineDecay(decay_steps=length, final_fraction=final):

            def cosine(steps: Any) -> Any:
                """arXiv:1608.03983, eq. 5, without restarts."""
                angle = ops.minimum(steps / length, 1.0) * math.pi
                half = 0.5 * ops.cast(ops.cos(angle), steps.dtype)  # in float32 with Keras on JAX
                return final + (1 - final) * (0.5 + half)

            return cosine
        case ExponentialDecay(decay_steps=length, decay_rate=rate):
            return lambda steps: ops.exp(steps * (math.log(rate) / length))
    return ops.ones_like
