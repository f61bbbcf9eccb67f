"""Predictions against pineappl's own convolution, for every operation and key of the metadata."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from replicafit_nnpdf.theory import OPERANDS

from replicafit.errors import DataError

N_DATA = 4

BY_HAND = {
    "NULL": lambda t: t[0],
    "ADD": lambda t: t[0] + t[1],
    "RATIO": lambda t: t[0] / t[1],
    "ASY": lambda t: (t[0] - t[1]) / (t[0] + t[1]),
    "SMN": lambda t: (t[0] + t[1]) / (t[2] + t[3]),
    "COM": lambda t: np.sum(t[:10], axis=0) / np.sum(t[10:], axis=0),
    "SMT": lambda t: np.sum(t, axis=0),
}


def test_every_operation_is_tried() -> None:
    assert set(BY_HAND) == set(OPERANDS)


@pytest.mark.parametrize("hadrons", [1, 2])
@pytest.mark.parametrize("operation", BY_HAND)
def test_operations(workshop: Any, toy: Any, operation: str, hadrons: int) -> None:
    """Each table has its own grid."""
    names = [f"T{i}" for i in range(OPERANDS[operation])]
    channels = toy.dis if hadrons == 1 else toy.pp
    paths = [
        workshop.table(name, N_DATA, channels, x=toy.x[i % 3 :], seed=i, positive=True)
        for i, name in enumerate(names)
    ]
    workshop.measured(N_DATA, {"FK_tables": [[n] for n in names], "operation": operation.lower()})
    dataset = workshop.read()
    assert dataset.operation == operation
    expected = BY_HAND[operation]([toy.convolved(path) for path in paths])
    np.testing.assert_allclose(toy.predicted(dataset), expected, rtol=1e-10)


@pytest.mark.parametrize("hadrons", [1, 2])
def test_tables_below_each_other_with_all_factors(workshop: Any, toy: Any, hadrons: int) -> None:
    """Conversion factor, normalization and two C-factors, on different grids and channels."""
    channels = toy.dis if hadrons == 1 else toy.pp
    first = workshop.table("A", 2, channels[:3], x=toy.x[::2], seed=1)
    second = workshop.table("B", 3, channels[1:], x=np.geomspace(3e-3, 1, 5), seed=2)
    factors = {"QCD": ([1.1, 1.2], [1.3, 1.4, 1.5]), "EWK": ([0.9, 0.8], [0.7, 0.6, 0.5])}
    for factor, (of_a, of_b) in factors.items():
        workshop.cfactor(factor, "A", of_a)
        workshop.cfactor(factor, "B", of_b)
    theory = {"FK_tables": [["A", "B"]], "conversion_factor": 1000.0, "normalization": {"B": 0.25}}
    workshop.measured(5, theory)
    dataset = workshop.read(cfactors=["QCD", "EWK"])
    expected = np.concatenate(
        [
            1000 * toy.convolved(first) * np.array([1.1 * 0.9, 1.2 * 0.8]),
            250 * toy.convolved(second) * np.array([1.3 * 0.7, 1.4 * 0.6, 1.5 * 0.5]),
        ]
    )
    np.testing.assert_allclose(toy.predicted(dataset), expected, rtol=1e-10)


def test_grids_equal_but_for_rounding_are_one(workshop: Any, toy: Any) -> None:
    workshop.table("A", N_DATA, seed=1)
    workshop.table("B", N_DATA, x=toy.x * (1 + 1e-15), seed=2)
    workshop.measured(N_DATA, {"FK_tables": [["A"], ["B"]], "operation": "ADD"})
    assert len(workshop.read().x_grid) == len(toy.x)


@pytest.mark.parametrize("zeros", [0, 3])
@pytest.mark.parametrize("hadrons", [1, 2])
def test_one_divisor_for_all_data(workshop: Any, toy: Any, hadrons: int, zeros: int) -> None:
    """A total cross section has one row, or rows of zeros below it."""
    channels = toy.dis if hadrons == 1 else toy.pp
    parts = workshop.table("A", N_DATA, channels, seed=1)
    one = np.random.default_rng(2).uniform(1, 2, (1, len(channels), *[len(toy.x)] * hadrons))
    values = np.concatenate([one, np.zeros((zeros, *one.shape[1:]))])
    total = workshop.table("B", 1 + zeros, channels, values=values)
    workshop.measured(N_DATA, {"FK_tables": [["A"], ["B"]], "operation": "RATIO"})
    expected = toy.convolved(parts) / toy.convolved(total)[0]
    np.testing.assert_allclose(toy.predicted(workshop.read()), expected, rtol=1e-10)


@pytest.mark.parametrize("hadrons", [1, 2])
@pytest.mark.parametrize("operation", ["RATIO", "ADD", "NULL"])
def test_zeros_after_the_last_datum_are_padding(
    workshop: Any, toy: Any, hadrons: int, operation: str
) -> None:
    """In the numerator of a ratio too; numbers there belong to other data, and are refused."""
    channels = toy.dis if hadrons == 1 else toy.pp
    names = ["A", "B"][: OPERANDS[operation]]
    shape = (N_DATA, len(channels), *[len(toy.x)] * hadrons)
    tables = {n: np.random.default_rng(i).uniform(1, 2, shape) for i, n in enumerate(names)}
    padding = np.zeros((3, *shape[1:]))
    paths = [
        workshop.table(n, N_DATA + 3, channels, values=np.concatenate([v, padding]))
        for n, v in tables.items()
    ]
    theory = {"FK_tables": [[n] for n in names], "operation": operation}
    workshop.measured(N_DATA, theory)
    expected = BY_HAND[operation]([toy.convolved(path)[:N_DATA] for path in paths])
    np.testing.assert_allclose(toy.predicted(workshop.read()), expected, rtol=1e-10)
    padding[-1] = 1
    workshop.table("A", N_DATA + 3, channels, values=np.concatenate([tables["A"], padding]))
    with pytest.raises(DataError, match="end with row 7"):
        workshop.read()


def test_shifts_leave_data_without_theory(workshop: Any, toy: Any) -> None:
    """Data 2 and 3 come before the second table and have no prediction."""
    first, second = workshop.table("A", 2, seed=1), workshop.table("B", 2, toy.dis[:2], seed=2)
    workshop.measured(6, {"FK_tables": [["A", "B"]], "shifts": {"B": 2}})
    dataset = workshop.read(without_theory="remove")
    expected = np.concatenate([toy.convolved(first), toy.convolved(second)])
    np.testing.assert_allclose(toy.predicted(dataset), expected, rtol=1e-10)
    np.testing.assert_array_equal(dataset.central, [1, 2, 5, 6])


def test_channels_without_values_are_left_out(workshop: Any, toy: Any) -> None:
    """NNPDF's tables may list photons and top quarks that nothing depends on."""
    values = np.random.default_rng(3).normal(size=(N_DATA, 3, len(toy.x)))
    values[:, 1:] = 0
    workshop.table("A", N_DATA, [(100,), (22,), (235,)], values=values)
    workshop.measured(N_DATA, {"FK_tables": [["A"]]})
    assert workshop.read().flavours == ("sigma",)


def test_one_and_two_hadrons_in_one_ratio(workshop: Any, toy: Any) -> None:
    first, second = workshop.table("A", N_DATA, seed=1), workshop.table("B", N_DATA, toy.pp, seed=2)
    workshop.measured(N_DATA, {"FK_tables": [["A"], ["B"]], "operation": "RATIO"})
    expected = toy.convolved(first) / toy.convolved(second)
    np.testing.assert_allclose(toy.predicted(workshop.read()), expected, rtol=1e-10)
