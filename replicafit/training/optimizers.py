"""Optimizers as small pure functions, with step counts and hyperparameters per replica.

Each rule acts element by element; nothing mixes replicas. Tests compare every rule with
``keras.optimizers`` on one replica alone, and epsilon stands where Keras has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from replicafit.components.builtin.optimizers import (
    AdadeltaSettings,
    AdagradSettings,
    AdamaxSettings,
    AdamSettings,
    AdamwSettings,
    AmsgradSettings,
    ConstantRate,
    CosineDecay,
    Draw,
    ExponentialDecay,
    LionSettings,
    NadamSettings,
    OptimizerSettings,
    RmspropSettings,
    SgdSettings,
)

Hyper = Mapping[str, Any]
"""Hyperparameters by name, each (r,) or, for one weight, (r, 1, ...)."""

Factor = Callable[[Any], Any]
"""Steps taken before this one, a float (r,), to a factor on the learning rate, (r,)."""


class Element(NamedTuple):
    """What a rule sees of one weight, all of the shape (r, ...) or broadcast to it.

    Attributes:
        weight, gradient: (r, ...).
        memory: the rule's own arrays, each like the weight.
        step: how many steps this replica has taken, this one included; a float.
        hyper: hyperparameters.
        scalars: the rule's own numbers per replica.
    """

    weight: Any
    gradient: Any
    memory: tuple[Any, ...]
    step: Any
    hyper: Hyper
    scalars: tuple[Any, ...]


Rule = Callable[[Element], tuple[Any, tuple[Any, ...]]]
"""``Element -> (new weight, new memory)``."""


@dataclass(frozen=True)
class Optimizer:
    """One optimizer.

    Attributes:
        rule: how a weight and its memory change in a step.
        hyper: its hyperparameters: numbers, or how each replica draws its own.
        rate_factor: steps taken before this one (r,) to a factor on the learning rate (r,).
        memory: start values of the arrays it keeps for each weight.
        scalars: start values of the numbers it keeps for each replica.
        next_scalars: ``(hyper, step, scalars) -> scalars``, once a step, all (r,).
    """

    rule: Rule
    hyper: Mapping[str, float | Draw]
    rate_factor: Factor = ops.ones_like
    memory: tuple[float, ...] = ()
    scalars: tuple[float, ...] = ()
    next_scalars: Callable[[Hyper, Any, tuple[Any, ...]], tuple[Any, ...]] = (
        lambda hyper, step, scalars: scalars
    )

    def update(
        self,
        weights: tuple[Any, ...],
        gradients: tuple[Any, ...],
        memory: tuple[tuple[Any, ...], ...],
        scalars: tuple[Any, ...],
        step: Any,
        hyper: Hyper,
    ) -> tuple[tuple[Any, ...], tuple[tuple[Any, ...], ...], tuple[Any, ...]]:
        """One step of every replica: new weights, memory and scalars."""
        hyper = {**hyper, "learning_rate": hyper["learning_rate"] * self.rate_factor(step - 1)}
        scalars = self.next_scalars(hyper, step, scalars)
        shrunk, clipped = decay(weights, hyper), clip(gradients, hyper)
        results = []
        for w, g, m in zip(shrunk, clipped, memory, strict=True):
            own_hyper = {name: per_replica(vector, w) for name, vector in hyper.items()}
            own_scalars = tuple(per_replica(vector, w) for vector in scalars)
            own_step = per_replica(step, w)
            results.append(self.rule(Element(w, g, m, own_step, own_hyper, own_scalars)))
        return tuple(w for w, _ in results), tuple(m for _, m in results), scalars


def optimizer(settings: OptimizerSettings, rule: Rule, **keeps: Any) -> Optimizer:
    """``rule`` with the hyperparameters and the schedule of ``settings``.

    Args:
        keeps: ``memory``, ``scalars`` and ``next_scalars`` of the ``Optimizer``.
    """
    hyper = {name: value for name, value in settings if isinstance(value, float | Draw)}
    return Optimizer(rule, hyper, rate_factor(settings.schedule), **keeps)


def per_replica(vector: Any, like: Any) -> Any:
    """A vector (r,) with axes of length 1 appended, to broadcast against ``like`` (r, ...)."""
    return ops.reshape(vector, (-1,) + (1,) * (len(like.shape) - 1))


def decay(weights: tuple[Any, ...], hyper: Hyper) -> tuple[Any, ...]:
    """Weights after the decay that comes before a step, arXiv:1711.05101."""
    if "weight_decay" not in hyper:
        return weights
    rate = hyper["weight_decay"] * hyper["learning_rate"]
    return tuple(w - w * per_replica(rate, w) for w in weights)


def clip(gradients: tuple[Any, ...], hyper: Hyper) -> tuple[Any, ...]:
    """Gradients no longer than the hyperparameters allow, for each replica alone.

    ``clipnorm`` bounds the norm of each variable of a replica, ``global_clipnorm`` that of all its
    variables together, as in Keras on a single network; ``clipvalue`` bounds each element.
    """
    if "clipnorm" in hyper:
        return tuple(_shortened(g, _square(g), hyper["clipnorm"]) for g in gradients)
    if "global_clipnorm" in hyper:
        square = sum(_square(g) for g in gradients)
        return tuple(_shortened(g, square, hyper["global_clipnorm"]) for g in gradients)
    if "clipvalue" in hyper:
        bounds = [per_replica(hyper["clipvalue"], g) for g in gradients]
        pairs = zip(gradients, bounds, strict=True)
        return tuple(ops.maximum(ops.minimum(g, most), -most) for g, most in pairs)
    return gradients


def _square(gradient: Any) -> Any:
    """Squared norm per replica, (r,)."""
    return ops.sum(gradient * gradient, axis=tuple(range(1, len(gradient.shape))))


def _shortened(gradient: Any, square: Any, longest: Any) -> Any:
    return gradient * per_replica(longest / ops.maximum(ops.sqrt(square), longest), gradient)


def rate_factor(schedule: ConstantRate | CosineDecay | ExponentialDecay) -> Factor:
    """The factor of ``schedule``: a linear rise from 0 while it warms up, then its decay.

    As in Keras, the first step of a warm-up has the factor 0.
    """
    decay, rise = _decay(schedule), schedule.warmup_steps

    def factor(steps: Any) -> Any:
        so_far = ops.minimum(steps / rise, 1.0) if rise else 1.0
        return so_far * decay(ops.maximum(steps - rise, 0.0))

    return factor


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


def sgd(settings: SgdSettings) -> Optimizer:
    """Gradient descent with momentum (Polyak 1964; Sutskever et al., PMLR 28 (2013) 1139)."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        push = e.gradient * e.hyper["learning_rate"]
        velocity = e.memory[0] * e.hyper["momentum"] - push
        move = velocity * e.hyper["momentum"] - push if settings.nesterov else velocity
        return e.weight + move, (velocity,)

    return optimizer(settings, rule, memory=(0.0,))


