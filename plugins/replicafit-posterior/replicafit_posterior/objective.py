"""chi2 of what was measured, as a function of the trained weights of one replica's network.

It is the chi2 that the fit minimised, in the same covariance, but of all data and of the values
that were measured: what the runcard of the fit says with ``pseudodata: false``,
``training_fraction: 1``, float64, and a start from the replica. So nothing of it is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from replicafit import Fit
from replicafit.plugin import (
    FitFolder,
    GridFunctions,
    Override,
    Setup,
    canonical,
    combination,
    load_data,
    load_setup,
)

if TYPE_CHECKING:
    from replicafit.plugin import FitData, Plan

SLOTS = 128
"""Networks with perturbed weights that stand side by side, as replicas do."""
STEP = 6e-6
"""Of differences: the cube root of float64's rounding."""


@dataclass(frozen=True, eq=False)
class Objective:
    """The chi2 of a network with p trained weights; both are evaluated for ``slots`` at a time.

    Attributes:
        fit: whose tables, names and data are meant.
        plan: of the one replica.
        start: its weights, (p,).
        constants: what training does not change, with the axis of slots.
        shapes: of each weight, without the axis of slots.
    """

    fit: Fit
    plan: Plan
    start: np.ndarray
    constants: Any
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, fit: Fit, setup: Setup, number: int) -> Objective:
        """Of replica ``number`` of ``fit``, which ``setup`` describes.

        Raises:
            ReplicafitError: data or the replica's network are not there any more.
        """
        architecture = FitFolder(fit.folder).result(number).architecture
        if architecture is not None:
            setup = setup.with_network(setup.runcard.model.networks[architecture - 1])
        changes = {
            "precision": "float64",
            "training.slots": SLOTS,
            "data.pseudodata": False,
            "data.training_fraction": 1.0,
            "model.start_from": {"fit": str(fit.folder.resolve())},
        }
        closure = setup.runcard.data.closure
        if closure is not None and closure.level == 2:  # level 1 has the same measured values
            changes["data.closure"] = {**closure.model_dump(mode="json"), "level": 1}
        own = changed(setup, _overrides(changes))
        return cls._planned(fit, own, load_data(own), number)

    def with_slots(self, slots: int) -> Objective:
        """The same for another number of sets of weights at a time."""
        [number] = self.plan.network.numbers
        own = changed(self.plan.setup, _overrides({"training.slots": slots}))
        return self._planned(self.fit, own, self.plan.data, number)

    @classmethod
    def _planned(cls, fit: Fit, setup: Setup, data: FitData, number: int) -> Objective:
        from keras import tree

        from replicafit.plugin import make_plans

        [plan] = make_plans(setup, data, [number])
        prepared = plan.prepare([number])
        weights = prepared.state.weights
        repeated = tree.map_structure(
            lambda a: np.repeat(a, plan.slots, axis=0), prepared.constants
        )
        start = np.concatenate([np.ravel(w[0]) for w in weights]).astype(np.float64)
        return cls(fit, plan, start, repeated, tuple(w.shape[1:] for w in weights))

    @property
    def slots(self) -> int:
        """How many sets of weights at a time."""
        return self.plan.slots

    @property
    def n_data(self) -> int:
        """How many data."""
        return self.plan.data.n_data

    @cached_property
    def constant(self) -> float:
        """The part of chi2 that no function can change."""
        return float(sum(np.asarray(terms.constant)[0] for terms in self.constants.training))

    def residuals(self, weights: Any) -> Any:
        """Whitened residuals (r, k) of ``weights`` (r, p), on the device (``Chi2.residuals``)."""
        functions, _ = self._on_data(self._apart(weights), self.constants.fixed)
        return self.plan.chi2.residuals(self.constants.training, functions)

    def tables(self, weights: Any) -> Any:
        """The functions (r, n, f) on the grid of the fit's tables, on the device."""
        from keras import ops

        functions, _ = self._on_tables(self._apart(weights), self.constants.fixed)
        return ops.matmul(functions, ops.convert_to_tensor(self._turn))

    def chi2(self, weights: np.ndarray) -> float:
        """chi2, not divided, of ``weights`` (p,)."""
        return self.constant + float((self.of_one(self.residuals, weights) ** 2).sum())

    def of_one(self, function: Callable[[Any], Any], weights: np.ndarray) -> np.ndarray:
        """``function`` of one set of weights (p,)."""
        from keras import ops

        values = function(np.repeat(weights[None], self.slots, axis=0))
        return np.asarray(ops.convert_to_numpy(values)[0], np.float64)

    def jacobian(self, function: Callable[[Any], Any], weights: np.ndarray) -> np.ndarray:
        """What ``function`` (k values of p weights) changes by for each weight, (k, p).

        By central differences: networks with perturbed weights stand in the slots.
        """
        from keras import ops

        columns, size = [], len(weights)
        for first in range(0, size, self.slots // 2):
            which = np.arange(first, min(first + self.slots // 2, size))
            moved = np.repeat(weights[None], self.slots, axis=0)
            steps = STEP * np.maximum(1, np.abs(weights[which]))
            rows = 2 * np.arange(len(which))
            moved[rows, which] += steps
            moved[rows + 1, which] -= steps
            values = ops.convert_to_numpy(function(moved)).reshape(self.slots, -1)
            columns.append((values[rows] - values[rows + 1]) / (2 * steps[:, None]))
        return np.asarray(np.concatenate(columns).T, np.float64)

    def functions(self, values: np.ndarray) -> GridFunctions:
        """``values`` (r, n, f) on the grid of the fit's tables."""
        f = self.fit
        return GridFunctions(f.x, f.functions.flavours, values, f.attributes, f.inputs)

    def _apart(self, weights: Any) -> tuple[Any, ...]:
        """Weights (r, p) as the network has them."""
        from keras import ops

        flat, ends = ops.convert_to_tensor(weights), np.cumsum([0, *map(_size, self.shapes)])
        rows = len(weights)
        return tuple(
            ops.reshape(flat[:, a:b], (rows, *shape))
            for a, b, shape in zip(ends[:-1], ends[1:], self.shapes, strict=True)
        )

    @cached_property
    def _on_data(self) -> Callable[..., Any]:
        return self._on(self.plan.data.x_grid)

    @cached_property
    def _on_tables(self) -> Callable[..., Any]:
        return self._on(self.fit.x)

    def _on(self, x: np.ndarray) -> Callable[..., Any]:
        from replicafit.plugin import network_functions

        return network_functions(self.plan.model.network, x)

    @cached_property
    def _turn(self) -> np.ndarray:
        """From the fitted functions to those of the tables, (f, g)."""
        wanted = self.fit.functions.flavours
        return combination(self.plan.model.flavours, wanted, self.plan.setup.registry)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=int))


def _overrides(values: Mapping[str, Any]) -> list[Override]:
    """What puts ``values`` in place of a card's, by dotted key; absolute paths."""
    return [Override.yaml(key, key, json.dumps(value)) for key, value in values.items()]


def changed(setup: Setup, overrides: Sequence[Override]) -> Setup:
    """``setup`` with other values.

    Raises:
        RuncardError: they cannot be used.
    """
    card = {**canonical(setup.runcard), "plugins": []}  # those that it named are in the registry
    card["model"].pop("training", None)  # of an architecture of a choice: it is the card's by now
    section = getattr(setup.runcard, "posterior", None)
    if section is not None:  # not part of the fit, so not of the canonical card
        card["posterior"] = section.model_dump(mode="json")
    text = yaml.safe_dump(card, sort_keys=False)
    return load_setup(setup.folder / "run.json", overrides, setup.registry, text=text)


def nearest_to_mean(fit: Fit) -> int:
    """The replica whose functions are nearest to the mean, in units of the spread at each x."""
    spread = fit.std()
    pulls = (fit.values - fit.mean()) / np.where(spread > 0, spread, np.inf)
    return fit.numbers[int((pulls**2).sum(axis=(1, 2)).argmin())]
