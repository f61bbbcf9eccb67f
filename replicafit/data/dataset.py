"""One dataset: measured numbers, their uncertainties, and the tables that predict them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from replicafit.data.product_table import Table

UNCORRELATED = ("UNCORR", "THEORYUNCORR")
CORRELATED_WITHIN = ("CORR", "THEORYCORR")


@dataclass(frozen=True)
class Dataset:
    """Data that were published together, with one forward map.

    Attributes:
        name: unique among the datasets of a fit.
        central: measured values, (d,).
        stat: uncorrelated statistical errors, absolute, (d,).
        sys_add: additive systematic shifts, absolute, (d, s).
        sys_add_names: their names, length s.
        sys_mult_percent: multiplicative shifts in per cent of the value, (d, m).
        sys_mult_names: their names, length m.
        kinematics: named columns, each (d,), in units of their own.
        x_grid: grid points on which the tables act, (n,), or of several inputs (n, m).
        flavours: names of the functions on which the tables act, length f.
        tables: each (d, f, n), acting on functions (n, f), or a ``ProductTable``, acting on
            products of two of them.
        operation: name of the forward map that combines the tables.
        attributes: numbers that characterize these functions, by name, such as a scale; all
            datasets of a fit that have one of a name agree on it.
        metadata: process, theory, provenance, as in the file.
        reference: what multiplicative errors multiply, (d,): predictions in a t0 covariance, the
            truth's in a closure test; None means the measured values.
        inputs: names of the inputs, the columns of ``x_grid``, length m.
        q0: for short in place of ``attributes={"q0": q0}``, where it is found afterwards.
    """

    name: str
    central: np.ndarray
    stat: np.ndarray
    sys_add: np.ndarray
    sys_add_names: tuple[str, ...]
    sys_mult_percent: np.ndarray
    sys_mult_names: tuple[str, ...]
    kinematics: Mapping[str, np.ndarray]
    x_grid: np.ndarray
    flavours: tuple[str, ...]
    tables: tuple[Table, ...]
    operation: str
    attributes: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reference: np.ndarray | None = None
    inputs: tuple[str, ...] = ("x",)
    q0: InitVar[float | None] = None

    def __post_init__(self, q0: float | None) -> None:
        if q0 is not None:
            object.__setattr__(self, "attributes", {**self.attributes, "q0": float(q0)})

    @property
    def n_data(self) -> int:
        """How many data."""
        return len(self.central)

    @property
    def multiplied(self) -> np.ndarray:
        """What multiplicative errors multiply, (d,)."""
        return self.central if self.reference is None else self.reference

    @property
    def may_be_negative(self) -> bool:
        """Whether negative values make sense: not for cross sections.

        The ``process`` of the metadata tells: with ASY or POL in it data are asymmetries or
        polarised; without a process nothing is known, and any sign goes.
        """
        process = str(self.metadata.get("process", "")).upper()
        return not process or "ASY" in process or "POL" in process

    @cached_property
    def shifts(self) -> np.ndarray:
        """All systematic shifts, absolute, (d, s + m); multiplicative ones times ``multiplied``."""
        multiplicative = self.sys_mult_percent * self.multiplied[:, None] / 100
        return np.hstack([self.sys_add, multiplicative])

    @property
    def shift_names(self) -> tuple[str, ...]:
        """The name of each column of ``shifts``."""
        return self.sys_add_names + self.sys_mult_names
