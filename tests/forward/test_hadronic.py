"""Tables for two hadrons: chi2 and its gradients on the device beside the slow sum in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hadronic import CHANNELS, hadronic_dataset, hadronic_table, slow_prediction
from keras import ops
from replicafit_pdf.evolution_basis import rotation
from toy import FLAVOURS, toy_dataset, toy_function

from replicafit.data import ProductTable, replica_data, stack
from replicafit.forward.chi2 import chi2_of, of_squares, on_device
from replicafit.forward.forms import plan_forms
from replicafit.forward.predictions import chi2, predict, predict_all
from replicafit.forward.squares import CURVATURE, ROUNDING, squares
from replicafit.forward.tables import contracted
from replicafit.seeds import Seeds
from replicafit.training.backend import backend

FITTED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
"""v15 is not fitted: the channel v15 v3 becomes v v3."""

TABLES = {"NULL": 1, "ADD": 2, "RATIO": 2, "ASY": 2, "SMN": 4, "SMT": 10, "COM": 20}
COMBINED = {
    "NULL": lambda t: t[0],
    "ADD": lambda t: t[0] + t[1],
    "RATIO": lambda t: t[0] / t[1],
    "ASY": lambda t: (t[0] - t[1]) / (t[0] + t[1]),
    "SMN": lambda t: (t[0] + t[1]) / (t[2] + t[3]),
    "SMT": lambda t: sum(t),
    "COM": lambda t: sum(t[:10]) / sum(t[10:]),
}


def combined(operation: str, n_data: int):
    """A dataset of two hadrons whose odd tables are those of one hadron."""
    dataset = hadronic_dataset(operation, n_data)
    n, generator = len(dataset.x_grid), np.random.default_rng(8)
    tables = tuple(
        generator.uniform(0.1, 1, (n_data, len(FLAVOURS), n)) * 10
        if i % 2
        else hadronic_table(n_data, n, i)
        for i in range(TABLES[operation])
    )
    return dataclasses.replace(dataset, tables=tables, operation=operation)


def slow(dataset, functions):
    """The prediction of ``dataset`` (d,), sum by sum, from x f (n, f) on its own grid."""
    each = [
        slow_prediction(table, functions)
        if isinstance(table, ProductTable)
        else np.einsum("nf,dfn->d", functions, table)
        for table in dataset.tables
    ]
    return COMBINED[dataset.operation](each)


@pytest.mark.parametrize("operation", list(TABLES))
def test_host_predictions_of_every_operation(operation, registry):
    dataset = combined(operation, 3)
    functions = toy_function(dataset.x_grid)
    found = predict(dataset, registry, np.stack([functions, functions]))
    expected = slow(dataset, functions)
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-11)


def all_kinds():
    """Data of one and of two hadrons, correlated among each other, on different grids."""
    return stack([toy_dataset("A", 12), hadronic_dataset("DY", 7), combined("SMN", 4)])


def test_the_joint_grid_changes_no_prediction(registry):
    data = all_kinds()
    together = predict_all(data, registry, toy_function(data.x_grid))
    for dataset, place in zip(data.datasets, data.slices, strict=True):
        alone = predict(dataset, registry, toy_function(dataset.x_grid))
        np.testing.assert_allclose(together[place], alone, rtol=1e-11)


def fitted_functions(data, slots):
    turn = np.linalg.pinv(rotation(FITTED, FLAVOURS))
    base = toy_function(data.x_grid) @ turn
    return base * np.random.default_rng(0).uniform(0.8, 1.2, (slots, *base.shape))


def slow_chi2(data, registry, functions, selection, values):
    residual = predict_all(data, registry, functions @ rotation(FITTED, data.flavours)) - values
    part = data.covariance[np.ix_(selection, selection)]
    return float(chi2(residual[selection], part))


@pytest.mark.parametrize(
    ("fraction", "precision", "tolerance"),
    [(0.75, "float64", 1e-9), (1.0, "float64", 1e-9), (0.75, "float32", 1e-3)],
)
def test_chi2_and_its_gradient(registry, fraction, precision, tolerance):
    """Every form that the planner picks; gradients beside central differences of the slow sum."""
    backend().prepare(precision)
    data = all_kinds()
    form = chi2_of(plan_forms(data, registry, FITTED, fraction < 1, precision))
    own = replica_data(data, Seeds(3), (1,), fraction)
    selection, values = own.training[0], own.values[0]
    functions = fitted_functions(data, 1)
    terms = form.terms(selection, values)
    cast = [type(t)(*(_cast(part, precision) for part in t)) for t in terms]

    def total(p):
        return ops.sum(form(tuple(cast), p)), ()

    start = ops.cast(ops.convert_to_tensor(functions), precision)
    (found, _), gradient = backend().value_and_grad(total)(start)
    expected = slow_chi2(data, registry, functions[0], selection, values)
    assert float(found) == pytest.approx(expected, rel=tolerance)
    gradient = ops.convert_to_numpy(gradient)[0]
    for n, f in np.random.default_rng(5).integers((0, 0), gradient.shape, (12, 2)):
        step = np.zeros_like(functions[0])
        step[n, f] = 1e-5 * max(abs(functions[0, n, f]), 1e-3)
        above, below = (
            slow_chi2(data, registry, functions[0] + sign * step, selection, values)
            for sign in (1, -1)
        )
        slope = (above - below) / (2 * step[n, f])
        allowed = {"float64": 1e-5, "float32": 3e-3}[precision] * float(np.abs(gradient).max())
        assert gradient[n, f] == pytest.approx(slope, rel=1e-5, abs=allowed)


def _cast(part, precision):
    if isinstance(part, tuple):
        return tuple(_cast(each, precision) for each in part)
    return ops.convert_to_tensor(part.astype(precision))


def test_replicas_do_not_mix():
    """Each slot's predictions are bitwise the same whoever is beside it, also beside a NaN."""
    backend().prepare("float32")
    table = hadronic_table(6, 9, 1)
    found = squares(table, np.full(6, 0.1), (9, len(FLAVOURS)), "float32")
    table_there = on_device(found, "float32")
    functions = np.random.default_rng(1).normal(size=(4, 9, len(FLAVOURS))).astype("float32")

    def predictions(functions):
        flat = ops.convert_to_tensor(functions.reshape(4, -1))
        return ops.convert_to_numpy(of_squares(table_there, flat))

    whole = predictions(functions)
    beside = functions.copy()
    beside[1], beside[2], beside[3] = 1e6, np.nan, functions[1]
    found = predictions(beside)
    np.testing.assert_array_equal(found[0], whole[0])
    np.testing.assert_array_equal(found[3], whole[1])
    assert np.isnan(found[2]).all()
    for slot in (0, 1):
        expected = slow_prediction(table, functions[slot].astype(np.float64))
        np.testing.assert_allclose(whole[slot], expected, rtol=1e-3, atol=1e-3)


