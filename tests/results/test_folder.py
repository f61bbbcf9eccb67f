"""The output folder: exporters that fail, disks that are full, numbers JSON cannot say."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest
from toy import toy_dataset

from replicafit.components import Exporter
from replicafit.data import stack
from replicafit.data.grid_functions import GridFunctions
from replicafit.errors import OutputError
from replicafit.results.files import write_json
from replicafit.results.folder import FitFolder
from replicafit.results.records import Chi2PerDatum, ReplicaRecord
from replicafit.results.replica import (
    ReplicaHistory,
    ReplicaPredictions,
    ReplicaPseudodata,
    ReplicaResult,
)

NOTHING = np.zeros(0)
RESULT = ReplicaResult(
    record=ReplicaRecord(
        number=4,
        status="completed",
        steps=10,
        best_step=10,
        n_data_per_dataset={"A": 2},
        chi2_per_datum=Chi2PerDatum(training=1.0, all=float("nan")),
        per_dataset={"A": 1.0},
        per_experiment={"A": 1.0},
    ),
    history=ReplicaHistory(NOTHING, NOTHING, NOTHING),
    function=GridFunctions(NOTHING, (), NOTHING, {"q0": 1.65}),
    pseudodata=ReplicaPseudodata(("A",), (2,), NOTHING, NOTHING, "data"),
    predictions=ReplicaPredictions(stack([toy_dataset("A", 4)]), NOTHING, NOTHING),
)


def failing(error):
    def write(replica, network, folder):
        (folder / "half.txt").write_text("half")
        raise error

    return Exporter(name="failing", write=write)


def good(replica, network, folder):
    (folder / "good.txt").write_text("good")


@pytest.mark.parametrize(
    "error", [ValueError("no"), FileNotFoundError(errno.ENOENT, "no"), SystemExit(3)]
)
def test_an_exporter_that_fails_costs_a_warning(tmp_path, error):
    folder = FitFolder(tmp_path)
    exporters = [failing(error), Exporter(name="good", write=good)]
    ((name, message),) = folder.write_replica(RESULT, None, exporters).items()
    assert name == "failing"
    assert message.startswith("The exporter 'failing' failed for replica 4: ")
    assert {f.name for f in folder.replica(4).iterdir()} == {"good.txt", "result.json"}
    assert folder.finished() == (4,)


def test_an_exporter_does_not_write_over_what_others_wrote(tmp_path):
    def write(replica, network, folder):
        (folder / "result.json").write_text("mine")

    folder = FitFolder(tmp_path)
    exporters = [Exporter(name=name, write=good) for name in ("first", "second")]
    told = folder.write_replica(RESULT, None, [*exporters, Exporter(name="third", write=write)])
    assert "'good.txt' comes from elsewhere already" in told["second"]
    assert "'result.json' comes from elsewhere already" in told["third"]
    assert folder.result(4).not_exported == ["second", "third"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_ends_the_fit(tmp_path, number):
    folder = FitFolder(tmp_path)
    with pytest.raises(OutputError, match="Everything written before is intact"):
        folder.write_replica(RESULT, None, [failing(OSError(number, "no"))])
    assert folder.finished() == ()
    assert not list(tmp_path.rglob(".*"))


def test_what_is_not_finite_is_null(tmp_path):
    FitFolder(tmp_path).write_replica(RESULT, None, [])
    text = (tmp_path / "replicas" / "replica_0004" / "result.json").read_text()
    assert json.loads(text)["chi2_per_datum"] == {"training": 1.0, "validation": None, "all": None}
    write_json(tmp_path / "deep.json", {"a": [1.0, float("inf")], "b": {"c": float("nan")}})
    assert json.loads((tmp_path / "deep.json").read_text()) == {"a": [1.0, None], "b": {"c": None}}


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    folder = FitFolder(tmp_path)
    folder.path.joinpath("replicas").symlink_to("replicas")
    with pytest.raises(OutputError, match=r"replicas' cannot be read \(Too many"):
        folder.strangers()
