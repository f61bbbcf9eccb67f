"""Reads LHAPDF6 sets of ``lhagrid1`` format (arXiv:1412.7420), as functions of x and Q.

A runcard, and ``--reference``, may name a set by its folder or its ``.info``, of which the central
member is read, or one member by its ``.dat``.

Between knots it interpolates as LHAPDF does by default: cubic in ln x and ln Q2, with the slope at
a knot the mean of those on its two sides (one side at the ends of a subgrid).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS, evolution_from_partons

from replicafit.plugin import DataError, OutputError

Array = npt.NDArray[np.float64]

SAME = 1e-6
"""Relative distance below which an end of the range and what is asked for are the same."""


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

    @property
    def flavours(self) -> tuple[str, ...]:
        """The whole evolution basis, length g."""
        return EVOLUTION

    def __call__(self, x: Any, q: float) -> Array:
        """x f (m, g) of ``flavours`` at x (m,) and Q in GeV.

        Raises:
            ValueError: outside the set's range; nothing is extrapolated.
        """
        return evolution_from_partons(self.partons(x, q))

    def partons(self, x: Any, q: float) -> Array:
        """x f (m, k) of ``flavours.PARTONS`` at x (m,) and Q in GeV."""
        points = np.atleast_1d(np.asarray(x, dtype=np.float64))
        first, last = self.tables[0], self.tables[-1]
        q, points = _within(q, first.q[0], last.q[-1]), _within(points, first.x[0], first.x[-1])
        if not first.q[0] <= q <= last.q[-1]:
            raise ValueError(f"Q must be {first.q[0]:g} to {last.q[-1]:g} GeV; given: {q:g}.")
        if not ((points >= first.x[0]) & (points <= first.x[-1])).all():
            raise ValueError(
                f"x must be {first.x[0]:g} to {first.x[-1]:g}; given: {points.min():g} to "
                f"{points.max():g}."
            )
        return next(t for t in reversed(self.tables) if t.q[0] <= q)(points, q)


@dataclass(frozen=True)
class AtScale:
    """A member at one scale, as datasets need it: callable, x f (m, g) at x (m,).

    Attributes:
        path: of its file.
        q: in GeV.
    """

    path: Path
    q: float
    member: Member

    @property
    def flavours(self) -> tuple[str, ...]:
        """Length g."""
        return self.member.flavours

    def __call__(self, x: Array) -> Array:
        """x f (m, g) at x (m,).

        Raises:
            DataError: outside the set's range.
        """
        try:
            return self.member(x, self.q)
        except ValueError as error:
            raise DataError(f"'{self.path}' is asked for what it does not have: {error}") from None

    @property
    def x(self) -> Array:
        """The knots of its table at that scale, (n,)."""
        tables = self.member.tables
        q = _within(self.q, tables[0].q[0], tables[-1].q[-1])
        return next(table for table in reversed(tables) if table.q[0] <= q).x

    @property
    def about(self) -> Mapping[str, str]:
        """What its set tells of itself."""
        info = read_set(self.path.parent).info
        known = {"title": "SetDesc", **{k: k for k in ("Authors", "Reference", "DataVersion")}}
        return {name: str(info[key]) for name, key in known.items() if key in info}

    def replicas(self) -> Array:
        """x f of all Monte Carlo replicas of its set, (r, n, g), at ``x``.

        Raises:
            OutputError: it is no set of replicas.
        """
        members = read_set(self.path.parent)
        kind = str(members.info.get("ErrorType"))
        if not kind.startswith("replicas"):
            raise OutputError(
                f"The LHAPDF set '{members.folder}' has ErrorType {kind}; fits are compared with "
                "sets of Monte Carlo replicas, ErrorType replicas."
            )
        if len(members) < 2:
            raise OutputError(f"The LHAPDF set '{members.folder}' has no replicas, only a mean.")
        each = (members.member(number) for number in range(1, len(members)))
        return np.stack([AtScale(self.path, self.q, member)(self.x) for member in each])


def recognizes(text: str, folder: Path) -> bool:
    """Whether ``text`` names a set or a member; whether it can be read is another question."""
    path = folder / text
    try:
        return path.suffix in (".dat", ".info") or any(path.glob("*_0000.dat"))
    except OSError:  # the system takes no such path
        return False


def read_at_scale(text: str, folder: Path, attributes: Mapping[str, float]) -> AtScale:
    """The member that ``text`` names, at the scale q0 of the fit.

    Raises:
        DataError: it is missing or damaged, or does not reach q0; or the fit has none.
    """
    path = folder / text
    if path.suffix != ".dat":
        path = path.parent if path.suffix == ".info" else path
        path = next(iter(sorted(path.glob("*_0000.dat"))), path / f"{path.name}_0000.dat")
    if "q0" not in attributes:
        raise DataError(
            f"'{path}' holds functions of x and Q, but the data name no scale q0 to take them at. "
            "Datasets in columns take q0 in their entry in the runcard."
        )
    q, member = attributes["q0"], _read_member(path)
    low, high = member.tables[0].q[0], member.tables[-1].q[-1]
    if not low <= _within(q, low, high) <= high:
        raise DataError(
            f"q0 = {q} GeV is outside the scales of '{path}', {low:.6g} to {high:.6g} GeV. Use "
            "tables or a set at another scale."
        )
    return AtScale(path, q, member)


def _within(values: Any, low: float, high: float) -> Any:
    """``values``, those that rounding has put outside of ``low`` to ``high`` moved to the end."""
    clipped = np.clip(values, low, high)
    return np.where(np.isclose(values, clipped, rtol=SAME, atol=0), clipped, values)


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
    except FileNotFoundError:
        raise DataError(f"There is no LHAPDF member at '{file}'. Check the path.") from None
    except (OSError, ValueError, IndexError, yaml.YAMLError) as cause:
        reason = f"'{file}' is damaged or no LHAPDF member: {cause}."
        raise DataError(f"{reason} Get the set anew.") from None


def _read_table(block: str) -> Table:
    lines = block.strip().split("\n", 3)
    x, q = (np.array(line.split(), dtype=np.float64) for line in lines[:2])
    if len(x) < 2 or len(q) < 2 or (np.diff(x) <= 0).any() or (np.diff(q) <= 0).any():
        raise ValueError("the knots of a subgrid do not rise, or there is one alone")
    pids = [21 if pid == "0" else int(pid) for pid in lines[2].split()]
    numbers = np.array(lines[3].split(), dtype=np.float64)
    values = np.zeros((len(x), len(q), len(PARTONS)))
    known = [column for column, pid in enumerate(pids) if pid in PARTONS]
    content = numbers.reshape(len(x), len(q), len(pids))[:, :, known]
    values[:, :, [PARTONS.index(pids[column]) for column in known]] = content
    return Table(x, q, values)