def adam(settings: AdamSettings | AdamwSettings) -> Optimizer:
    """Adam (Kingma & Ba, arXiv:1412.6980, the form before section 2.1)."""
    return amsgrad(settings) if settings.amsgrad else optimizer(settings, _adam, memory=(0.0,) * 2)


def adamw(settings: AdamwSettings) -> Optimizer:
    """AdamW (Loshchilov & Hutter, arXiv:1711.05101): Adam, of settings with a weight decay."""
    return adam(settings)


def amsgrad(settings: AdamSettings | AdamwSettings | AmsgradSettings) -> Optimizer:
    """AMSGrad (Reddi, Kale & Kumar, arXiv:1904.09237, algorithm 2)."""
    return optimizer(settings, _adam, memory=(0.0,) * 3)


def _adam(e: Element) -> tuple[Any, tuple[Any, ...]]:
    """Adam; with a third array in memory, which holds the largest size so far, AMSGrad."""
    m, v = _moments(e)
    largest = tuple(ops.maximum(so_far, v) for so_far in e.memory[2:])
    rate = e.hyper["learning_rate"] * ops.sqrt(1 - e.hyper["beta_2"] ** e.step)
    rate = rate / (1 - e.hyper["beta_1"] ** e.step)
    size = ops.sqrt(largest[0] if largest else v)
    return e.weight - m * rate / (size + e.hyper["epsilon"]), (m, v, *largest)


