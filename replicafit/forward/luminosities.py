"""Predictions for collisions of two hadrons, on the device.

With ``c`` a luminosity channel, ``u`` and ``v`` grid points of the first and the second hadron, the
products of each channel are made for each replica, and one matrix product takes them to the data:

    T[r, d] = sum over c, u, v of  table[d, c, u, v] F[r, c, u] G[r, c, v]

Only channels that are in the table are made: of 14 x 14 pairs of flavours a process has a few
(docs/benchmarks.md compares).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from replicafit.data.luminosity import LuminosityTable


@dataclass(frozen=True)
class PlacedTable:
    """A luminosity table on the device.

    It is put there before anything is compiled: an array that a compiled function merely sees is
    not copied into its code, which for tables of 100 MB took half a minute and 3 GB.

    Attributes:
        matrix: (c n1 n2, d).
        channels, x1, x2: as in the table.
    """

    matrix: Any
    channels: np.ndarray
    x1: np.ndarray
    x2: np.ndarray

    def predictions(self, functions: Any) -> Any:
        """Predictions (r, d) from x f (r, n, f)."""
        first = _picked(functions, self.channels[:, 0], self.x1)
        second = _picked(functions, self.channels[:, 1], self.x2)
        products = ops.multiply(first[:, :, :, None], second[:, :, None, :])
        flat = ops.reshape(products, (functions.shape[0], self.matrix.shape[0]))
        return ops.matmul(flat, ops.cast(self.matrix, functions.dtype))


def placed(table: LuminosityTable, precision: str) -> PlacedTable:
    """``table`` on the device."""
    matrix = table.values.reshape(len(table), table.products).T.astype(precision)
    return PlacedTable(ops.convert_to_tensor(matrix), table.channels, table.x1, table.x2)


def _picked(functions: Any, flavours: np.ndarray, points: np.ndarray) -> Any:
    """x f of the ``flavours`` at the ``points``, (r, c, u), from (r, n, f).

    By products with matrices of ones and zeros, which is exact and whose gradient is another
    product: that of indexing is a scatter, slow and on a GPU without a fixed order of additions.
    """
    _, n, f = functions.shape
    of_flavour = ops.cast(np.eye(f)[flavours], functions.dtype)
    of_point = ops.cast(np.eye(n)[:, points], functions.dtype)
    turned = ops.matmul(of_flavour, ops.transpose(functions, (0, 2, 1)))
    return ops.matmul(turned, of_point)
