"""Where the functions of a report come from: a fit, or an LHAPDF set; at any scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml
from replicafit_lhapdf.reading import read_at_scale
from replicafit_pdf.evolution_basis import EVOLUTION

from replicafit.components import DGLAP, Evolution, StartingFunctions, load_target
from replicafit.errors import OutputError
from replicafit.plugins import Registry
from replicafit_report.ensemble import Ensemble
from replicafit_report.record import Record, read_record

SAME = 1e-6
"""Relative distance below which two scales are the same."""


class Source(Protocol):
    """Replicas of functions at any scale."""

    @property
    def name(self) -> str: ...

    def at(self, q: float) -> Ensemble:
        """The functions at ``q`` in GeV.

        Raises:
            ReplicafitError: they are not known there.
        """


@dataclass(frozen=True)
class FitSource:
    """A fit: its tables at q0, and evolved from there by a plugin.

    Attributes:
        record: the fit.
        registry: where the evolution is looked for.
    """

    record: Record
    registry: Registry

    @property
    def name(self) -> str:
        """The folder's."""
        return self.record.name

    @property
    def q0(self) -> float:
        """Scale of the fitted functions, GeV."""
        return self.record.sound.q0

    def at(self, q: float) -> Ensemble:
        """The replicas that count, at ``q`` in GeV."""
        fit = self.record.sound
        if np.isclose(q, fit.q0, rtol=SAME, atol=0):
            return self.fitted
        evolve = load_target(self.registry.get(Evolution, DGLAP).evolve)
        card = self.record.run["runcard"]
        start = StartingFunctions(card, fit.flavours, fit.attributes, fit.x, fit.values)
        return Ensemble(self.name, EVOLUTION, q, fit.x, evolve(start, (q,))[0], at_q0=False)

    @property
    def fitted(self) -> Ensemble:
        """The replicas that count, at q0."""
        fit = self.record.sound
        return Ensemble(self.name, fit.flavours, fit.q0, fit.x, fit.values, reach=self._reach)

    @property
    def _reach(self) -> tuple[float, float] | None:
        if self.record.predictions is None:
            return None
        x = self.record.predictions.data.get("kinematics_x", np.empty(0))
        known = x[np.isfinite(x)]
        return (float(known.min()), float(known.max())) if len(known) else None


@dataclass(frozen=True)
class SetSource:
    """An LHAPDF set of Monte Carlo replicas.

    Attributes:
        path: its folder, which bears its name.
    """

    path: Path

    @property
    def name(self) -> str:
        """The set's."""
        return self.path.resolve().name

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """Its ``.info``.

        Raises:
            OutputError: it is damaged, or not that of replicas.
        """
        file = _info_file(self.path)
        try:
            info = yaml.safe_load(file.read_text(encoding="utf-8"))
            kind, _ = str(info["ErrorType"]), int(info["NumMembers"])
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as cause:
            raise OutputError(f"'{file}' is damaged ({cause!r}). Get the set anew.") from None
        if not kind.startswith("replicas"):
            raise OutputError(
                f"The LHAPDF set '{self.path}' has ErrorType {kind}; fits are compared with sets "
                "of Monte Carlo replicas, ErrorType replicas."
            )
        return dict(info)

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of its replicas; member 0, the mean, is none."""
        folder = self.path.resolve()
        numbers = range(1, int(self.info["NumMembers"]))
        return tuple(folder / f"{self.name}_{number:04d}.dat" for number in numbers)

    def at(self, q: float) -> Ensemble:
        """All its replicas at ``q`` in GeV."""
        if not self.files:
            raise OutputError(f"The LHAPDF set '{self.path}' has no replicas, only a mean.")
        read = [read_at_scale(str(file), Path(), {"q0": q}) for file in self.files]
        x = read[0].member.tables[-1].x
        values = np.stack([function(x) for function in read])
        return Ensemble(self.name, EVOLUTION, q, x, values, at_q0=False)


def is_set(path: Path) -> bool:
    """Whether the folder ``path`` is an LHAPDF set's."""
    return _info_file(path).is_file()


def source(path: Path, registry: Registry) -> FitSource | SetSource:
    """The fit or the LHAPDF set in the folder ``path``.

    Raises:
        OutputError: it is neither.
    """
    return SetSource(path) if is_set(path) else FitSource(read_record(path), registry)


def _info_file(path: Path) -> Path:
    folder = path.resolve()
    return folder / f"{folder.name}.info"
