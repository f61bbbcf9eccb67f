"""The evolution that reports ask for: functions of a fit at other scales than q0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from replicafit_pdf.evolution_basis import evolution_from_partons, partons_from
from replicafit_pdf.theory import scale_of, theory_of

from replicafit.plugin import OutputError, StartingFunctions
from replicafit_lhapdf.functions import SAME, Function
from replicafit_lhapdf.grid import Q_MAX, subgrids
from replicafit_lhapdf.processes import Workers, cores

Array = npt.NDArray[np.float64]


def evolve(start: StartingFunctions, scales: Sequence[float]) -> Array:
    """x f(x, Q), (s, r, n, g), in the evolution basis at ``scales`` in GeV.

    Raises:
        OutputError: functions that do not determine the partons or end below x = 1, or a scale
            that is not reached.
    """
    partons_from(start.flavours)
    if start.x.ndim != 1 or start.x[0] <= 0 or abs(start.x[-1] - 1) > SAME:
        raise OutputError(
            f"Evolution needs functions of one x in (0, 1], up to 1; these end at "
            f"{np.max(start.x):g}. Leave data.x_range away and fit again."
        )
    theory, q0 = theory_of(start.runcard), scale_of(start.attributes)
    subgrids(theory, q0)
    for q in scales:
        if not q0 <= q <= Q_MAX:
            raise OutputError(
                f"Q = {q:g} GeV is asked for. Evolution goes from q0 = {q0:g} GeV up to "
                f"{Q_MAX:g} GeV."
            )
    parts = np.array_split(start.values, min(len(start.values), cores()))
    with Workers(len(parts)) as pool:
        tasks = [pool.submit(_evolved, start, part, tuple(scales)) for part in parts]
        return np.concatenate([task.result() for task in tasks], axis=1)


def _evolved(start: StartingFunctions, values: Array, scales: Sequence[float]) -> Array:
    """The same for some replicas, ``values`` (r, n, f); in a worker process."""
    from replicafit_lhapdf.evolution import evolution

    q0, to_partons = scale_of(start.attributes), partons_from(start.flavours)
    evolved = evolution(theory_of(start.runcard), q0)
    tables = []
    for own in values:
        function = Function(start.x, own, start.flavours, q0)
        evolved.start_from(function(evolved.x) @ to_partons)
        tables.append(evolution_from_partons(evolved.at(start.x, np.array(scales))))
    return np.moveaxis(np.array(tables), 2, 0)
