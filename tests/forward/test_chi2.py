"""chi2 on the device equals the slow, obvious sum on the host."""

from __future__ import annotations

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import ops
from replicafit_pdf.evolution_basis import rotation
from toy import FLAVOURS, toy_dataset, toy_function

from replicafit.data import read_dataset, replica_data, stack
from replicafit.errors import DataError
from replicafit.forward.chi2 import Chi2, chi2_of
from replicafit.forward.compressed import compressed
from replicafit.forward.forms import plan_forms
from replicafit.forward.predictions import chi2, predict, predict_all
from replicafit.forward.shared import shared_diagonal, shared_rotated, shared_whole
from replicafit.forward.tables import contracted, stacked_table
from replicafit.seeds import Seeds
from replicafit.training.backend import backend

FITTED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


def functions(data, slots):
    turn = np.linalg.pinv(rotation(FITTED, FLAVOURS))
    generator = np.random.default_rng(0)
    base = toy_function(data.x_grid) @ turn
    return base * generator.uniform(0.8, 1.2, (slots, *base.shape))


def compare(data, registry, fraction, precision, tolerance, forms=None):
    """chi2 of the planned forms, or of ``forms``, beside the slow one on the host."""
    backend().prepare(precision)
    planned = plan_forms(data, registry, FITTED, fraction < 1, precision)
    form = Chi2(forms) if forms else chi2_of(planned)
    own = replica_data(data, Seeds(3), (1, 2, 3), fraction)
    values = functions(data, 3)
    predictions = predict_all(data, registry, values @ rotation(FITTED, data.flavours))
    for slot in range(3):
        for selection in (own.training[slot], ~own.training[slot]):
            if not selection.any():
                continue
            found = evaluated(form, selection, own.values[slot], values[slot], precision)
            residual = (predictions[slot] - own.values[slot])[selection]
            expected = chi2(residual, data.covariance[np.ix_(selection, selection)])
            assert found == pytest.approx(float(expected), rel=tolerance, abs=1e-12)
    return planned


def evaluated(form, selection, values, functions, precision):
    terms = keras.tree.map_structure(
        lambda a: ops.convert_to_tensor(a.astype(precision)), form.terms(selection, values)
    )
    values = ops.cast(ops.convert_to_tensor(functions[None]), precision)
    found = float(form(terms, values)[0])
    constants = sum(float(own.constant[0]) for own in terms)
    squares = float(ops.sum(form.residuals(terms, values) ** 2))
    assert squares + constants == pytest.approx(found, rel=1e-5)
    return found


@pytest.mark.parametrize("fraction", [0.1, 0.75, 1.0])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 3e-4)])
def test_planned_forms_are_exact(toy_data, registry, fraction, precision, tolerance):
    compare(toy_data, registry, fraction, precision, tolerance)


@pytest.mark.parametrize("names", [("A",), ("RATIO",), ("A", "RATIO")])
@pytest.mark.parametrize("fraction", [0.75, 1.0])
def test_each_kind_of_data(registry, names, fraction):
    kinds = {"A": "NULL", "RATIO": "RATIO"}
    data = stack([toy_dataset(n, 15, kinds[n], shared=len(names) == 1) for n in names])
    compare(data, registry, fraction, "float64", 1e-9)


def uncorrelated(dataset):
    nothing = np.zeros((dataset.n_data, 0))
    return dataclasses.replace(
        dataset, sys_add=nothing, sys_add_names=(), sys_mult_percent=nothing, sys_mult_names=()
    )


def names_of(plan):
    return {
        form.describe().get("form", "compressed"): names
        for form, names in zip(plan.forms, plan.datasets, strict=True)
    }


def test_uncorrelated_data_share_a_table_where_it_is_cheaper(toy_datasets, registry):
    few = dataclasses.replace(toy_dataset("CC", 3), name="CC")
    ratio = uncorrelated(toy_datasets[2])
    data = stack([toy_datasets[0], few, ratio])
    plan = compare(data, registry, 0.75, "float64", 1e-9)
    assert names_of(plan)["shared, uncorrelated"] == ("RATIO",)
    assert names_of(plan)["compressed"] == ("A", "CC")
    alone = compare(stack([uncorrelated(toy_datasets[0]), ratio]), registry, 0.75, "float64", 1e-9)
    assert set(names_of(alone)) == {"shared, uncorrelated"}


def test_all_replicas_share_one_table_where_nothing_is_split_off(toy_data, registry):
    plan = compare(toy_data, registry, 1.0, "float64", 1e-9)
    assert set(names_of(plan)) == {"shared, nothing split off"}
    assert len(plan.forms[0].rows) <= toy_data.n_data


