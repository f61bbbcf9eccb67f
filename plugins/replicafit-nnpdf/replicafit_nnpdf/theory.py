"""What the metadata of a dataset say of its theory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replicafit.plugin import DataError

OPERANDS: Mapping[str, int] = {
    **{"NULL": 1, "ADD": 2, "RATIO": 2, "ASY": 2},
    **{"SMN": 4, "COM": 20, "SMT": 10},
}
"""How many operands each operation combines (NNPDF's guide, "Theory data files")."""


class MissingFileError(DataError):
    """A file of a theory is not where it should be.

    Attributes:
        file: its name.
    """

    def __init__(self, file: str, message: str) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True)
class Theory:
    """How predictions come from FK tables.

    Attributes:
        operation: combines the operands, datum by datum.
        operands: the tables of each, whose rows follow each other.
        conversion_factor: of units; multiplies every table.
        shifts: how many data before the first one of a table have no prediction, by table.
        normalization: multiplies a table, by table.
    """

    operation: str
    operands: tuple[tuple[str, ...], ...]
    conversion_factor: float = 1.0
    shifts: Mapping[str, int] = field(default_factory=dict)
    normalization: Mapping[str, float] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table once."""
        return tuple(dict.fromkeys(name for operand in self.operands for name in operand))


def theory_of(name: str, given: Any) -> Theory:
    """The theory of the dataset ``name`` from nnpdf-data's ``TheoryMeta``.

    Raises:
        DataError: there is none, or it is one that cannot be used.
    """
    if given is None:
        raise DataError(
            f"nnpdf-data has no theory for the dataset {name}: its metadata name no FK tables. "
            "Choose a variant that does, or another dataset."
        )
    operation = "NULL" if given.operation in (None, "NONE") else str(given.operation).upper()
    theory = Theory(
        operation=operation,
        operands=tuple(tuple(operand) for operand in given.FK_tables),
        conversion_factor=float(given.conversion_factor),
        shifts=dict(given.shifts or {}),
        normalization=dict(given.normalization or {}),
    )
    _check(name, theory)
    return theory


def _check(name: str, theory: Theory) -> None:
    operation, count = theory.operation, len(theory.operands)
    if operation not in OPERANDS:
        raise DataError(
            f"Dataset {name} combines its tables with the operation {operation}, which is not "
            f"supported. Supported are {', '.join(OPERANDS)}."
        )
    if count != OPERANDS[operation]:
        raise DataError(
            f"Dataset {name} gives {count} groups of FK tables, but its operation {operation} "
            f"combines {OPERANDS[operation]}. Its metadata are at fault."
        )
    for key, mapping in (("shifts", theory.shifts), ("normalization", theory.normalization)):
        stray = sorted(set(mapping) - set(theory.tables))
        if stray:
            raise DataError(
                f"Dataset {name}: '{key}' of its metadata names {stray[0]}, which is none of its "
                f"FK tables ({', '.join(theory.tables)})."
            )