def smooth_table(n_data: int, n: int) -> ProductTable:
    """A table whose rows are smooth along both grids, so that few squares do."""
    generator = np.random.default_rng(4)
    u = np.linspace(-1, 1, n)
    centers = generator.uniform(-0.5, 0.5, (2, n_data, 1, 1, 1))
    distance = 3 * (u[:, None] + u - centers[0]) ** 2 + (u[:, None] - u - centers[1]) ** 2
    strength = generator.uniform(0.5, 1, (n_data, len(CHANNELS), 1, 1))
    return ProductTable(strength * np.exp(-distance), CHANNELS, np.arange(n), np.arange(n))


def on_host(found, functions):
    """Predictions of squares (d,), from x f (n, f)."""
    parts = [
        (block.signs * np.tensordot(functions[block.points].ravel(), block.vectors, 1) ** 2).sum(1)
        for block in found.blocks
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("kind", ["smooth", "rough"])
def test_squares_are_as_exact_as_they_say(kind):
    """The bound holds for whatever functions, rough ones and those it is worst for."""
    n, f = 30, len(FLAVOURS)
    table, errors = smooth_table(20, n), np.full(20, 0.02)
    found = squares(table, errors, (n, f), "float32")
    assert 0 < found.cut <= ROUNDING * np.finfo("float32").eps
    assert found.products < table.products
    generator = np.random.default_rng(6)
    for _ in range(20):
        functions = generator.normal(size=(n, f))
        if kind == "smooth":
            functions = np.cumsum(np.cumsum(functions, axis=0), axis=0) / n**1.5
        bend = CURVATURE * np.diff(functions, n=2, axis=0)
        norm = (functions**2).sum() + (bend**2).sum()
        difference = on_host(found, functions) - table.predict(functions)
        rounding = 3e-6 * (functions**2).sum() * np.abs(table.values).max()
        assert (np.abs(difference) <= found.cut * errors * norm + rounding).all()


def test_a_datum_that_may_be_wrong_costs_no_squares():
    """What is kept depends on how exactly a datum is known; nothing allowed keeps all."""
    table, shape = smooth_table(3, 30), (30, len(FLAVOURS))
    sizes = [squares(table, np.full(3, e), shape, "float32").products for e in (1e9, 1, 1e-2, 0)]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 0
    nothing = on_device(squares(table, np.full(3, 1e9), shape, "float32"), "float32")
    zeros = of_squares(nothing, ops.ones((2, shape[0] * shape[1])))
    np.testing.assert_array_equal(ops.convert_to_numpy(zeros), np.zeros((2, 3)))


def test_equal_rows_are_kept_once():
    """As in cross sections over one total."""
    table, shape = smooth_table(5, 12), (12, len(FLAVOURS))
    total = dataclasses.replace(table, values=np.repeat(table.values[:1], 5, axis=0))
    one, all_of_them = (squares(t, np.ones(5), shape, "float64") for t in (total, table))
    assert one.n_data == 5
    assert one.size < all_of_them.size / 4
    p = np.random.default_rng(3).normal(size=(2, shape[0] * shape[1]))
    found = of_squares(on_device(one, "float64"), ops.convert_to_tensor(p))
    expected = [total.predict(each.reshape(shape)) for each in p]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-10)