def test_every_form_gives_the_same(toy_datasets, registry):
    """Uncorrelated data, without a split: every form is exact."""
    data = stack([uncorrelated(d) for d in toy_datasets])
    tables = contracted(data, registry, FITTED)
    inverse = np.diag(1 / np.sqrt(np.diag(data.covariance)))
    for form in (
        compressed(tables, data.errors, "float64"),
        shared_diagonal(tables, data.errors),
        shared_rotated(tables, inverse),
        shared_whole(tables, data.errors),
    ):
        compare(data, registry, 1.0, "float64", 1e-9, forms=(form,))


def test_sizes_are_those_of_the_arrays(toy_data, registry):
    for split in (True, False):
        plan = plan_forms(toy_data, registry, FITTED, split, "float64")
        terms = chi2_of(plan).terms(np.ones(toy_data.n_data, bool), toy_data.central)
        assert plan.size.own == sum(a.size for a in keras.tree.flatten(terms))


def test_predictions_on_the_joint_grid_equal_those_on_the_own_grid(toy_data, registry):
    together = predict_all(toy_data, registry, toy_function(toy_data.x_grid))
    for dataset, place in zip(toy_data.datasets, toy_data.slices, strict=True):
        alone = predict(dataset, registry, toy_function(dataset.x_grid))
        np.testing.assert_allclose(together[place], alone, rtol=1e-12)


def test_the_cut_directions_cannot_matter(toy_data, registry):
    """The bound of the module's docstring, for a selection of data."""
    tables = contracted(toy_data, registry, FITTED)
    form, table = compressed(tables, toy_data.errors, "float32"), stacked_table(tables)
    selection = replica_data(toy_data, Seeds(5), (1,), 0.6).training[0]
    first = form.linear[selection[form.linear]]
    factor = np.linalg.cholesky(toy_data.covariance[np.ix_(first, first)])
    whitened = np.linalg.solve(factor, table[selection[form.linear]])
    rest = np.eye(table.shape[1]) - form.directions @ form.directions.T
    assert np.linalg.norm(whitened @ rest, 2) <= form.first_cut * (1 + 1e-6) + 1e-12


def test_an_unknown_operation_is_named(toy_datasets, registry):
    odd = dataclasses.replace(toy_datasets[0], operation="RATO")
    with pytest.raises(DataError, match=r"Dataset A: .*'RATO'.*Did you mean 'RATIO'"):
        plan_forms(stack([odd]), registry, FITTED, True, "float32")


def test_an_operation_with_another_number_of_tables(toy_datasets, registry):
    odd = dataclasses.replace(toy_datasets[0], operation="RATIO")
    with pytest.raises(DataError, match="has 1 tables, but its operation RATIO combines 2"):
        plan_forms(stack([odd]), registry, FITTED, True, "float32")


def test_the_reference_data_are_contracted_exactly(reference, registry):
    """Training and validation chi2 of 2265 data, one dataset of ratios, to 1e-10."""
    backend().prepare("float64")
    folder = reference / "dis"
    data = stack([read_dataset(file) for file in sorted(folder.glob("*-*.npz"))])
    form = chi2_of(plan_forms(data, registry, data.flavours, True, "float64"))
    with np.load(folder / "nnpdf40_golden.npz") as stored:
        order = [list(map(str, stored["flavours"])).index(f) for f in data.flavours]
        functions = stored["xf_member_1"][order].T
    own = replica_data(data, Seeds(3), (1,), 0.75)
    residual = predict_all(data, registry, functions) - own.values[0]
    for selection in (own.training[0], ~own.training[0]):
        found = evaluated(form, selection, own.values[0], functions, "float64")
        expected = chi2(residual[selection], data.covariance[np.ix_(selection, selection)])
        assert found == pytest.approx(float(expected), rel=1e-10)


def test_golden_functions(reference, registry):
    """x f of NNPDF4.0 -> predictions and chi2, in total and per dataset, to 1e-8."""
    folder = reference / "dis"
    datasets = [read_dataset(file) for file in sorted(folder.glob("*-*.npz"))]
    data = stack(datasets)
    golden = json.loads((folder / "nnpdf40_golden.json").read_text())
    with np.load(folder / "nnpdf40_golden.npz") as stored:
        order = [list(map(str, stored["flavours"])).index(f) for f in data.flavours]
        np.testing.assert_allclose(stored["x_grid"], data.x_grid, rtol=1e-12)
        for member, expected in golden.items():
            number = member.removeprefix("member_")
            values = stored[f"xf_member_{number}"][order].T
            residual = predict_all(data, registry, values) - data.central
            total = chi2(residual, data.covariance) / data.n_data
            assert total == pytest.approx(expected["chi2_per_datum"], rel=1e-8)
            for dataset, place in zip(datasets, data.slices, strict=True):
                own = chi2(residual[place], data.covariance[place, place]) / dataset.n_data
                assert own == pytest.approx(expected["per_dataset"][dataset.name], rel=1e-8)
