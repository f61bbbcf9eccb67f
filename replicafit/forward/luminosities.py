"""Predictions for collisions of two hadrons, on the device.

With ``c`` a luminosity channel, ``u`` and ``v`` grid points of the first and the second hadron, the
products of each channel are made for each replica, and one matrix product takes them to the data:

    T[r, d] = sum over c, u, v of  table[d, c, u, v] F[r, c, u] G[r, c, v]

Only channels that are in the table are made: of 14 x 14 pairs of flavours a process has a few
(docs/benchmarks.md compares).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from replicafit.data.luminosity import LuminosityTable


def luminosity_predictions(table: LuminosityTable, functions: Any) -> Any:
    """Predictions (r, d) from x f (r, n, f)."""
    first = _picked(functions, table.channels[:, 0], table.x1)
    second = _picked(functions, table.channels[:, 1], table.x2)
    products = ops.multiply(first[:, :, :, None], second[:, :, None, :])
    flat = ops.reshape(products, (functions.shape[0], table.products))
    matrix = table.values.reshape(len(table), table.products).T
    return ops.matmul(flat, ops.cast(matrix, functions.dtype))


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
