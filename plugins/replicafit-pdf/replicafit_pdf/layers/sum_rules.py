"""Sum rules, imposed by normalization of flavours.

At every scale, with functions x f (arXiv:2109.02653, eqs. 3.8 to 3.10):
    integral of (x sigma + x g) dx = 1                       normalizes g
    integral of (x v)/x dx = 3, of v3: 1, of v8 and v15: 3   normalize v, v3, v8, v15
With an asymmetry of charm that nothing constrains, the three light flavours give v + v15/3 = 4
instead of the rules for v and v15. Polarised (arXiv:2503.11814, section 3): the integrals of t3/x
and t8/x are the axial charges of the baryon octet, which each replica draws within their errors.
Where preprocessing lets an integrand rise almost as 1/x, its power is integrated exactly; of
trained exponents the steepest that is allowed, which follows the others to 1 % (measured).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.plugin import LayerContext
from replicafit_pdf.layers.preprocessing import Preprocessing
from replicafit_pdf.layers.rotation import Rotation
from replicafit_pdf.layers.settings import SumRulesSettings
from replicafit_pdf.layers.sum_rule_checks import MOMENTUM, OPEN_CHARM, imposed, over_x
from replicafit_pdf.quadrature import power_weights, sum_rule_nodes

VALENCE = {"v": 3.0, "v3": 1.0, "v8": 3.0, "v15": 3.0}
SAMPLED = ("t3", "t8")
UNCANCELLED = 0.3
"""Of the modulus' integral, at a start. The normalized function is larger than what its rule allows
by the inverse: a tenth would begin a fit with functions ten times too large, next to a pole."""

STEEP = 0.8
"""From this alpha on a power is integrated exactly; below, the nodes follow it."""


@keras.saving.register_keras_serializable(package="replicafit")
class SumRules(keras.layers.Layer):
    """Normalizes flavours of ``(b, r, n, f)`` by integrals over quadrature nodes on the grid axis.

    Weights: ``targets`` ``(r, 1, f)``, not trained, if some are drawn per replica; ``measure``
    ``(r, q, f)``, not trained, if some powers are integrated exactly.

    Args:
        flavours: names along the last axis, length f.
        rules: which rules to impose: ``momentum``, ``v``, ``v3``, ``v8``, ``v15``,
            ``v_open_charm``, ``t3``, ``t8``.
        node_start: where the nodes begin on the grid axis.
        nodes: how many there are.
        sampled: the integral of each replica, (r,), for each of ``t3`` and ``t8`` that is imposed.
        alpha: flavours whose integrand rises as x^-alpha, with alpha of each replica, (r,), for
            the quadrature.
    """

    def __init__(
        self,
        flavours: Sequence[str],
        rules: Sequence[str],
        node_start: int,
        nodes: int,
        sampled: Mapping[str, Sequence[float]] | None = None,
        alpha: Mapping[str, Sequence[float]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flavours, self.rules = tuple(flavours), tuple(rules)
        self.node_start, self.nodes = node_start, nodes
        self.sampled = {rule: list(values) for rule, values in (sampled or {}).items()}
        self.alpha = {name: list(values) for name, values in (alpha or {}).items()}
        self._measure, self._selection, self._targets = self._tables()
        if self.sampled:
            self.targets = self._constant("targets", self._targets)
        if self.alpha:
            self._measure = self._with_exact_powers(self._measure)
            self.measure = self._constant("measure", self._measure)

    def _constant(self, name: str, values: np.ndarray) -> Any:
        return self.add_weight(
            name=name,
            shape=values.shape,
            initializer=lambda shape, dtype: ops.cast(values, dtype),
            trainable=False,
        )

    def _with_exact_powers(self, measure: np.ndarray) -> np.ndarray:
        """``measure`` (q, f) of each replica, (r, q, f)."""
        x, replicas = sum_rule_nodes(self.nodes).x, len(next(iter(self.alpha.values())))
        each = np.tile(measure, (replicas, 1, 1))
        for name, alpha in self.alpha.items():
            weights = [power_weights(self.nodes, np.array(own)) / x for own in alpha]  # one by one:
            each[:, :, self.flavours.index(name)] = weights  # the bits must not depend on others
        return each

    def call(self, features: Any) -> Any:
        """Normalized functions, ``(b, r, n, f)``."""
        return features * self.normalization(features)

    def soundness(self, features: Any) -> Any:
        """How far each replica is from a factor that is infinite or of the wrong sign, ``(r,)``.

        Sound, 1 or more, is where every integral that a rule divides by is at least ``UNCANCELLED``
        of the integral of the modulus, and the singlet's momentum lies between 0 and 1.
        """
        parts = self._integrands(features)
        integrals, moduli = ops.sum(parts, axis=2), ops.sum(ops.abs(parts), axis=2)
        divided = np.flatnonzero(self._selection[1].any(axis=0)).tolist()
        sound = [ops.abs(integrals[0, :, f]) / moduli[0, :, f] / UNCANCELLED for f in divided]
        if MOMENTUM in self.rules:
            singlet = integrals[0, :, self.flavours.index("sigma")]
            sound.append(ops.where(ops.logical_and(singlet > 0, singlet < 1), np.inf, 0.0))
        return ops.min(ops.stack(sound), axis=0) if sound else ops.full(features.shape[1], np.inf)

    def _integrands(self, features: Any) -> Any:
        """What the rules integrate, times the measure, at the nodes, ``(b, r, q, f)``."""
        values = features[:, :, self.node_start : self.node_start + self.nodes]
        return values * ops.cast(self.measure if self.alpha else self._measure, features.dtype)

    def normalization(self, features: Any) -> Any:
        """The factor of each flavour, ``(b, r, 1, f)``."""
        subtracted, divided = (ops.cast(table, features.dtype) for table in self._selection)
        targets = ops.cast(self.targets if self.sampled else self._targets, features.dtype)
        integrals = ops.sum(self._integrands(features), axis=2, keepdims=True)
        free = ops.cast(1 - self._selection[1].sum(axis=0), features.dtype)
        return (targets - ops.matmul(integrals, subtracted) + free) / (
            ops.matmul(integrals, divided) + free
        )

    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Quadrature measure (q, f); what is subtracted and divided by (2, f, f); targets.

        Targets are (r, 1, f), where r is 1 if all replicas have the same targets.
        """
        nodes, f = sum_rule_nodes(self.nodes), len(self.flavours)
        measure = np.tile(nodes.weights[:, None], (1, f))
        replicas = max((len(values) for values in self.sampled.values()), default=1)
        selection, targets = np.zeros((2, f, f)), np.zeros((replicas, 1, f))
        for rule in self.rules:
            scaled, target, others = self._rule(rule)
            column = self.flavours.index(scaled)
            selection[1, column, column], targets[:, 0, column] = 1, target
            for name, coefficient in others.items():
                selection[0, self.flavours.index(name), column] = coefficient
            for name in (scaled, *others) if rule != MOMENTUM else ():
                measure[:, self.flavours.index(name)] = nodes.weights / nodes.x
        return measure, selection, targets

    def _rule(self, rule: str) -> tuple[str, Any, dict[str, float]]:
        """The flavour that is scaled, the target, and what else counts towards it."""
        if rule == MOMENTUM:
            return "g", 1.0, {"sigma": 1.0}
        if rule == OPEN_CHARM:
            return "v", 4.0, {"v15": 1 / 3}
        return rule, self.sampled[rule] if rule in SAMPLED else VALENCE[rule], {}

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        if len(input_shape) != 4 or input_shape[3] != len(self.flavours):
            raise ValueError(
                f"sum_rules takes functions (b, r, n, {len(self.flavours)}), one for each "
                f"flavour. Received: {tuple(input_shape)}"
            )
        return input_shape

    def split(self, slot: int, features: Any = None) -> keras.layers.Dense:
        """Plain Keras: the factors this replica ended with, ``(b, f) -> (b, f)``.

        Args:
            slot: position on the replica axis, from 0.
            features: what reaches the layer on the whole grid, ``(b, r, n, f)``.
        """
        factors = ops.convert_to_numpy(self.normalization(features))[0, slot, 0]
        dense = keras.layers.Dense(
            len(factors), use_bias=False, name=self.name, dtype=self.dtype_policy
        )
        dense.build((None, len(factors)))
        dense.set_weights([np.diag(factors)])
        return dense

    def get_config(self) -> dict[str, Any]:
        """Config from which Keras makes an equal layer."""
        return {
            **super().get_config(),
            "flavours": list(self.flavours),
            "rules": list(self.rules),
            "node_start": self.node_start,
            "nodes": self.nodes,
            "sampled": self.sampled,
            "alpha": self.alpha,
        }


