"""Momentum and valence sum rules, imposed by normalisation.

At every scale, with functions x f (arXiv:2109.02653, eqs. 3.8 to 3.10):
    integral of (x sigma + x g) dx = 1      normalises g
    integral of (x v)/x dx = 3, of v3: 1, of v8: 3      normalise v, v3, v8
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from replicafit.builtin.layers import SumRulesSettings
from replicafit.components import LayerContext
from replicafit.errors import ModelError
from replicafit.pdf.quadrature import sum_rule_nodes

VALENCE = {"v": 3.0, "v3": 1.0, "v8": 3.0}
MOMENTUM = "momentum"


@keras.saving.register_keras_serializable(package="replicafit")
class SumRules(keras.layers.Layer):
    """Normalises flavours of ``(b, r, n, f)`` by integrals over quadrature nodes on the grid axis.

    Args:
        flavours: names along the last axis, length f.
        rules: which rules to impose: ``momentum``, ``v``, ``v3``, ``v8``.
        node_start: where the nodes begin on the grid axis.
        nodes: how many there are.
    """

    def __init__(
        self,
        flavours: Sequence[str],
        rules: Sequence[str],
        node_start: int,
        nodes: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flavours, self.rules = tuple(flavours), tuple(rules)
        self.node_start, self.nodes = node_start, nodes
        self._measure, self._selection, self._targets = self._tables()

    def call(self, features: Any) -> Any:
        """Normalised functions, ``(b, r, n, f)``."""
        return features * self.normalisation(features)

    def normalisation(self, features: Any) -> Any:
        """The factor of each flavour, ``(b, r, 1, f)``."""
        values = features[:, :, self.node_start : self.node_start + self.nodes]
        measure = ops.cast(self._measure, features.dtype)
        integrals = ops.sum(values * measure, axis=2, keepdims=True)
        fixed = ops.matmul(integrals, ops.cast(self._selection[0], features.dtype))
        divisor = ops.matmul(integrals, ops.cast(self._selection[1], features.dtype))
        unnormalised = ops.cast(self._targets == 0, features.dtype)
        return (ops.cast(self._targets, features.dtype) - fixed + unnormalised) / (
            divisor + unnormalised
        )

    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Quadrature measure (q, f); what is subtracted and divided by (2, f, f); targets (f,)."""
        nodes, f = sum_rule_nodes(self.nodes), len(self.flavours)
        measure = np.tile(nodes.weights[:, None], (1, f))
        selection, targets = np.zeros((2, f, f)), np.zeros(f)
        for rule in self.rules:
            if rule == MOMENTUM:
                g, sigma = self.flavours.index("g"), self.flavours.index("sigma")
                selection[0, sigma, g] = selection[1, g, g] = targets[g] = 1
            else:
                v = self.flavours.index(rule)
                measure[:, v] = nodes.weights / nodes.x
                selection[1, v, v], targets[v] = 1, VALENCE[rule]
        return measure, selection, targets

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
        factors = ops.convert_to_numpy(self.normalisation(features))[0, slot, 0]
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
        }


def build(settings: SumRulesSettings, context: LayerContext) -> SumRules:
    """The layer a runcard asks for."""
    for rule in settings.rules:
        for flavour in ("sigma", "g") if rule == MOMENTUM else (rule,):
            if flavour not in context.flavours:
                raise ModelError(
                    f"The sum rule '{rule}' needs the flavour '{flavour}'; model.flavours are "
                    f"{', '.join(context.flavours)}. Add it, or leave the rule out."
                )
    return SumRules(
        flavours=context.flavours,
        rules=settings.rules,
        node_start=context.node_start,
        nodes=context.node_count,
        name=f"sum_rules_{context.position}",
    )
