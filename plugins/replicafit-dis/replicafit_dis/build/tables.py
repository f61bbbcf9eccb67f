"""FK tables: the observables of every basis function of the x grid.

A table is linear in x f(x, q0), so its column for one flavour and grid point is the observable
computed from the one function that is 1 at this point and interpolates to 0 at the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from replicafit_dis.build.corrections import PartonTable
from replicafit_dis.build.evolution import Evolution, parton_content
from replicafit_dis.build.observables import Combination
from replicafit_dis.grid import interpolation_matrix
from replicafit_dis.theory import C_EVEN, FLAVOURS, ISOTRIPLET

Array = npt.NDArray[np.float64]


def fk_table(
    evolution: Evolution,
    combination: Combination,
    heavy: PartonTable | None,
    grid: Array,
    first: int,
    on_step: Callable[[int], None] = lambda done: None,
) -> Array:
    """The table of a proton target.

    Args:
        evolution: set up for the theory.
        combination: the observables in terms of massless structure functions.
        heavy: what is added to them, on ``grid[first:]``.
        grid: the common x grid, (n,).
        first: columns below this grid point are not computed and left out.
        on_step: called with 1 after each column.

    Returns:
        shape (d, f, n - first); observable = sum over f, n of table * x f(x, q0).
    """
    flavours = [f for f in FLAVOURS if combination.sees_valence or f in C_EVEN]
    basis = x_basis_functions(grid, evolution.x)
    table = np.zeros((combination.n_data, len(FLAVOURS), len(grid) - first))
    for flavour in flavours:
        content = parton_content(flavour)
        for node in range(first, len(grid)):
            evolution.start_from(basis[:, node, None] * content)
            column = evaluate(evolution, combination)
            if heavy is not None:
                column = column + evaluate_partons(evolution, heavy, grid[first:])
            table[:, FLAVOURS.index(flavour), node - first] = column
            on_step(1)
    return table


def evaluate(evolution: Evolution, combination: Combination) -> Array:
    """The observables (d,) of the functions that ``evolution`` started from."""
    points, inverse = np.unique(
        np.stack([combination.x, np.sqrt(combination.q2)]), axis=1, return_inverse=True
    )
    values = evolution.structure_functions(*points)[inverse]
    terms = np.sum(combination.weights * values, axis=1)
    summed = np.bincount(combination.datum, weights=terms, minlength=combination.n_data)
    return np.asarray(summed, dtype=np.float64)


def evaluate_partons(evolution: Evolution, table: PartonTable, grid: Array) -> Array:
    """The sum (d,) over partons and grid points of the table times x f(x, Q)."""
    q2, datum = np.unique(table.q2, return_inverse=True)
    partons = evolution.partons(grid, np.sqrt(q2))
    return np.asarray(np.einsum("dpn,dpn->d", table.values, partons[datum]))


def x_basis_functions(grid: Array, x: Array) -> Array:
    """x f(x) at ``x`` (m,) when x f is 1 at one grid point and 0 at the others; shape (m, n).

    x f is interpolated, not f: at small x it is the smoother of the two, and the predictions of the
    Les Houches toy functions through the table are 1e-5 from those without, instead of 1e-4.
    """
    unique, inverse = np.unique(x, return_inverse=True)
    matrix: Array = interpolation_matrix(grid, unique)[inverse]
    return matrix


def isoscalar(proton_table: Array) -> Array:
    """The table of a deuteron per nucleon: proton and neutron averaged, F2d = (F2p + F2n)/2.

    Isospin symmetry gives the neutron the opposite sign in t3 and v3, which drop out.
    """
    keep = np.array([flavour not in ISOTRIPLET for flavour in FLAVOURS], dtype=float)
    table: Array = proton_table * keep[:, None]
    return table