def build(settings: SumRulesSettings, context: LayerContext) -> SumRules:
    """The layer a runcard asks for, with its axial charges drawn per replica."""
    rules = imposed(settings.rules, context.flavours)
    return SumRules(
        flavours=context.flavours,
        rules=rules,
        node_start=context.node_start,
        nodes=context.node_count,
        sampled=_sampled(settings, rules, context.generators),
        alpha=_steep(rules, context),
        name=f"sum_rules_{context.position}",
    )


def _steep(rules: Sequence[str], context: LayerContext) -> dict[str, list[float]]:
    """alpha of each replica, of flavours that a rule integrates over x and that rise so fast.

    Of trained exponents it is the end of their range: weights made for a lower one than training
    finds would be wrong by orders of magnitude.
    """
    known: dict[str, tuple[float, Any]] = {}
    names: Sequence[str] = ()
    for layer in context.before:
        if isinstance(layer, Preprocessing):
            names = layer.flavours
            ends = np.where(
                np.isin(np.arange(len(names)), layer.trained), layer.highest, layer.alpha
            )
            known = {n: (layer.highest[i], ends[:, i]) for i, n in enumerate(names)}
        elif isinstance(layer, Rotation) and known:
            sources = [np.flatnonzero(column) for column in layer.matrix.T]
            single = {i: names[s[0]] for i, s in enumerate(sources) if len(s) == 1}
            known = {context.flavours[i]: known[n] for i, n in single.items() if n in known}
        else:
            known = {}
    steep = (name for name in over_x(rules) if name in known and known[name][0] > STEEP)
    return {name: known[name][1].tolist() for name in steep}


def _sampled(
    settings: SumRulesSettings, rules: Sequence[str], generators: Sequence[np.random.Generator]
) -> dict[str, list[float]]:
    """The axial charges of each replica; the same count of draws whatever is imposed."""
    draws = np.array([generator.standard_normal(len(SAMPLED)) for generator in generators])
    charges = {"t3": settings.t3, "t8": settings.t8}
    return {
        rule: (charge.value + charge.error * draws[:, i]).tolist()
        for i, (rule, charge) in enumerate(charges.items())
        if rule in rules
    }
