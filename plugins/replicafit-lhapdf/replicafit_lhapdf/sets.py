"""Writes a set: its members in parallel processes, then its ``.info``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from replicafit_pdf.evolution_basis import partons_from
from replicafit_pdf.theory import TheorySettings

from replicafit_lhapdf.evolution import evolution
from replicafit_lhapdf.files import About, Coupling, info_text, pids, subgrid_text
from replicafit_lhapdf.functions import Function
from replicafit_lhapdf.grid import X_KNOTS, subgrids
from replicafit_lhapdf.processes import Workers


def write_set(
    folder: Path,
    about: About,
    members: Sequence[tuple[str, Function]],
    theory: TheorySettings,
    progress: Callable[[int, int], None],
) -> None:
    """Writes the set of ``members``, each how its file begins and its function, into the new
    ``folder``.
    """
    q0 = members[0][1].q0
    subgrids(theory, q0)  # a theory that does not fit is refused before anything is written
    folder.mkdir(parents=True)
    with Workers(len(members)) as pool:
        try:
            coupling = pool.submit(tabulate_coupling, theory, q0)
            tasks = [
                pool.submit(write_member, folder / f"{about.name}_{m:04d}.dat", *member, theory)
                for m, member in enumerate(members)
            ]
            for done, task in enumerate(as_completed(tasks), start=1):
                task.result()
                progress(done, len(tasks))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    info = info_text(about, theory, coupling.result(), len(members))
    folder.joinpath(f"{about.name}.info").write_text(info, encoding="utf-8")


def write_member(file: Path, head: str, function: Function, theory: TheorySettings) -> None:
    """Evolves one member and writes its file; in a worker process."""
    file.write_text(member_text(head, function, theory), encoding="utf-8")


def member_text(head: str, function: Function, theory: TheorySettings) -> str:
    """The file of one member, which begins with ``head``."""
    evolved, grids = evolution(theory, function.q0), subgrids(theory, function.q0)
    to_partons = partons_from(function.flavours)
    evolved.start_from(function(evolved.x) @ to_partons)
    tables = [evolved.tabulate(X_KNOTS, subgrid) for subgrid in grids]
    below_one = X_KNOTS < 1
    tables[0][below_one, 0] = (
        function(X_KNOTS[below_one]) @ to_partons
    )  # at q0, without hoppet's grid
    texts = (subgrid_text(*each, pids(theory)) for each in zip(grids, tables, strict=True))
    return "".join([head, *texts])


def tabulate_coupling(theory: TheorySettings, q0: float) -> Coupling:
    """The strong coupling at the knots in Q; in a worker process."""
    evolved, grids = evolution(theory, q0), subgrids(theory, q0)
    return Coupling(
        q=np.concatenate([subgrid.q for subgrid in grids]),
        values=np.concatenate([evolved.alpha_s(subgrid.inside) for subgrid in grids]),
        at_m_z=float(evolved.alpha_s(np.array([theory.m_z]))[0]),
    )
