"""From a fit to an LHAPDF set: of its replicas, which is the exporter, or of eigenvectors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from replicafit_pdf.evolution_basis import partons_from
from replicafit_pdf.theory import TheorySettings, scale_of, theory_of

from replicafit import __version__
from replicafit.plugin import GridFunctions, OutputError, WholeFit, appearing
from replicafit_lhapdf.files import CENTRAL, ERROR, About, replica_head
from replicafit_lhapdf.functions import Function, mean, of_table, read_functions, refuse_grid
from replicafit_lhapdf.grid import subgrids


def export(fit: WholeFit) -> Path:
    """Writes ``lhapdf/NAME`` in the fit's folder: member 0 the mean, then the replicas in order.

    Raises:
        OutputError: a name or a fit of which no LHAPDF set can be made.
    """
    name = _checked(fit.name, ", with --name")
    run = json.loads((fit.folder / "run.json").read_text(encoding="utf-8"))
    theory = theory_of(fit.runcard)
    about = About(
        name=name,
        description=_description(run["runcard"]["title"], len(fit.numbers)),
        provenance={"Version": __version__, "Runcard": run["hash"]},
    )
    functions = read_functions(fit.folder, fit.numbers)
    heads = map(replica_head, fit.numbers)
    members = [(CENTRAL, mean(functions)), *zip(heads, functions, strict=True)]
    folder = fit.folder / "lhapdf" / name
    _write(folder, about, members, theory, fit.progress)
    return folder


def check_hessian_set(name: str, like: GridFunctions, runcard: Mapping[str, Any]) -> None:
    """Refuses a set called ``name`` of functions such as ``like`` that ``write_hessian_set`` would.

    Args:
        name, like, runcard: as for ``write_hessian_set``, where the name is that of the folder.

    Raises:
        OutputError: a name or functions of which no LHAPDF set can be made.
    """
    _checked(name)
    refuse_grid(like.x, "those here")
    check(runcard, like.attributes)
    partons_from(like.flavours)


def write_hessian_set(
    folder: Path,
    members: Sequence[np.ndarray],
    like: GridFunctions,
    runcard: Mapping[str, Any],
    *,
    description: str,
    provenance: Mapping[str, str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Writes the LHAPDF set ``folder`` of eigenvectors (``ErrorType: symmhessian``).

    Args:
        folder: new; its name is that of the set.
        members: each (n, f): first the central functions, then those one standard deviation away
            from them along each eigenvector, so that squares of distances add up.
        like: functions that say the grid, the names and the scale of the members.
        runcard: of the fit with all defaults, as plain data: its ``theory`` evolves.
        description: one line.
        provenance: further keys of the ``.info``, which begin with ``Replicafit`` there.
        progress: ``(done, total)``, told now and then.

    Raises:
        OutputError: a name or functions of which no LHAPDF set can be made.
    """
    check_hessian_set(folder.name, like, runcard)
    scale = scale_of(like.attributes)
    functions = [of_table(values, like, scale) for values in members]
    count = len(functions) - 1
    about = About(
        name=folder.name,
        description=f"{description}. mem=0 => central; mem=1-{count} => eigenvectors",
        provenance={"Version": __version__, **provenance},
        error_type="symmhessian",
    )
    heads = [CENTRAL, *[ERROR] * count]
    pairs = list(zip(heads, functions, strict=True))
    _write(folder, about, pairs, theory_of(runcard), progress)


def _write(
    folder: Path,
    about: About,
    members: Sequence[tuple[str, Function]],
    theory: TheorySettings,
    progress: Callable[[int, int], None],
) -> None:
    try:
        from replicafit_lhapdf.sets import write_set
    except ImportError as cause:
        raise OutputError(
            f"hoppet, which evolves, cannot be used ({cause}). pip install hoppet."
        ) from None
    with appearing(folder) as temporary:
        write_set(temporary, about, members, theory, progress)


def check(runcard: Mapping[str, Any], attributes: Mapping[str, float]) -> None:
    """Refuses what cannot be evolved from the scale of the fit.

    Raises:
        OutputError: the scale is not between the thresholds, or unknown.
    """
    subgrids(theory_of(runcard), scale_of(attributes))


def _checked(name: str, how: str = "") -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name):
        return name
    raise OutputError(
        f"'{name}' cannot be the name of an LHAPDF set. Give one of letters, digits, '_', '-', '+' "
        f"and '.'{how}."
    )


def _description(title: str, replicas: int) -> str:
    return (
        f"{title or 'A fit by replicafit'}. mem=0 => average on replicas; "
        f"mem=1-{replicas} => PDF replicas"
    )
