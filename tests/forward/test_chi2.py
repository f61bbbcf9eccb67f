"""chi2 on the device equals the slow, obvious sum on the host."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras import ops
from toy import FLAVOURS, toy_dataset, toy_function

from replicafit.data import read_dataset, replica_data, stack
from replicafit.errors import DataError
from replicafit.forward.chi2 import chi2_form
from replicafit.forward.predictions import chi2, predict, predict_all
from replicafit.pdf.bases import rotation
from replicafit.seeds import Seeds
from replicafit.training.backend import seam

FITTED = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")


def functions(data, slots):
    turn = np.linalg.pinv(rotation(FITTED, FLAVOURS))
    generator = np.random.default_rng(0)
    base = toy_function(data.x_grid) @ turn
    return base * generator.uniform(0.8, 1.2, (slots, *base.shape))


def compare(data, registry, fraction, precision, tolerance):
    seam().prepare(precision)
    form = chi2_form(data, registry, FITTED, precision)
    own = replica_data(data, Seeds(3), (1, 2, 3), fraction)
    values = functions(data, 3)
    predictions = predict_all(data, registry, values @ rotation(FITTED, data.flavours))
    for slot in range(3):
        selection = own.training[slot]
        terms = form.terms(selection, own.values[slot])
        cast = [ops.cast(ops.convert_to_tensor(values[slot : slot + 1]), precision)]
        import keras

        terms = keras.tree.map_structure(
            lambda a: ops.convert_to_tensor(a.astype(precision)), terms
        )
        found = float(form(terms, cast[0])[0])
        residual = (predictions[slot] - own.values[slot])[selection]
        expected = chi2(residual, data.covariance[np.ix_(selection, selection)])
        assert found == pytest.approx(float(expected), rel=tolerance)


@pytest.mark.parametrize("fraction", [0.1, 0.75, 1.0])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-9), ("float32", 3e-4)])
def test_compressed_form_is_exact(toy_data, registry, fraction, precision, tolerance):
    compare(toy_data, registry, fraction, precision, tolerance)


@pytest.mark.parametrize("names", [("A",), ("RATIO",), ("A", "RATIO")])
def test_each_kind_of_group(registry, names):
    kinds = {"A": "NULL", "RATIO": "RATIO"}
    data = stack([toy_dataset(n, 15, kinds[n], shared=len(names) == 1) for n in names])
    compare(data, registry, 0.75, "float64", 1e-9)


def test_predictions_on_the_joint_grid_equal_those_on_the_own_grid(toy_data, registry):
    together = predict_all(toy_data, registry, toy_function(toy_data.x_grid))
    for dataset, place in zip(toy_data.datasets, toy_data.slices, strict=True):
        alone = predict(dataset, registry, toy_function(dataset.x_grid))
        np.testing.assert_allclose(together[place], alone, rtol=1e-12)


def test_the_cut_directions_cannot_matter(toy_data, registry):
    """The bound of the module's docstring, for a selection of data."""
    form = chi2_form(toy_data, registry, FITTED, "float32")
    selection = replica_data(toy_data, Seeds(5), (1,), 0.6).training[0]
    first = form.linear[selection[form.linear]]
    factor = np.linalg.cholesky(toy_data.covariance[np.ix_(first, first)])
    whitened = np.linalg.solve(factor, form.table[selection[form.linear]])
    rest = np.eye(form.table.shape[1]) - form.directions @ form.directions.T
    assert np.linalg.norm(whitened @ rest, 2) <= form.first_cut * (1 + 1e-6) + 1e-12


def test_an_unknown_operation_is_named(toy_datasets, registry):
    import dataclasses

    odd = dataclasses.replace(toy_datasets[0], operation="RATO")
    with pytest.raises(DataError, match=r"Dataset A: .*'RATO'.*Did you mean 'RATIO'"):
        chi2_form(stack([odd]), registry, FITTED, "float32")


def test_an_operation_with_another_number_of_tables(toy_datasets, registry):
    import dataclasses

    odd = dataclasses.replace(toy_datasets[0], operation="RATIO")
    with pytest.raises(DataError, match="has 1 tables, but its operation RATIO combines 2"):
        chi2_form(stack([odd]), registry, FITTED, "float32")


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
