"""What a page is about: a fit, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from replicafit.plugin import (
    Evolution,
    FunctionSource,
    OutputError,
    PluginError,
    Registry,
    StartingFunctions,
    load_target,
)
from replicafit_report.record import Record, read_record
from replicafit_report.views import Functions, plain

SAME = 1e-6
"""Relative distance below which two scales are the same."""
NO_FIT = "'{}' holds no fit, and nothing that an installed plugin reads. Check the path."


@dataclass(frozen=True)
class Side:
    """A fit, or functions that a plugin reads.

    Attributes:
        name: of the folder, or its path where names do not differ.
        record: the fit, if it is one.
        functions: of the replicas that count.
        path: where it is.
        registry: where evolutions and readers of functions are found.
        about: what its reader tells of it.
    """

    name: str
    record: Record | None
    functions: Functions
    path: Path
    registry: Registry
    about: Mapping[str, str]

    def at(self, scale: float) -> Functions:
        """The functions at another scale than they were fitted at.

        Raises:
            ReplicafitError: they are not known there.
        """
        if self.record is None:
            return _read(self.path, self.registry, {"q0": scale})[0]
        return _evolved(self.record, scale, self.registry)


@dataclass(frozen=True)
class SectionContext:
    """What the sections of plugins are made from.

    Attributes:
        sides: the fit of a report, and its reference if there is one; or the fits of a comparison.
        scales: asked for with ``--at-q``, rising, none of them that of ``sides``.
        registry: of the plugins.
        compares: whether the page compares.
        folder: that the page is about; of a comparison, the first.
        scale: that of the functions of ``sides``, if they have one.
    """

    sides: tuple[Side, ...]
    scales: tuple[float, ...]
    registry: Registry
    compares: bool = False
    folder: Path = Path()
    scale: float | None = None

    @property
    def fit(self) -> Record | None:
        """The first fit."""
        return next((side.record for side in self.sides if side.record is not None), None)

    @property
    def functions(self) -> tuple[Functions, ...]:
        """Of each side."""
        return tuple(side.functions for side in self.sides)

    def at(self, scale: float) -> tuple[Functions, ...]:
        """Of each side, at another scale."""
        return tuple(side.at(scale) for side in self.sides)


def fit_side(path: Path, registry: Registry) -> Side:
    """The fit in ``path``."""
    record = read_record(path)
    return Side(record.name, record, _fitted(record), path, registry, {})


def _fitted(record: Record) -> Functions:
    """The functions of a fit, at its own scale."""
    fit, refused = record.sound, record.refused
    return replace(
        plain(fit.flavours, fit.x, fit.values, record.reach, fit.inputs),
        numbers=fit.numbers,
        refused=np.empty((0, 0, 0)) if refused is None else refused.values,
        refused_numbers=() if refused is None else refused.numbers,
    )


def side_beside(path: Path, registry: Registry, attributes: Mapping[str, float]) -> Side:
    """The fit, or what a plugin reads, in ``path``.

    Args:
        attributes: those of the functions that it stands beside, such as their scale.
    """
    if _source(path, registry) is not None:
        functions, about = _read(path, registry, attributes)
        return Side(path.resolve().name, None, functions, path, registry, about)
    side = fit_side(path, registry)
    assert side.record is not None
    scale, own = attributes.get("q0"), side.record.attributes.get("q0")
    if scale is None or own is None or np.isclose(scale, own, rtol=SAME, atol=0):
        return side
    return replace(side, functions=side.at(scale))


def is_fit(path: Path, registry: Registry) -> bool:
    """Whether no plugin reads what is in ``path``."""
    return _source(path, registry) is None


def _source(path: Path, registry: Registry) -> FunctionSource | None:
    sources = registry.all(FunctionSource)
    when = f"when asked whether it knows '{path}'"
    return next((s for s in sources if s.call("recognizes", str(path), Path(), when=when)), None)


def _read(
    path: Path, registry: Registry, attributes: Mapping[str, float]
) -> tuple[Functions, Mapping[str, str]]:
    source = _source(path, registry)
    if source is None:
        raise OutputError(NO_FIT.format(path))
    with source.at_fault(f"when it read '{path}'"):
        known = load_target(source.read)(str(path), Path(), attributes)
        if not hasattr(known, "replicas"):
            raise OutputError(f"'{path}' has no replicas that fits could be compared with.")
        return plain(tuple(known.flavours), known.x, known.replicas(), None), dict(known.about)


def _evolved(record: Record, scale: float, registry: Registry) -> Functions:
    evolutions: Sequence[Evolution] = registry.all(Evolution)
    if not evolutions:
        raise PluginError(
            "Functions at other scales need a plugin that evolves them, and none is installed. "
            "For parton distributions, in a clone: pip install -e plugins/replicafit-lhapdf."
        )
    functions, refused = _fitted(record), []
    for evolution in evolutions:
        try:
            return functions.becoming(evolution.flavours, partial(_way, record, scale, evolution))
        except OutputError as cause:  # they are not its functions
            refused.append(str(cause))
    raise OutputError(" ".join(refused))


def _way(record: Record, scale: float, evolution: Evolution, values: np.ndarray) -> np.ndarray:
    """Functions (r, n, f) at another ``scale``, (r, n, g)."""
    fit = record.sound
    start = StartingFunctions(record.card, fit.flavours, record.attributes, fit.x, values)
    with evolution.at_fault(f"when it evolved functions to {scale:g}"):
        evolved: np.ndarray
        (evolved,) = np.asarray(load_target(evolution.evolve)(start, (scale,)), float)
        wanted = (*values.shape[:-1], len(evolution.flavours))
        if evolved.shape != wanted:
            raise ValueError(f"its values have shape {evolved.shape}, not {wanted}")
        return evolved
