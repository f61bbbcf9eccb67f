"""Picks the cheapest exact chi2 form for each dataset, before Keras is imported.

The choice depends on the runcard alone, never on the number of replicas or on the machine: another
form would give a replica other bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from replicafit.data import FitData
from replicafit.data.covariance import Covariance, connected
from replicafit.forward.compressed import Compressed, compressed
from replicafit.forward.product_squares import with_squares
from replicafit.forward.shared import Shared, shared_diagonal, shared_rotated, shared_whole
from replicafit.forward.tables import DatasetTables, Size, contracted
from replicafit.plugins import Registry

Form = Compressed | Shared

BATCH = 10
"""Replicas that share what is shared, when forms are compared."""

CACHED = 0.25
"""Cost of an element of a shared table for one replica, in units of an element of its own: it is
read from cache in one matrix product for all, not from memory (docs/benchmarks.md)."""


@dataclass(frozen=True)
class FormPlan:
    """The chi2 of a fit as a sum of forms.

    Attributes:
        forms: each for its part of the data.
        datasets: the names of the datasets in each form.
    """

    forms: tuple[Form, ...]
    datasets: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> Size:
        """Of all forms together."""
        return reduce(add, (form.size for form in self.forms))

    @property
    def cost(self) -> float:
        """Elements read per replica and step, shared ones at their lower price."""
        return self.size.own + self.size.shared * (1 / BATCH + CACHED)


def plan_forms(
    data: FitData, registry: Registry, flavours: Sequence[str], split: bool, precision: str
) -> FormPlan:
    """The cheapest exact forms of the chi2 of ``data``.

    Args:
        flavours: of the fitted functions.
        split: whether some data of each replica only validate.
        precision: of the device.
    """
    datasets = with_squares(contracted(data, registry, flavours), data, precision)
    if data.whitening is not None:
        return _plan((shared_rotated(datasets, data.whitening), datasets))
    candidates = [_parted_plan(datasets, (), data.fit_errors, precision)]
    if not split:
        candidates.append(_plan((shared_whole(datasets, data.fit_errors), datasets)))
    alone = tuple(d for d in datasets if not data.fit_errors.correlated[d.indices].any())
    if alone:
        candidates.append(_parted_plan(datasets, alone, data.fit_errors, precision))
    return min(candidates, key=lambda plan: plan.cost)


def _parted_plan(
    datasets: Sequence[DatasetTables],
    alone: Sequence[DatasetTables],
    errors: Covariance,
    precision: str,
) -> FormPlan:
    """Datasets ``alone``, which are uncorrelated, with shared tables, the others compressed.

    All that are linear share their directions; of the rest, those that nothing correlates have
    whiteners of their own, which are small.
    """
    groups = _groups([d for d in datasets if d not in alone], errors)
    together = [d for group in groups if any(d.linear for d in group) for d in group]
    apart = [group for group in groups if not any(d.linear for d in group)]
    parts = [(compressed(g, errors, precision), g) for g in (together, *apart) if g]
    return _plan(*parts, *([(shared_diagonal(alone, errors), alone)] if alone else []))


def _groups(datasets: Sequence[DatasetTables], errors: Covariance) -> list[list[DatasetTables]]:
    """``datasets`` in groups that no common source connects."""
    if not datasets:
        return []
    labels = connected(np.stack([(errors.shifts[d.indices] != 0).any(axis=0) for d in datasets]))
    return [
        [dataset for dataset, own in zip(datasets, labels, strict=True) if own == label]
        for label in np.unique(labels)
    ]


def _plan(*parts: tuple[Form, Sequence[DatasetTables]]) -> FormPlan:
    names = tuple(tuple(d.name for d in datasets) for _, datasets in parts)
    return FormPlan(tuple(form for form, _ in parts), names)
