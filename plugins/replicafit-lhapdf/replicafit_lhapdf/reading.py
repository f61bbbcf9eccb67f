"""Reads LHAPDF6 sets of ``lhagrid1`` format (arXiv:1412.7420), as functions of x and Q.

Between knots it interpolates as LHAPDF does by default: cubic in ln x and ln Q2, with the slope at
a knot the mean of those on its two sides (one side at the ends of a subgrid).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from replicafit.errors import DataError
from replicafit_lhapdf.flavours import EVOLUTION, PARTONS, evolution_from_partons

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """One subgrid: x f ``values`` (n, q, k) at ``x`` (n,) and ``q`` (q,) in GeV, all partons k."""

    x: Array
    q: Array
    values: Array

    def __call__(self, x: Array, q: float) -> Array:
        """x f (m, k) at x (m,)."""
        along_q = hermite_weights(np.log(self.q), np.log([q]))[0]
        along_x = hermite_weights(np.log(self.x), np.log(x))
        result: Array = along_x @ np.einsum("nqk,q->nk", self.values, along_q)
        return result


@dataclass(frozen=True)
class Member:
    """One member of a set, callable: ``member(x, q)`` is x f(x, Q) in the evolution basis.

    Attributes:
        head: what its file says of it, such as ``PdfType``.
        tables: its subgrids, rising in Q.
    """

    head: dict[str, Any]
    tables: tuple[Table, ...]

    flavours = EVOLUTION

    def __call__(self, x: Any, q: float) -> Array:
        """x f (m, g) of ``flavours`` at x (m,) and Q in GeV.

        Raises:
            ValueError: outside the set's range; nothing is extrapolated.
        """
        return self.partons(x, q) @ evolution_from_partons()

    def partons(self, x: Any, q: float) -> Array:
        """x f (m, k) of ``flavours.PARTONS`` at x (m,) and Q in GeV."""
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        first, last = self.tables[0], self.tables[-1]
        if not first.q[0] <= q <= last.q[-1]:
            raise ValueError(f"Q must be {first.q[0]:g} to {last.q[-1]:g} GeV; given: {q:g}.")
        if not ((points >= first.x[0]) & (points <= first.x[-1])).all():
            raise ValueError(
                f"x must be {first.x[0]:g} to {first.x[-1]:g}; given: {points.min():g} to "
                f"{points.max():g}."
            )
        return next(t for t in reversed(self.tables) if t.q[0] <= q)(points, q)


@dataclass(frozen=True)
class PdfSet:
    """An LHAPDF set; members are read when asked for.

    Attributes:
        folder: where it is.
        info: its ``.info``.
    """

    folder: Path
    info: dict[str, Any]

    def __len__(self) -> int:
        return int(self.info["NumMembers"])

    def __iter__(self) -> Iterator[Member]:
        return map(self.member, range(len(self)))

    def member(self, number: int) -> Member:
        """Member ``number``: 0 is the central one.

        Raises:
            DataError: there is none, or its file is damaged.
        """
        file = self.folder / f"{self.folder.name}_{number:04d}.dat"
        if not 0 <= number < len(self) or not file.is_file():
            raise DataError(
                f"The LHAPDF set '{self.folder}' has no member {number}; it says to have members "
                f"0 to {len(self) - 1}. Check the number, or get the set anew."
            )
        return _read_member(file)


def read_set(folder: str | Path) -> PdfSet:
    """The LHAPDF set in ``folder``, which bears the set's name.

    Raises:
        DataError: there is none, or its ``.info`` is damaged.
    """
    path = Path(folder).resolve()
    file = path / f"{path.name}.info"
    try:
        info = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError:
        raise DataError(
            f"'{folder}' holds no LHAPDF set: there is no {file.name}. Check the path."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as cause:
        raise DataError(f"'{file}' is damaged: {cause}. Get the set anew.") from None
    if not isinstance(info, dict) or info.get("Format") != "lhagrid1" or "NumMembers" not in info:
        raise DataError(f"'{file}' does not describe a set of Format lhagrid1 with NumMembers.")
    return PdfSet(path, info)


def hermite_weights(knots: Array, at: Array) -> Array:
    """Weights (m, n) of values at ``knots`` (n,) that interpolate them at ``at`` (m,).

    Cubic Hermite polynomials with finite differences for slopes (arXiv:1412.7420, section 3.2).
    """
    slopes = _slopes(knots)
    cell = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    width = (knots[cell + 1] - knots[cell])[:, None]
    t = (at - knots[cell])[:, None] / width
    values = np.eye(len(knots))
    weights: Array = (
        (1 + 2 * t) * (1 - t) ** 2 * values[cell]
        + t**2 * (3 - 2 * t) * values[cell + 1]
        + t * (1 - t) ** 2 * width * slopes[cell]
        - t**2 * (1 - t) * width * slopes[cell + 1]
    )
    return weights


def _slopes(knots: Array) -> Array:
    """The matrix (n, n) that takes values at ``knots`` (n,) to slopes there."""
    differences = np.diff(np.eye(len(knots)), axis=0) / np.diff(knots)[:, None]
    before, after = (
        np.vstack([differences[:1], differences]),
        np.vstack([differences, differences[-1:]]),
    )
    mean: Array = (before + after) / 2
    return mean


def _read_member(file: Path) -> Member:
    try:
        head, *blocks = file.read_text(encoding="utf-8").split("---")
        tables = tuple(_read_table(block) for block in blocks if block.strip())
        if not tables:
            raise ValueError("it has no subgrid")
        return Member(yaml.safe_load(head), tables)
    except (ValueError, IndexError, yaml.YAMLError) as cause:
        raise DataError(f"'{file}' is damaged: {cause}. Get the set anew.") from None


def _read_table(block: str) -> Table:
    lines = block.strip().split("\n", 3)
    x, q = (np.array(line.split(), dtype=np.float64) for line in lines[:2])
    pids = [21 if pid == "0" else int(pid) for pid in lines[2].split()]
    numbers = np.array(lines[3].split(), dtype=np.float64)
    values = np.zeros((len(x), len(q), len(PARTONS)))
    known = [column for column, pid in enumerate(pids) if pid in PARTONS]
    content = numbers.reshape(len(x), len(q), len(pids))[:, :, known]
    values[:, :, [PARTONS.index(pids[column]) for column in known]] = content
    return Table(x, q, values)
