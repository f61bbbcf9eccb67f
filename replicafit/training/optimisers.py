"""Optimisers as small pure functions, with step counts and hyperparameters per replica.

Each rule acts element by element; nothing mixes replicas. Tests compare every rule with
``keras.optimizers`` on one replica alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras import ops

from replicafit.builtin.optimisers import AdamSettings, ClippingSettings, NadamSettings

Hyper = Mapping[str, Any]
"""Hyperparameters by name, each (r,) or, for one weight, (r, 1, ...)."""


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


@dataclass(frozen=True)
class Optimiser:
    """One optimiser.

    Attributes:
        rule: ``Element -> (new weight, new memory)``.
        memory: start values of the arrays it keeps for each weight.
        scalars: start values of the numbers it keeps for each replica.
        next_scalars: ``(hyper, step, scalars) -> scalars``, once a step, all (r,).
        hyper: its hyperparameters, as the runcard gives them.
        clipnorm: whether ``hyper`` has a largest norm for each variable of a replica.
        global_clipnorm: whether ``hyper`` has a largest norm for all variables of a replica.
    """

    rule: Callable[[Element], tuple[Any, tuple[Any, ...]]]
    hyper: Mapping[str, float]
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
        scalars = self.next_scalars(hyper, step, scalars)
        clipped = clip(gradients, hyper)
        results = [
            self.rule(_element(w, g, m, step, hyper, scalars))
            for w, g, m in zip(weights, clipped, memory, strict=True)
        ]
        return tuple(w for w, _ in results), tuple(m for _, m in results), scalars


def _element(w: Any, g: Any, memory: Any, step: Any, hyper: Hyper, scalars: Any) -> Element:
    def like_w(vector: Any) -> Any:
        return per_replica(vector, w)

    wide = {name: like_w(vector) for name, vector in hyper.items()}
    return Element(w, g, memory, like_w(step), wide, tuple(map(like_w, scalars)))


def per_replica(vector: Any, like: Any) -> Any:
    """A vector (r,) with axes of length 1 appended, to broadcast against ``like`` (r, ...)."""
    return ops.reshape(vector, (-1,) + (1,) * (len(like.shape) - 1))


def clip(gradients: tuple[Any, ...], hyper: Hyper) -> tuple[Any, ...]:
    """Gradients no longer than the hyperparameters allow, for each replica alone.

    ``clipnorm`` bounds the norm of each variable of a replica, ``global_clipnorm`` that of all its
    variables together, as in Keras on a single network.
    """
    if "clipnorm" in hyper:
        return tuple(_shortened(g, _square(g), hyper["clipnorm"]) for g in gradients)
    if "global_clipnorm" in hyper:
        square = sum(_square(g) for g in gradients)
        return tuple(_shortened(g, square, hyper["global_clipnorm"]) for g in gradients)
    return gradients


def _square(gradient: Any) -> Any:
    """Squared norm per replica, (r,)."""
    return ops.sum(gradient * gradient, axis=tuple(range(1, len(gradient.shape))))


def _shortened(gradient: Any, square: Any, longest: Any) -> Any:
    return gradient * per_replica(longest / ops.maximum(ops.sqrt(square), longest), gradient)


def hyperparameters(settings: ClippingSettings) -> dict[str, Any]:
    """The numbers among the settings, without what is not given."""
    given = settings.model_dump(exclude={"type"}, exclude_none=True)
    return {name: value for name, value in given.items() if not isinstance(value, bool | str)}


def adam(settings: AdamSettings) -> Optimiser:
    """Adam (Kingma & Ba, arXiv:1412.6980, algorithm 1)."""

    def rule(e: Element) -> tuple[Any, tuple[Any, ...]]:
        m, v = _moments(e)
        rate = e.hyper["learning_rate"] * ops.sqrt(1 - e.hyper["beta_2"] ** e.step)
        rate = rate / (1 - e.hyper["beta_1"] ** e.step)
        return e.weight - m * rate / (ops.sqrt(v) + e.hyper["epsilon"]), (m, v)

    return Optimiser(rule, hyperparameters(settings), memory=(0.0, 0.0))


def nadam(settings: NadamSettings) -> Optimiser:
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

    return Optimiser(
        rule,
        hyperparameters(settings),
        memory=(0.0, 0.0),
        scalars=(1.0,),
        next_scalars=next_scalars,
    )


def _moments(e: Element) -> tuple[Any, Any]:
    """Running means of the gradient and of its square."""
    m = e.memory[0] + (e.gradient - e.memory[0]) * (1 - e.hyper["beta_1"])
    v = e.memory[1] + (e.gradient * e.gradient - e.memory[1]) * (1 - e.hyper["beta_2"])
    return m, v