def nadam(settings: NadamSettings) -> Optimizer:
    """Nadam (Dozat, ICLR workshop 2016, algorithm 2) with its momentum schedule."""

    def momentum(beta_1: Any, step: Any) -> Any:
        return beta_1 * (1 - 0.5 * 0.96**step)

    def next_scalars(hyper: Hyper, step: Any, scalars: tuple[Any, ...]) -> tuple[Any, ...]:
        return (scalars[0] * momentum(hyper["beta_1"], step),)

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        m, v = _moments(e)
        now = momentum(e.hyper["beta_1"], e.step)
        following = momentum(e.hyper["beta_1"], e.step + 1)
        product = e.scalars[0]
        ahead = following / (1 - product * following) * m + (1 - now) / (1 - product) * e.gradient
        size = ops.sqrt(v / (1 - e.hyper["beta_2"] ** e.step)) + e.hyper["epsilon"]
        return e.weight - e.hyper["learning_rate"] * ahead / size, (m, v)

    return optimizer(settings, rule, memory=(0.0, 0.0), scalars=(1.0,), next_scalars=next_scalars)


def adamax(settings: AdamaxSettings) -> Optimizer:
    """Adamax (Kingma & Ba, arXiv:1412.6980, algorithm 2)."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        m = _mean(e.memory[0], e.gradient, e.hyper["beta_1"])
        u = ops.maximum(e.memory[1] * e.hyper["beta_2"], ops.abs(e.gradient))
        rate = e.hyper["learning_rate"] / (1 - e.hyper["beta_1"] ** e.step)
        return e.weight - m * rate / (u + e.hyper["epsilon"]), (m, u)

    return optimizer(settings, rule, memory=(0.0, 0.0))


def rmsprop(settings: RmspropSettings) -> Optimizer:
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5); centred as in Graves, arXiv:1308.0850."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        velocity, square, *mean = e.memory
        square = _mean(square, e.gradient * e.gradient, e.hyper["rho"])
        mean = [_mean(m, e.gradient, e.hyper["rho"]) for m in mean]
        size = ops.sqrt(square - sum(m * m for m in mean) + e.hyper["epsilon"])
        velocity = velocity * e.hyper["momentum"] + e.hyper["learning_rate"] * e.gradient / size
        return e.weight - velocity, (velocity, square, *mean)

    return optimizer(settings, rule, memory=(0.0,) * (3 if settings.centered else 2))


def adagrad(settings: AdagradSettings) -> Optimizer:
    """Adagrad (Duchi, Hazan & Singer, JMLR 12 (2011) 2121)."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        total = e.memory[0] + e.gradient * e.gradient
        start = e.hyper["initial_accumulator_value"]  # added here: each replica has its own
        size = ops.sqrt(total + start + e.hyper["epsilon"])
        return e.weight - e.hyper["learning_rate"] * e.gradient / size, (total,)

    return optimizer(settings, rule, memory=(0.0,))


def adadelta(settings: AdadeltaSettings) -> Optimizer:
    """Adadelta (Zeiler, arXiv:1212.5701, algorithm 1), times the learning rate."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        squares, moves = e.memory
        squares = _mean(squares, e.gradient * e.gradient, e.hyper["rho"])
        move = ops.sqrt(moves + e.hyper["epsilon"]) / ops.sqrt(squares + e.hyper["epsilon"])
        move = move * e.gradient
        moves = _mean(moves, move * move, e.hyper["rho"])
        return e.weight - e.hyper["learning_rate"] * move, (squares, moves)

    return optimizer(settings, rule, memory=(0.0, 0.0))


def lion(settings: LionSettings) -> Optimizer:
    """Lion (Chen et al., arXiv:2302.06675, algorithm 2)."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        direction = ops.sign(_mean(e.memory[0], e.gradient, e.hyper["beta_1"]))
        m = _mean(e.memory[0], e.gradient, e.hyper["beta_2"])
        return e.weight - e.hyper["learning_rate"] * direction, (m,)

    return optimizer(settings, rule, memory=(0.0,))


def _moments(e: Element) -> tuple[Any, Any]:
    """Running means of the gradient and of its square."""
    m = _mean(e.memory[0], e.gradient, e.hyper["beta_1"])
    v = _mean(e.memory[1], e.gradient * e.gradient, e.hyper["beta_2"])
    return m, v


def _mean(old: Any, new: Any, share: Any) -> Any:
    """The running mean that keeps ``share`` of the old one."""
    return old + (new - old) * (1 - share)
