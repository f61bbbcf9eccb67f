"""Certifies an exporter."""

from __future__ import annotations

import hashlib
import os
import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from replicafit.components import Exporter, WholeFit, load_target
from replicafit.data import Dataset, FitData, stack
from replicafit.data.grid_functions import GridFunctions
from replicafit.plugins import Registry, load_registry
from replicafit.results.records import Chi2PerDatum, ReplicaRecord, Seeds, SplitChi2
from replicafit.results.replica import (
    ReplicaHistory,
    ReplicaPredictions,
    ReplicaPseudodata,
    ReplicaResult,
)
from replicafit.testing.conformance import ConformanceError, certifies, require, same
from replicafit.testing.layers import FLAVOURS

X = np.geomspace(1e-5, 1, 20)


@certifies
def check_exporter(
    name: str, registry: Registry | None = None, fit: WholeFit | None = None
) -> None:
    """Checks every rule that an exporter must keep.

    ``write`` leaves files of the same names for every replica, in the folder it is given and
    nowhere around it, that of one without any check too; it changes neither the network nor the
    result. ``finish`` writes into the fit's folder, says where, and changes no replica.

    Args:
        name: what a runcard lists under ``export``.
        registry: where to look; by default all installed plugins.
        fit: a fit whose replicas are written; an exporter with ``finish`` needs it.

    Raises:
        ConformanceError: naming the rule that is broken.
    """
    kind = (registry or load_registry()).get(Exporter, name)
    require(
        kind.finish is None or fit is not None,
        "the whole fit",
        "it has finish: give fit, a WholeFit of a fit that was made to try it.",
    )
    if kind.write is not None:
        _check_write(load_target(kind.write))
    if kind.finish is not None and fit is not None:
        _check_finish(load_target(kind.finish), fit)


def _check_write(write: Any) -> None:
    first, second = _result(1), _result(2)
    record = second.record.model_copy(update={"number": 3, "status": "diverged"})
    unchecked = replace(second, record=record, history=_history(0))
    names = [_written(write, result) for result in (first, second, unchecked)]
    require(names[0], "files", "it writes none into its folder.")
    require(names[0] == names[1] == names[2], "files", f"replicas have different ones: {names}.")


def _written(write: Any, result: ReplicaResult) -> list[str]:
    """The files that ``write`` leaves, relative to its folder."""
    network = _network(result.number)
    weights, start = network.get_weights(), deepcopy((result.record, _parts(result)))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as top:
        elsewhere, folder = Path(top, "elsewhere"), Path(top, "fit/replicas/replica")
        elsewhere.mkdir()
        folder.mkdir(parents=True)
        os.chdir(elsewhere)
        try:
            write(result, network, folder)
            require(Path.cwd() == elsewhere.resolve(), "the current folder", "it leaves another.")
        except ConformanceError:
            raise
        except BaseException as cause:  # exporters may fail in any way
            require(False, f"every replica ({result.status})", f"{type(cause).__name__}: {cause}")
        finally:
            os.chdir(before)
        around = {*Path(top).rglob("*")} - {elsewhere, folder, *folder.rglob("*"), *folder.parents}
        outside = sorted(p.name for p in around)
        require(not outside and folder.is_dir(), "only its folder", f"outside of it are {outside}.")
        found = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        require("result.json" not in found, "files", "result.json is of replicafit itself.")
    for array, own in zip(network.get_weights(), weights, strict=True):
        same("the network stays as it is", array, own)
    require(result.record == start[0], "the result stays as it is", "its record is another.")
    for part, own in zip(_parts(result), start[1], strict=True):
        same("the result stays as it is", part, own)
    return found


def _parts(result: ReplicaResult) -> list[Any]:
    """The arrays of a result."""
    arrays = [*vars(result.history).values(), result.pseudodata.values, result.pseudodata.training]
    predicted = result.predictions.prediction, result.predictions.weighted_residual
    return [result.function.values, *arrays, *predicted]


def _check_finish(finish: Any, fit: WholeFit) -> None:
    before = _contents(fit.folder)
    told: list[tuple[int, int]] = []
    where = finish(replace(fit, progress=lambda done, total: told.append((done, total))))
    require(isinstance(where, Path), "what it wrote", f"finish gives {where!r}, not a Path.")
    inside = where.resolve().is_relative_to(fit.folder.resolve())
    require(where.exists() and inside, "what it wrote", f"'{where}' is not in '{fit.folder}'.")
    after = _contents(fit.folder)
    changed = sorted(str(p) for p, content in before.items() if after.get(p) != content)
    require(not changed, "replicas stay as they are", f"it changed {changed}.")
    wrong = [pair for pair in told if not 0 <= pair[0] <= pair[1]]
    require(not wrong, "progress", f"it told (done, total) = {wrong}.")


def _contents(folder: Path) -> dict[Path, str]:
    """What is in each file of the replicas and of the run."""
    files = [*folder.glob("*.*"), *(folder / "replicas").rglob("*")]
    return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.is_file()}


def _network(number: int) -> keras.Model:
    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Dense(len(FLAVOURS), name="dense")(x), name="replica")
    generator = np.random.default_rng(number)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    return model


def _history(checks: int) -> ReplicaHistory:
    fall = 2 + 20 * np.exp(-np.arange(checks) / 3)
    return ReplicaHistory(10 * np.arange(1, checks + 1), 15 * fall, 5 * fall)


def _data() -> FitData:
    """20 data, each of one flavour at one x."""
    n, f = len(X), len(FLAVOURS)
    table = np.zeros((n, f, n))
    table[np.arange(n), np.arange(n) % f, np.arange(n)] = 1
    dataset = Dataset(
        name="TOY",
        central=np.ones(n),
        stat=np.full(n, 0.1),
        sys_add=np.empty((n, 0)),
        sys_add_names=(),
        sys_mult_percent=np.empty((n, 0)),
        sys_mult_names=(),
        kinematics={"x": X},
        x_grid=X,
        flavours=FLAVOURS,
        tables=(table,),
        operation="NULL",
    )
    return stack([dataset])


def _result(number: int) -> ReplicaResult:
    """What a fit hands to its exporters."""
    data, generator = _data(), np.random.default_rng(number)
    n = data.n_data
    values = generator.normal(1, 0.1, (len(X), len(FLAVOURS)))
    prediction = values[np.arange(n), np.arange(n) % len(FLAVOURS)]
    residual = np.tile((data.central - prediction) / 0.01, (3, 1))
    return ReplicaResult(
        record=ReplicaRecord(
            number=number,
            status="stopped",
            steps=190,
            best_step=90,
            n_data=n,
            n_training=3 * n // 4,
            n_data_per_dataset={"TOY": n},
            chi2_per_datum=Chi2PerDatum(training=1.0, validation=1.2, all=1.1),
            per_dataset={"TOY": 1.1},
            per_experiment={"TOY": 1.1},
            split_per_dataset={
                "TOY": SplitChi2(training=1.0, validation=1.2, n_training=3 * n // 4)
            },
            arc_length=dict.fromkeys(FLAVOURS, 1.0),
            seeds=Seeds(runcard=1),
            hyperparameters={"learning_rate": 1e-3},
        ),
        history=_history(19),
        function=GridFunctions(X, FLAVOURS, values, data.attributes),
        pseudodata=ReplicaPseudodata(
            ("TOY",), (n,), data.central, np.arange(n) < 3 * n // 4, "data"
        ),
        predictions=ReplicaPredictions(data, prediction, residual),
    )
