"""One dataset: measured numbers, their uncertainties, and the tables that predict them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

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
        kinematics: named columns, each (d,): x, q2 in GeV^2, y.
        x_grid: grid points on which the tables act, (n,).
        flavours: names of the functions on which the tables act, length f.
        q0: scale of these functions in GeV.
        tables: each (d, f, n), acting on x f(x, q0).
        operation: name of the forward map that combines the tables.
        metadata: process, theory, provenance, as in the file.
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
    q0: float
    tables: tuple[np.ndarray, ...]
    operation: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_data(self) -> int:
        """How many data."""
        return len(self.central)

    @cached_property
    def shifts(self) -> np.ndarray:
        """All systematic shifts, absolute, (d, s + m); multiplicative ones times ``central``."""
        multiplicative = self.sys_mult_percent * self.central[:, None] / 100
        return np.hstack([self.sys_add, multiplicative])

    @property
    def shift_names(self) -> tuple[str, ...]:
        """The name of each column of ``shifts``."""
        return self.sys_add_names + self.sys_mult_names
