"""FK tables: the observables of every basis function of the x grid.

A table is linear in x f(x, q0), so its column for one flavour and grid point is the observable
computed from the one function that is 1 at this point and interpolates to 0 at the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.corrections import PartonTable
from replicafit_dis.build.evolution import Evolution, parton_content
from replicafit_dis.build.observables import Combination
from replicafit_dis.grid import interpolation_matrix
from replicafit_dis.theory import C_EVEN, FLAVOURS

Array = npt.NDArray[np.float64]


def fk_table(
    evolution: Evolution,
    parts: Sequence[Combination | PartonTable],
    grid: Array,
    first: int,
    on_step: Callable[[int], None] = lambda done: None,
) -> Array:
    """The table of a proton target.

    Args:
        evolution: set up for the theory.
        parts: of the observables: in terms of massless structure functions, and of partons.
        grid: the common x grid, (n,).
        first: columns below this grid point are not computed and left out.
        on_step: called with 1 after each column.

    Returns:
        shape (d, f, n - first); observable = sum over f, n of table * x f(x, q0).
    """
    flavours = flavours_of(parts)
    basis = x_basis_functions(grid, evolution.x)
    table = np.zeros((parts[0].n_data, len(FLAVOURS), len(grid) - first))
    for flavour in flavours:
        content = parton_content(flavour)
        for node in range(first, len(grid)):
            evolution.start_from(basis[:, node, None] * content)
            column = sum(evaluate(evolution, part) for part in parts)
            table[:, FLAVOURS.index(flavour), node - first] = column
            on_step(1)
    return table


def flavours_of(parts: Sequence[Combination | PartonTable]) -> tuple[str, ...]:
    """The functions whose columns are not zero."""
    valence = any(part.sees_valence for part in parts)
    return tuple(flavour for flavour in FLAVOURS if valence or flavour in C_EVEN)


def evaluate(evolution: Evolution, part: Combination | PartonTable) -> Array:
    """The part (d,) of the observables, of the functions that ``evolution`` started from."""
    if isinstance(part, PartonTable):
        return evaluate_partons(evolution, part)
    return evaluate_combination(evolution, part)


def evaluate_combination(evolution: Evolution, combination: Combination) -> Array:
    """Massless structure functions, each at its x and q2."""
    points, inverse = np.unique(
        np.stack([combination.x, np.sqrt(combination.q2)]), axis=1, return_inverse=True
    )
    values = evolution.structure_functions(*points)[inverse]
    terms = np.sum(combination.weights * values, axis=1)
    summed = np.bincount(combination.datum, weights=terms, minlength=combination.n_data)
    return np.asarray(summed, dtype=np.float64)


def evaluate_partons(evolution: Evolution, table: PartonTable) -> Array:
    """The sum over partons and grid points of the table times x f(x, Q)."""
    q2, datum = np.unique(table.q2, return_inverse=True)
    partons = evolution.partons(table.grid, np.sqrt(q2))
    return np.asarray(np.einsum("dpn,dpn->d", table.values, partons[datum]))


def x_basis_functions(grid: Array, x: Array) -> Array:
    """x f(x) at ``x`` (m,) when x f is 1 at one grid point and 0 at the others; shape (m, n).

    x f is interpolated, not f: at small x it is the smoother of the two, and the predictions of the
    Les Houches toy functions through the table are 1e-5 from those without, instead of 1e-4.
    """
    unique, inverse = np.unique(x, return_inverse=True)
    matrix: Array = interpolation_matrix(grid, unique)[inverse]
    return matrix
