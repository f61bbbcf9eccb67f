"""The exporter: from the folder of a fit to an LHAPDF set in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replicafit_pdf.theory import scale_of, theory_of

from replicafit import __version__
from replicafit.plugin import OutputError, WholeFit, appearing
from replicafit_lhapdf.files import About
from replicafit_lhapdf.functions import read_functions
from replicafit_lhapdf.grid import subgrids


def export(fit: WholeFit) -> Path:
    """Writes ``lhapdf/NAME`` in the fit's folder: member 0 the mean, then the replicas in order.

    Raises:
        OutputError: a name or a fit of which no LHAPDF set can be made.
    """
    name = _checked(fit.name)
    run = json.loads((fit.folder / "run.json").read_text(encoding="utf-8"))
    theory = theory_of(fit.runcard)
    about = About(
        name=name,
        description=_description(run["runcard"]["title"], len(fit.numbers)),
        provenance={"Version": __version__, "Runcard": run["hash"]},
    )
    functions = dict(zip(fit.numbers, read_functions(fit.folder, fit.numbers), strict=True))
    try:
        from replicafit_lhapdf.sets import write_set
    except ImportError as cause:
        raise OutputError(
            f"hoppet, which evolves, cannot be used ({cause}). pip install hoppet."
        ) from None
    with appearing(fit.folder / "lhapdf" / name) as temporary:
        write_set(temporary, about, functions, theory, fit.progress)
    return fit.folder / "lhapdf" / name


def check(runcard: Mapping[str, Any], attributes: Mapping[str, float]) -> None:
    """Refuses what cannot be evolved from the scale of the fit.

    Raises:
        OutputError: the scale is not between the thresholds, or unknown.
    """
    subgrids(theory_of(runcard), scale_of(attributes))


def _checked(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name):
        return name
    raise OutputError(
        f"'{name}' cannot be the name of an LHAPDF set. Give one of letters, digits, '_', '-', '+' "
        "and '.', with --name."
    )


def _description(title: str, replicas: int) -> str:
    return (
        f"{title or 'A fit by replicafit'}. mem=0 => average on replicas; "
        f"mem=1-{replicas} => PDF replicas"
    )
