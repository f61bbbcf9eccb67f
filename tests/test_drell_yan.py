"""Drell-Yan data at leading order: beside the formula, and in a whole fit."""

from __future__ import annotations

import json

import drell_yan
import numpy as np
import pytest
from commands import call
from replicafit_pdf.toy import ToyLesHouches
from toy import TOY_CARD, toy_dataset

import replicafit
from replicafit.data import read_dataset, stack, write_dataset
from replicafit.data.known_functions import on_flavours
from replicafit.execution.verify import verify
from replicafit.forward.forms import plan_forms
from replicafit.forward.predictions import predict, predict_all
from replicafit.runcard import load_setup

CARD = TOY_CARD.replace(
    "    - {type: file, path: BB.npz}\n    - {type: file, path: RATIO.npz}",
    "    - {type: file, path: DY_PP.npz}\n    - {type: file, path: DY_D_OVER_P.npz}\n"
    "  closure: {truth: toy_les_houches, level: 0}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A dataset of one hadron and two of two hadrons."""
    folder = tmp_path_factory.mktemp("drell_yan")
    for dataset in (toy_dataset("A", 20), drell_yan.cross_section(), drell_yan.ratio()):
        write_dataset(folder / f"{dataset.name}.npz", dataset)
    (folder / "card.yml").write_text(CARD)
    return folder


def quarks(x, target, registry):
    """x q and x qbar of u, d, s (d, 3) of the Les Houches toy PDF."""
    names = ("sigma", "t3", "t8", "v", "v3", "v8")
    sigma, t3, t8, v, v3, v8 = on_flavours(ToyLesHouches(), x, names, registry).T

    def three(total, third, eighth):  # without charm
        up_and_down = (2 * total + eighth) / 3
        found = [(up_and_down + third) / 2, (up_and_down - third) / 2, (total - eighth) / 3]
        return np.stack(found, axis=1) @ target.T

    plus, minus = three(sigma, t3, t8), three(v, v3, v8)
    return (plus + minus) / 2, (plus - minus) / 2


@pytest.mark.parametrize("target", [np.eye(4), drell_yan.ISOSCALAR], ids=["proton", "deuteron"])
def test_the_tables_are_the_formula(target, registry):
    mass, y = drell_yan.kinematics()
    table = drell_yan.table(mass, y, drell_yan.ENERGY, target)
    dataset = drell_yan.dataset("DY", (table,), y)
    x1, x2 = drell_yan.momenta(mass, y, drell_yan.ENERGY)
    quark, antiquark = quarks(x1, np.eye(3), registry)
    other, antiother = quarks(x2, target[:3, :3], registry)
    bracket = (quark * antiother + antiquark * other) @ (drell_yan.CHARGE[:3] ** 2)
    expected = 4 * np.pi / 137.036**2 / (9 * mass**4) * bracket * drell_yan.NANOBARN
    functions = on_flavours(ToyLesHouches(), dataset.x_grid, dataset.flavours, registry)
    np.testing.assert_allclose(predict(dataset, registry, functions), expected, rtol=5e-3)


def test_what_is_planned(registry):
    """v15 is taken as v, so its channels join those of v."""
    data = stack([toy_dataset("A", 20), drell_yan.cross_section(), drell_yan.ratio()])
    fitted = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
    size = plan_forms(data, registry, fitted, True, "float32").size
    given = sum(t.products for d in data.datasets[1:] for t in d.tables)
    assert 0 < size.made < given


def test_the_law_holds(folder, registry):
    """A replica alone, in another order, and beside a loud or broken one: the same bits."""
    setup = load_setup(folder / "card.yml", registry=registry)
    cases = verify(setup, replicas=3, many=60)
    assert all(case.holds for case in cases), cases
    assert [case.few + case.many for case in cases if case.allowed == 0] == [0, 0, 0, 0]


@pytest.mark.slow
def test_a_whole_fit(folder, registry):
    """It approaches the truth, and what it writes is what the slow sum says of its networks."""
    card = folder / "long.yml"
    text = CARD.replace("max_steps: 60", "max_steps: 6000").replace("units: 6", "units: 20")
    card.write_text(text.replace("learning_rate: 2.0e-3", "learning_rate: 5.0e-3, clipnorm: 1e-3"))
    code, _, err = call("run", card, "-o", folder / "fit", cwd=folder)
    assert code == 0, err
    run = json.loads((folder / "fit" / "run.json").read_text())
    forms = [form["non_linear"] for plan in run["chi2_forms"] for form in plan["chi2"]]
    assert sum(form["n_data"] for form in forms) == 48
    names = ("A", "DY_PP", "DY_D_OVER_P")
    data = stack([read_dataset(folder / f"{name}.npz") for name in names])
    for number in (1, 2, 3):
        replica = folder / "fit" / "replicas" / f"replica_{number:04d}"
        result = json.loads((replica / "result.json").read_text())
        assert result["chi2_per_datum"]["all"] < 1  # of level 0, from tens of thousands
        function = replicafit.load_replica(folder / "fit", number)
        with np.load(replica / "function.npz") as stored:
            assert tuple(stored["flavours"]) == data.flavours
        with np.load(replica / "predictions.npz") as stored:
            expected = predict_all(data, registry, function(data.x_grid))
            np.testing.assert_allclose(stored["prediction"], expected, rtol=1e-4)
