"""Fits that start from the weights of an earlier one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import X_LOGX, dense, setup_of, values
from toy import TOY_CARD

from replicafit.errors import ModelError, OutputError
from replicafit.execution.plans import make_plans, networks_to_start_from
from replicafit.forward.assembly import load_data
from replicafit.results.files import write_json
from replicafit.results.folder import FitFolder
from replicafit.runcard import canonical_hash, load_runcard, load_setup
from replicafit.runcard.models import StartFrom
from replicafit.training.model import build_model

X = np.geomspace(1e-4, 0.9, 12)
LAYERS = [
    X_LOGX,
    dense(4, "modified_tanh"),
    {"type": "dense_per_flavour", "units": 8, "hidden": [3]},
    {"type": "preprocessing", "trained": ["g", "t3"]},
    {"type": "sum_rules"},
]


def built(registry, layers, numbers, start=None, seed=3):
    setup = setup_of(registry, layers)
    other = setup.runcard.model_copy(update={"seed": seed})
    return build_model(replace(setup, runcard=other), numbers, start=start or {})


@pytest.fixture(scope="module")
def earlier(registry, tmp_path_factory) -> Path:
    """The networks of replicas 1 to 3 of an earlier fit, in a folder beside the runcard."""
    folder = FitFolder(tmp_path_factory.mktemp("card") / "earlier")
    model = built(registry, LAYERS, (1, 2, 3), seed=8)
    folder.path.mkdir()
    write_json(folder.run_file, {})
    for number, network in zip(model.numbers, model.split(range(3), np.eye(8)), strict=True):
        folder.replica(number).mkdir(parents=True)
        network.save(folder.replica(number) / "network.keras")
        write_json(folder.replica(number) / "result.json", {"number": number})
    return folder.path


def files(earlier: Path, numbers, **start):
    settings = StartFrom(fit=earlier.name, **start)
    return networks_to_start_from(settings, earlier.parent, numbers)


def trained(model):
    return [np.asarray(v) for v in model.network.trainable_variables]


def test_each_replica_starts_from_its_own_number(registry, earlier):
    before = trained(built(registry, LAYERS, (1, 2, 3), seed=8))
    model = built(registry, LAYERS, (3, 1), files(earlier, (3, 1)))
    for ours, theirs in zip(trained(model), before, strict=True):
        np.testing.assert_allclose(ours, theirs[[2, 0]], rtol=1e-12)


def test_with_the_same_seed_the_function_is_the_same(registry, earlier):
    before = built(registry, LAYERS, (1, 2), seed=8)
    after = built(registry, LAYERS, (1, 2), files(earlier, (1, 2)), seed=8)
    np.testing.assert_allclose(values(after.network, X), values(before.network, X), rtol=1e-9)


def test_one_replica_for_all(registry, earlier):
    before = trained(built(registry, LAYERS, (2,), seed=8))
    model = built(registry, LAYERS, (1, 7), files(earlier, (1, 7), replica=2))
    for ours, theirs in zip(trained(model), before, strict=True):
        np.testing.assert_allclose(ours, np.concatenate([theirs, theirs]), rtol=1e-12)


def test_layers_without_weights_may_come_between(registry, earlier):
    layers = [*LAYERS[:2], {"type": "dropout", "rate": 0.2}, *LAYERS[2:]]
    model = built(registry, layers, (1,), files(earlier, (1,)))
    same = built(registry, LAYERS, (1,), files(earlier, (1,)))
    for ours, theirs in zip(trained(model), trained(same), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Mistakes


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([X_LOGX, dense(5), *LAYERS[2:]], r"shapes \[\(2, 4\), \(4,\)\] there"),
        ([X_LOGX, dense(4), dense(4), *LAYERS[2:]], "1 layers multi_dense there and 2 here"),
        ([*LAYERS[:2], dense(8)], "1 layers multi_dense there and 2 here"),
        (
            [*LAYERS[:2], {**LAYERS[2], "hidden": [3, 3]}, *LAYERS[3:]],
            "has other networks there",
        ),
        (
            [
                *LAYERS[:3],
                {
                    "type": "preprocessing",
                    "trained": ["g", "t3"],
                    "alpha": {"g": [1.5, 1.6]},
                },
            ],
            "outside the ranges of preprocessing",
        ),
    ],
)
def test_other_layers_are_refused(registry, earlier, layers, message):
    with pytest.raises(ModelError, match=message):
        built(registry, layers, (1,), files(earlier, (1,)))


def test_missing_replicas_and_folders_are_refused(earlier):
    with pytest.raises(OutputError, match="no replica 4; there are: 1 to 3"):
        files(earlier, (1, 4))
    with pytest.raises(OutputError, match="holds no fit"):
        networks_to_start_from(StartFrom(fit="nowhere"), earlier.parent, (1,))


def test_a_fit_without_networks_is_refused(earlier, tmp_path):
    folder = FitFolder(tmp_path / "fit")
    folder.replica(1).mkdir(parents=True)
    write_json(folder.replica(1) / "result.json", {"number": 1})
    with pytest.raises(OutputError, match=r"without\s+network\.keras"):
        networks_to_start_from(StartFrom(fit="fit"), tmp_path, (1,))


def test_the_plan_refuses_before_anything_is_trained(registry, toy_folder):
    text = TOY_CARD.replace("model:\n", "model:\n  start_from: nowhere\n")
    path = toy_folder / "warm.yml"
    path.write_text(text)
    setup = load_setup(path, registry=registry)
    with pytest.raises(OutputError, match="holds no fit"):
        make_plans(setup, load_data(setup), (1, 2))


def test_start_is_part_of_the_hash(registry, toy_folder):
    hashes = set()
    for start in ("", "  start_from: a\n", "  start_from: {fit: a, replica: 3}\n"):
        path = toy_folder / "hash.yml"
        path.write_text(TOY_CARD.replace("model:\n", f"model:\n{start}"))
        hashes.add(canonical_hash(load_runcard(path, registry)))
    assert len(hashes) == 3