def test_tables_that_are_added_become_one(registry):
    """Whatever grids they have; those of one hadron are another."""
    dataset = combined("SMT", 4)
    data = stack([dataset])
    (tables,) = contracted(data, registry, FLAVOURS)
    assert [isinstance(t, ProductTable) for t in tables.tables] == [False, True]
    functions = toy_function(data.x_grid)
    flat, of_two = tables.tables
    found = tables.combine(flat @ functions.ravel(), of_two.predict(functions))
    np.testing.assert_allclose(found, slow(dataset, functions), rtol=1e-11)


def test_the_plan_counts_tables_and_squares(registry):
    """Of each replica at most as many squares as functions have values, for each datum."""
    data = stack([hadronic_dataset("DY", 7)])
    size = plan_forms(data, registry, FITTED, True, "float32").size
    seen = (len(data.x_grid) - 1) * len(FITTED)  # no table has the first grid point
    assert 0 < size.made <= 7 * seen
    assert size.shared == size.made * seen


def test_data_that_nothing_correlates_have_small_whiteners(registry):
    """Two groups of two-hadron data and one with linear data: three forms, with the same chi2."""
    first, second = hadronic_dataset("DY", 7), hadronic_dataset("W", 5, seed=2)
    second = dataclasses.replace(second, sys_add_names=("CORR", "OTHER"))
    linear = toy_dataset("A", 12, shared=False)
    data = stack([linear, first, second])
    plan = plan_forms(data, registry, FITTED, True, "float64")
    assert plan.datasets == (("A",), ("DY",), ("W",))
    own = replica_data(data, Seeds(3), (1,), 0.75)
    selection, values = own.training[0], own.values[0]
    functions = fitted_functions(data, 1)
    form = chi2_of(plan)
    terms = [
        type(t)(*(_cast(part, "float64") for part in t)) for t in form.terms(selection, values)
    ]
    found = form(tuple(terms), ops.convert_to_tensor(functions))
    expected = slow_chi2(data, registry, functions[0], selection, values)
    assert float(found[0]) == pytest.approx(expected, rel=1e-9)


def test_a_closure_test_has_products(registry):
    dataset = hadronic_dataset("DY", 7)
    exact = predict(dataset, registry, toy_function(dataset.x_grid))
    assert np.abs(exact - dataset.central).max() < 0.2 * np.abs(exact).max()
