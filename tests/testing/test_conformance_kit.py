"""The conformance kit: built-in components pass, and what breaks one rule is told which."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras import ops
from replicafit_pdf.evolution_basis import DGLAP, EVOLUTION
from replicafit_pdf.penalties.settings import replicafit_penalties
from replicafit_pdf.testing import check_evolution
from toy import observable_arrays, toy_dataset

from replicafit.components import (
    Component,
    DatasetReader,
    Evolution,
    Exporter,
    ForwardMap,
    OptimizerType,
    Penalty,
    Verdict,
    WholeFit,
)
from replicafit.components.builtin.exporters import replicafit_exporters
from replicafit.components.builtin.forward_maps import replicafit_forward_maps
from replicafit.components.builtin.optimizers import SgdSettings, replicafit_optimizers
from replicafit.components.inputs import Input
from replicafit.plugins import Plugin, Registry
from replicafit.testing import (
    ConformanceError,
    check_dataset,
    check_exporter,
    check_forward_map,
    check_optimizer,
    check_penalty,
)
from replicafit.training.optimizers import Optimizer, optimizer


def registry_of(component: Component, registry: Registry | None = None) -> Registry:
    plugin = Plugin("one", "one", "0", "one", (component,))
    return Registry(plugins=(plugin, *(registry.plugins if registry else ())))


# Datasets


def test_built_in_reader_conforms(toy_folder):
    for name in ("A", "RATIO"):
        check_dataset("file", folder=toy_folder, path=f"{name}.npz")


A = toy_dataset("A", 10)
COUNTER = iter(range(100))
BROKEN_DATASETS = {
    "dataset": lambda: "no dataset",
    "arrays fit together": lambda: replace(A, stat=A.stat[1:]),
    "arrays are float64": lambda: replace(A, central=A.central.astype(np.longdouble) / 3),
    "the same each time": lambda: replace(A, central=A.central + next(COUNTER)),
    "every datum has an uncertainty": lambda: replace(
        A, stat=np.zeros(10), sys_mult_percent=np.zeros((10, 1))
    ),
    "predictions": lambda: replace(A, operation="NOWHERE"),
    r"the same each time \(kinematics_q2\)": lambda: replace(
        A, kinematics={**A.kinematics, "q2": A.kinematics["q2"] + next(COUNTER)}
    ),
    r"the same each time \(sys_add_name\)": lambda: replace(
        A, sys_add=np.ones((10, 1)), sys_add_names=(f"S{next(COUNTER)}",)
    ),
    "it works: ZeroDivisionError": lambda: 1 / 0,
}


@pytest.mark.parametrize("rule", BROKEN_DATASETS)
def test_broken_reader_is_told_the_rule(registry, rule):
    reader = DatasetReader(name="one", read=lambda *_: BROKEN_DATASETS[rule]())
    with pytest.raises(ConformanceError, match=f"^{rule}"):
        check_dataset("one", registry_of(reader, registry))


# Forward maps


@pytest.mark.parametrize("name", [kind.name for kind in replicafit_forward_maps()])
def test_built_in_forward_map_conforms(name):
    check_forward_map(name)


BROKEN_MAPS = {
    "shapes": (lambda a: a.sum(axis=-1), None),
    "tensors and arrays agree": (
        lambda a: a if isinstance(a, np.ndarray) else a * 2.0,
        None,
    ),
    "tensors and arrays agree: .* In a fit all is compiled": (lambda a: np.sqrt(np.array(a)), None),
    "stack equals singles": (lambda a: a * sum(range(1, len(a.shape) + 1)), None),
    "data do not mix": (lambda a: a - ops.mean(a, axis=-1, keepdims=True), None),
    "linear": (lambda a: 2 * a, (1.0,)),
}


@pytest.mark.parametrize("rule", BROKEN_MAPS)
def test_broken_forward_map_is_told_the_rule(rule):
    combine, linear = BROKEN_MAPS[rule]
    kind = ForwardMap(name="one", n_tables=1, combine=combine, linear=linear)
    with pytest.raises(ConformanceError, match=f"^{rule}"):
        check_forward_map("one", registry_of(kind))


def test_forward_map_that_spreads_a_nan_is_told_so():
    def spreads(a):
        return a * np.nan if isinstance(a, np.ndarray) and np.isnan(a).any() else a

    with pytest.raises(ConformanceError, match=r"^a NaN stays in its place"):
        check_forward_map("one", registry_of(ForwardMap(name="one", n_tables=1, combine=spreads)))


def test_linear_needs_a_number_for_each_table():
    kind = ForwardMap(name="one", n_tables=1, combine=lambda a: a, linear=(1.0, 0.0))
    with pytest.raises(ConformanceError, match=r"^linear: 2 numbers for 1 tables"):
        check_forward_map("one", registry_of(kind))


# Penalties


@pytest.fixture(scope="module")
def observables(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("observables")
    np.savez(folder / "UP.npz", **observable_arrays("UP", 1))
    return folder


PENALTIES = [("positivity", {"path": "UP.npz"}), ("integrability", {})]


@pytest.mark.parametrize(("name", "settings"), PENALTIES)
def test_built_in_penalty_conforms(observables, name, settings):
    flavours = ("sigma", "g", "v", "v3", "v8", "t3", "t8", "t15")
    check_penalty(name, folder=observables, flavours=flavours, attributes={"q0": 1.65}, **settings)


def test_every_built_in_penalty_is_tried():
    assert {kind.name for kind in replicafit_penalties()} == {name for name, _ in PENALTIES}


def sum_of(functions):
    return ops.sum(functions * functions, axis=(1, 2))


def good(functions, steps):
    return sum_of(functions) * ops.cast(steps + 1, "float32")


def over_replicas(values):
    """What is 0 unless the values of one replica are gone."""
    return ops.sum(values - values, axis=0, keepdims=True)


BROKEN_TERMS = {
    "shapes": lambda f, s: ops.sum(f),
    "finite": lambda f, s: good(f, s) / 0.0,
    "stack equals singles": lambda f, s: good(f, s) / f.shape[0],
    "slots do not mix (term, steps)": lambda f, s: good(f, s) + ops.cast(s[0] == 57, "float32"),
    "slots do not mix (term)": lambda f, s: (
        good(f, s) + ops.cast(ops.max(ops.abs(f)) > 7, "float32")
    ),
    "a NaN stays in its slot": lambda f, s: good(f, s) + over_replicas(sum_of(f)),
    "compiled (term)": lambda f, s: np.sum(np.square(f), axis=(1, 2)),
    "compiled (term): functions": lambda f, s: ops.cast(good(f, s), "float64"),
    "finite gradient (term)": lambda f, s: ops.sqrt(sum_of(f - f)),
    "it works": lambda f: sum_of(f),
}


@pytest.mark.parametrize("rule", BROKEN_TERMS)
def test_broken_penalty_is_told_the_rule(rule):
    kind = Penalty(name="one", build=lambda *_: BROKEN_TERMS[rule])
    with pytest.raises(ConformanceError) as error:
        check_penalty("one", registry_of(kind))
    assert str(error.value).startswith(rule)


def at_300(settings, context):
    assert [one.name for one in context.inputs] == ["T"]
    return np.array([300.0])


def test_broken_grid_and_verdict_are_told():
    kind = Penalty(name="one", build=lambda *_: good)
    check_penalty("one", registry_of(kind))
    with pytest.raises(ConformanceError, match=r"^grid points"):
        check_penalty("one", registry_of(replace(kind, x_grid=lambda *_: np.array([0.0, 0.5]))))
    kelvin = (Input("T", 250.0, 400.0),)
    check_penalty("one", registry_of(replace(kind, x_grid=at_300)), inputs=kelvin)
    at_one = replace(kind, x_grid=lambda *_: np.array([1.0]))
    with pytest.raises(ConformanceError, match=r"^grid points: .*T in \[250, 400\]"):
        check_penalty("one", registry_of(at_one), inputs=kelvin)
    for rule, verdict in (
        ("verdict: it is None", None),
        ("verdict", Verdict(sum_of, np.inf)),
        (r"shapes \(measure\)", Verdict(ops.sum, 1.0)),
    ):
        broken = replace(kind, verdict=lambda *_, v=verdict: v)
        with pytest.raises(ConformanceError, match=f"^{rule}"):
            check_penalty("one", registry_of(broken))


# Optimizers


@pytest.mark.parametrize("name", [kind.name for kind in replicafit_optimizers()])
def test_built_in_optimizer_conforms(name):
    check_optimizer(name, steps=10)


def test_optimizer_with_drawn_hyperparameters_and_a_schedule_conforms():
    schedule = {"type": "cosine", "decay_steps": 20}
    rate = {"log_uniform": [1e-3, 1e-2]}
    check_optimizer("nadam", steps=10, learning_rate=rate, schedule=schedule, clipnorm=0.1)


def down(e, move):
    return e.weight - e.hyper["learning_rate"] * move, ()


def mean(values):
    return ops.mean(values, axis=0, keepdims=True)


BROKEN_RULES = {
    "shapes": lambda e: (ops.sum(e.weight, axis=-1), ()),
    "finite": lambda e: (e.weight / 0.0, ()),
    "it goes down": lambda e: down(e, -e.gradient),
    "stack equals singles": lambda e: down(e, e.gradient - 0.5 * mean(e.gradient)),
    "slots do not mix": lambda e: down(
        e, e.gradient + ops.cast(ops.max(ops.abs(e.gradient)) > 100, "float32")
    ),
    "a NaN stays in its slot": lambda e: down(e, e.gradient + mean(e.gradient - e.gradient)),
    "shapes: what it keeps": lambda e: (down(e, e.gradient)[0], (e.gradient,)),
    "compiled: ": lambda e: (np.array(e.weight) * np.float32(0.9), ()),
}


@pytest.mark.parametrize("rule", BROKEN_RULES)
def test_broken_optimizer_is_told_the_rule(rule):
    def build(settings) -> Optimizer:
        return optimizer(SgdSettings(learning_rate=0.1), BROKEN_RULES[rule])

    kind = OptimizerType(name="one", build=build)
    with pytest.raises(ConformanceError, match=f"^{rule}"):
        check_optimizer("one", registry_of(kind), steps=1 if rule == "shapes" else 5)


def test_what_is_no_optimizer_is_told_so():
    kind = OptimizerType(name="one", build=lambda _: "sgd")
    with pytest.raises(ConformanceError, match=r"^optimizer"):
        check_optimizer("one", registry_of(kind))


# Exporters


@pytest.mark.parametrize("name", [kind.name for kind in replicafit_exporters()])
def test_built_in_exporter_conforms(name):
    check_exporter(name)


def touch(folder, name="file.txt"):
    (folder / name).write_text("x")


def elsewhere(replica, network, folder):
    touch(folder)
    touch(folder.parent, "stray.txt")


def in_the_current_folder(replica, network, folder):
    touch(folder)
    touch(Path())


def needs_checks(replica, network, folder):
    touch(folder)
    replica.history.chi2_training.min()


def changes_the_network(replica, network, folder):
    touch(folder)
    network.set_weights([w * 2 for w in network.get_weights()])


def changes_the_result(replica, network, folder):
    touch(folder)
    replica.function.values[:] = 0


def changes_the_history(replica, network, folder):
    touch(folder)
    replica.history.chi2_training[:] = 0


def stays_in_its_folder(replica, network, folder):
    os.chdir(folder)
    touch(Path())


BROKEN_WRITERS = [
    ("only its folder", lambda _, __, folder: (touch(folder), touch(folder.parents[1], "far.txt"))),
    ("files: result.json", lambda _, __, folder: touch(folder, "result.json")),
    ("the result stays", changes_the_history),
    ("the current folder", stays_in_its_folder),
    ("every replica .*SystemExit", lambda *_: sys.exit(3)),
    ("files: it writes none", lambda *_: None),
    ("files: replicas", lambda replica, _, folder: touch(folder, f"{replica.number}.txt")),
    ("only its folder", elsewhere),
    ("only its folder", in_the_current_folder),
    ("every replica", needs_checks),
    ("the network stays", changes_the_network),
    ("the result stays", changes_the_result),
]


@pytest.mark.parametrize(("rule", "write"), BROKEN_WRITERS)
def test_broken_exporter_is_told_the_rule(rule, write):
    with pytest.raises(ConformanceError, match=f"^{rule}"):
        check_exporter("one", registry_of(Exporter(name="one", write=write)))


@pytest.fixture
def whole(tmp_path, toy_data, registry) -> WholeFit:
    from fit_folder import write_fit

    folder = write_fit(tmp_path / "fit", toy_data, registry, range(1, 3))
    return WholeFit(folder, (1, 2), "toy", lambda done, total: None, {})


def finishes(fit):
    fit.progress(1, 2)
    touch(fit.folder, "whole.txt")
    return fit.folder / "whole.txt"


def finishes_elsewhere(fit):
    touch(fit.folder.parent, "whole.txt")
    return fit.folder.parent / "whole.txt"


def changes_a_replica(fit):
    (fit.folder / "replicas" / "replica_0001" / "result.json").unlink()
    return finishes(fit)


def counts_too_far(fit):
    fit.progress(3, 2)
    return finishes(fit)


def test_exporter_of_a_whole_fit(whole):
    check_exporter("one", registry_of(Exporter(name="one", finish=finishes)), whole)
    with pytest.raises(ConformanceError, match=r"^the whole fit: .* give fit"):
        check_exporter("one", registry_of(Exporter(name="one", finish=finishes)))
    for rule, finish in (
        ("what it wrote", finishes_elsewhere),
        ("what it wrote", lambda fit: "whole.txt"),
        ("replicas stay", changes_a_replica),
        ("progress", counts_too_far),
    ):
        with pytest.raises(ConformanceError, match=f"^{rule}"):
            check_exporter("one", registry_of(Exporter(name="one", finish=finish)), whole)


# Evolutions


def frozen(start, scales):
    """Functions that do not change with the scale, without bottom and top."""
    values = np.zeros((*start.values.shape[:2], len(EVOLUTION)))
    for flavour, column in zip(EVOLUTION, np.moveaxis(values, -1, 0), strict=True):
        known = start.flavours.index(flavour) if flavour in start.flavours else 0
        column[:] = start.values[..., known]
    return np.stack([values] * len(scales))


def test_an_evolution_that_changes_nothing_conforms():
    check_evolution(registry=registry_of(Evolution(name=DGLAP, evolve=frozen)))


BROKEN_EVOLUTIONS = {
    "shapes": lambda start, scales: frozen(start, scales)[0],
    "finite": lambda start, scales: frozen(start, scales) / np.where(start.x < 1, 1, 0)[:, None],
    "q0 gives them back": lambda start, scales: 1.01 * frozen(start, scales),
    "replicas do not mix": lambda start, scales: (
        frozen(start, scales) + 1e-9 * start.values.mean(axis=0).sum()
    ),
}


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("rule", BROKEN_EVOLUTIONS)
def test_broken_evolution_is_told_the_rule(rule):
    broken = registry_of(Evolution(name=DGLAP, evolve=BROKEN_EVOLUTIONS[rule]))
    with pytest.raises(ConformanceError, match=f"^{rule}"):
        check_evolution(registry=broken)
