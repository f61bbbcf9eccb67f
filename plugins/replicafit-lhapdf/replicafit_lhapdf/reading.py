"""Reads LHAPDF6 sets of ``lhagrid1`` format (arXiv:1412.7420), as functions of x and Q.

A runcard, and ``--reference``, may name a set by its folder or its ``.info``, of which the central
member is read, or one member by its ``.dat``.

Between knots it interpolates as LHAPDF does by default: cubic in ln x and ln Q2, with the slope at
a knot the mean of those on its two sides (one side at the ends of a subgrid).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from replicafit_pdf.evolution_basis import EVOLUTION, PARTONS, evolution_from_partons

from replicafit.plugin import DataError, OutputError

Array = npt.NDArray[np.float64]

_DAMAGES = (yaml.YAMLError, ValueError, RecursionError)
"""What a file raises that is no YAML: the second where a date or a number is none."""
SAME = 1e-6
"""Relative distance below which an end of the range and what is asked for are the same."""
TOUCHING = 1e-3
"""Relative distance below which one subgrid ends where the next begins: some sets leave a gap."""


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
        """x f (m, k) of ``PARTONS`` at x (m,) and Q in GeV.

        Raises:
            ValueError: as when called.
        """
        low, high = self.tables[0].q[0], self.tables[-1].q[-1]
        q = _within(q, low, high)
        if not low <= q <= high:
            raise ValueError(f"Q must be {low:g} to {high:g} GeV; given: {q:g}.")
        table = self.table(q)
        first, last = table.x[[0, -1]]
        points = _within(np.atleast_1d(np.asarray(x, dtype=np.float64)), first, last)
        if not ((points >= first) & (points <= last)).all():
            raise ValueError(
                f"x must be {first:g} to {last:g}; given: {points.min():g} to {points.max():g}."
            )
        return table(points, q)

    def table(self, q: float) -> Table:
        """The subgrid that Q in GeV, in the set's range, belongs to: above a threshold at one."""
        q = _within(q, self.tables[0].q[0], self.tables[-1].q[-1])
        return next(table for table in reversed(self.tables) if table.q[0] <= q)


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
        return self.member.table(self.q).x

    @property
    def about(self) -> Mapping[str, str]:
        """What its set tells of itself: nothing where there is no ``.info`` beside it."""
        if not any(self.path.parent.glob("*.info")):
            return {}
        info = read_set(self.path.parent).info
        known = {"title": "SetDesc", **{k: k for k in ("Authors", "Reference", "DataVersion")}}
        return {name: str(info[key]) for name, key in known.items() if key in info}

    def replicas(self) -> Array:
        """x f of all Monte Carlo replicas of its set, (r, n, g), at ``x``.

        Not of members at its end with another coupling or mass, as of ``replicas+as``.

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
        varied = re.findall(r"[+*]\s*(#?)", kind)  # by two members each, those with a # by one
        end = len(members) - sum(1 if single else 2 for single in varied)
        if end < 2:
            raise OutputError(f"The LHAPDF set '{members.folder}' has no replicas, only a mean.")
        each = (members.member(number) for number in range(1, end))
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
    if path.is_dir():
        found, own = sorted(path.glob("*_0000.dat")), path / f"{path.resolve().name}_0000.dat"
        path = own if own in found or not found else found[0]
    elif path.suffix == ".info":
        path = path.with_name(f"{path.stem}_0000.dat")
    elif path.suffix != ".dat":
        path = path / f"{path.name}_0000.dat"
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
        name: that its files begin with.
    """

    folder: Path
    info: dict[str, Any]
    name: str

    def __len__(self) -> int:
        return int(self.info["NumMembers"])

    def __iter__(self) -> Iterator[Member]:
        return map(self.member, range(len(self)))

    def member(self, number: int) -> Member:
        """Member ``number``: 0 is the central one.

        Raises:
            DataError: there is none, or its file is damaged.
        """
        file = self.folder / f"{self.name}_{number:04d}.dat"
        if not 0 <= number < len(self) or not file.is_file():
            raise DataError(
                f"The LHAPDF set '{self.folder}' has no member {number}; it says to have members "
                f"0 to {len(self) - 1}. Check the number, or get the set anew."
            )
        return _read_member(file)


def read_set(folder: str | Path) -> PdfSet:
    """The LHAPDF set in ``folder``, with one ``.info`` or one that has the folder's name.

    Raises:
        DataError: there is none, or its ``.info`` is damaged.
    """
    path = Path(folder).resolve()
    found = list(path.glob("*.info"))
    file = found[0] if len(found) == 1 else path / f"{path.name}.info"
    try:
        text = file.read_text(encoding="utf-8", errors="replace")  # names of authors may be Latin-1
        info = yaml.safe_load(text)
    except OSError:
        raise DataError(
            f"'{folder}' holds no LHAPDF set: there is no {file.name}. Check the path."
        ) from None
    except _DAMAGES as cause:
        raise DataError(f"'{file}' is damaged: {cause}. Get the set anew.") from None
    if (
        not isinstance(info, dict)
        or info.get("Format") != "lhagrid1"
        or type(info.get("NumMembers")) is not int
    ):
        raise DataError(f"'{file}' does not describe a set of Format lhagrid1 with NumMembers.")
    return PdfSet(path, info, file.stem)


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
        for lower, upper in pairwise(tables):
            if abs(upper.q[0] / lower.q[-1] - 1) > TOUCHING:
                raise ValueError("a subgrid does not begin at the Q where the one before it ends")
        return Member(yaml.safe_load(head) or {}, tables)
    except FileNotFoundError:
        raise DataError(f"There is no LHAPDF member at '{file}'. Check the path.") from None
    except (OSError, IndexError, *_DAMAGES) as cause:
        reason = f"'{file}' is damaged or no LHAPDF member: {cause}."
        raise DataError(f"{reason} Get the set anew.") from None


def _read_table(block: str) -> Table:
    lines = block.strip().split("\n", 3)
    x, q = (np.array(line.split(), dtype=np.float64) for line in lines[:2])
    for knots in (x, q):
        if len(knots) < 2 or not (knots[0] > 0 and (np.diff(knots) > 0).all()):
            raise ValueError("the knots of a subgrid do not rise from above 0, or one is alone")
    pids = [21 if pid == "0" else int(pid) for pid in lines[2].split()]
    if len(set(pids)) < len(pids):
        raise ValueError("a subgrid has a parton twice")
    numbers = np.array(lines[3].split(), dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("it has values that are not finite")
    values = np.zeros((len(x), len(q), len(PARTONS)))
    known = [column for column, pid in enumerate(pids) if pid in PARTONS]
    content = numbers.reshape(len(x), len(q), len(pids))[:, :, known]
    values[:, :, [PARTONS.index(pids[column]) for column in known]] = content
    return Table(x, q, values)
