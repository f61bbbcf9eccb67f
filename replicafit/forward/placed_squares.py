"""Sums of squares in place of products of functions, on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from replicafit.forward.squares import Squares


@dataclass(frozen=True)
class PlacedSquares:
    """``Squares`` on the device.

    It is put there before anything is compiled: an array that a compiled function merely sees is
    not copied into its code, which for tables of 100 MB took half a minute and 3 GB.

    Attributes:
        blocks: for each, the parts of p (p,) that it sees, its matrix (p', d k) and signs (d, k).
        n_data: how many data.
    """

    blocks: tuple[tuple[tuple[slice, ...], Any, np.ndarray], ...]
    n_data: int

    def predictions(self, p: Any) -> Any:
        """Predictions (r, d) from function values p (r, p), flavours running fastest."""
        each = [_sums(p, *block) for block in self.blocks]
        found = ops.concatenate(each, axis=1) if each[1:] else each[0]
        return ops.broadcast_to(found, (p.shape[0], self.n_data))


def _sums(p: Any, parts: Sequence[slice], matrix: Any, signs: np.ndarray) -> Any:
    """Sums of squares (r, d)."""
    seen = [p[:, part] for part in parts]
    joined = ops.concatenate(seen, axis=1) if seen[1:] else seen[0]
    along = ops.matmul(joined, ops.cast(matrix, p.dtype))
    signed = along * along * ops.cast(signs.ravel(), p.dtype)
    return ops.sum(ops.reshape(signed, (p.shape[0], *signs.shape)), axis=2)


def placed(squares: Squares, f: int, precision: str) -> PlacedSquares:
    """``squares`` on the device, for ``f`` functions."""
    blocks = []
    for block in squares.blocks:
        matrix = block.vectors.reshape(len(block.vectors), block.signs.size).astype(precision)
        runs = np.split(block.points, np.flatnonzero(np.diff(block.points) > 1) + 1)
        parts = tuple(slice(f * run[0], f * (run[-1] + 1)) for run in runs)
        blocks.append((parts, ops.convert_to_tensor(matrix), block.signs))
    return PlacedSquares(tuple(blocks), squares.n_data)
