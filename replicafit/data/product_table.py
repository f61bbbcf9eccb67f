"""Tables of products of two functions: numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np


@dataclass(frozen=True)
class ProductTable:
    """A table that acts on products of two functions, as for collisions of two hadrons.

    With (f, g) the flavours of a channel, a prediction is the sum over channels and over both grids
    of ``values[d, c, u, v]`` times f at ``x1[u]`` times g at ``x2[v]``. A channel that is not
    given is zero; (f, g) and (g, f) are two channels.

    Attributes:
        values: (d, c, n1, n2).
        channels: the flavours of each channel, indices, (c, 2).
        x1: grid points of the first function, indices, (n1,).
        x2: grid points of the second function, indices, (n2,).
    """

    values: np.ndarray
    channels: np.ndarray
    x1: np.ndarray
    x2: np.ndarray

    def __len__(self) -> int:
        """How many data."""
        return len(self.values)

    def __getitem__(self, rows: np.ndarray) -> ProductTable:
        """The table of the data ``rows`` (a mask or indices) alone."""
        return replace(self, values=self.values[rows])

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.values.size

    @property
    def products(self) -> int:
        """How many products of functions it multiplies."""
        return int(np.prod(self.values.shape[1:]))

    def predict(self, functions: np.ndarray) -> np.ndarray:
        """Predictions (..., d) from functions (..., n, f): one channel after another.

        Each replica by itself: products of matrices round otherwise for one than for several.
        """
        predictions = np.zeros((*functions.shape[:-2], len(self)))
        for replica in np.ndindex(predictions.shape[:-1]):
            for c, (f, g) in enumerate(self.channels):
                first, second = functions[(*replica, self.x1, f)], functions[(*replica, self.x2, g)]
                table = self.values[:, c].reshape(len(self), -1)
                predictions[replica] += (first[:, None] * second).ravel() @ table.T
        return predictions

    def on(self, points: np.ndarray, flavours: np.ndarray) -> ProductTable:
        """The same on another grid and other flavours, of which there may be more.

        Args:
            points: where each grid point stands on the other grid, (n,).
            flavours: where each flavour stands among the others, (f,).
        """
        return ProductTable(self.values, flavours[self.channels], points[self.x1], points[self.x2])

    def turned(self, matrix: np.ndarray) -> ProductTable:
        """The same predictions from other functions.

        Args:
            matrix: takes the other functions (..., g) to those of this table, (g, f).
        """
        products = [
            (self.values[:, c] * (matrix[first, f] * matrix[second, g]), (first, second))
            for c, (f, g) in enumerate(self.channels)
            for first in np.flatnonzero(matrix[:, f])
            for second in np.flatnonzero(matrix[:, g])
        ]
        if not products:
            return replace(self, values=self.values[:, :0], channels=self.channels[:0])
        values = np.stack([each for each, _ in products], axis=1)
        return replace(self, values=values, channels=np.array([pair for _, pair in products]))

    def folded(self) -> ProductTable:
        """The same predictions from fewer products.

        Channels of the same two flavours are added up. Where both functions are seen on the same
        grid points, products do not know their order: (g, f) is added to (f, g), transposed. Grid
        points that no datum needs are left out.
        """
        same = np.array_equal(self.x1, self.x2)
        merged: dict[tuple[int, int], np.ndarray] = {}
        for c, (f, g) in enumerate(self.channels.tolist()):
            turn = same and f > g
            values = self.values[:, c].transpose(0, 2, 1) if turn else self.values[:, c]
            pair = (g, f) if turn else (f, g)
            merged[pair] = merged[pair] + values if pair in merged else values
        used = {pair: values for pair, values in merged.items() if values.any()}
        if not used:
            return replace(self, values=self.values[:, :0], channels=self.channels[:0])
        values = np.stack(list(used.values()), axis=1)
        rows = np.flatnonzero(values.any(axis=(0, 1, 3)))
        columns = np.flatnonzero(values.any(axis=(0, 1, 2)))
        return ProductTable(
            values=values[:, :, rows][..., columns],
            channels=np.array(list(used)),
            x1=self.x1[rows],
            x2=self.x2[columns],
        )


def added(tables: Sequence[ProductTable]) -> ProductTable:
    """The table of the sum of the predictions of ``tables``."""
    x1 = reduce(np.union1d, [table.x1 for table in tables])
    x2 = reduce(np.union1d, [table.x2 for table in tables])
    values = np.zeros((len(tables[0]), sum(len(t.channels) for t in tables), len(x1), len(x2)))
    start = 0
    for table in tables:
        rows, columns = np.searchsorted(x1, table.x1), np.searchsorted(x2, table.x2)
        end = start + len(table.channels)
        values[:, start:end, rows[:, None], columns] = table.values
        start = end
    return ProductTable(values, np.concatenate([t.channels for t in tables]), x1, x2)


Table = np.ndarray | ProductTable
"""What acts on one function, (d, f, n), or on products of two."""


def table_arrays(tables: Sequence[Table]) -> dict[str, np.ndarray]:
    """What files hold for ``tables``: ``fk_0``, and of products ``fk_0_channels`` ... too."""
    found: dict[str, np.ndarray] = {}
    for i, table in enumerate(tables):
        if isinstance(table, ProductTable):
            found |= {f"fk_{i}": table.values, f"fk_{i}_channels": table.channels}
            found |= {f"fk_{i}_x1": table.x1, f"fk_{i}_x2": table.x2}
        else:
            found[f"fk_{i}"] = table
    return found
