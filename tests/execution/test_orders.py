"""What orders, parcels and the choice of an executor are, without a worker."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from replicafit.errors import ExecutionError
from replicafit.execution.choosing import workers_for
from replicafit.execution.orders import Job, named, orders_file
from replicafit.execution.parcels import RUNCARD, packed_inputs, unpack
from replicafit.execution.processes import PinnedProcesses, Place, places
from replicafit.execution.versions import refusal, versions_of
from replicafit.plugins import Registry
from replicafit.runcard import canonical, load_runcard, runcard_type


@pytest.mark.parametrize("given", ["threads:2", "processes:0", "processes:all", "dask", "dask:"])
def test_an_executor_that_does_not_exist_is_told_with_those_that_do(given):
    with pytest.raises(ExecutionError, match="processes:N, dask:local:N, dask:tcp://HOST:PORT"):
        workers_for(given)


def test_an_amount_of_a_resource_is_a_number():
    with pytest.raises(ExecutionError, match="'many' is no amount"):
        workers_for("dask:tcp://127.0.0.1:1?GPU=many")


def test_batches_are_named_by_their_replicas():
    assert named((7,)) == "replica 7"
    assert named((1, 2, 3)) == "replicas 1 to 3"
    assert named((1, 4)) == "2 replicas from 1 on"


def test_a_job_is_here_as_long_as_its_run_waits(tmp_path):
    job = Job("{}", str(tmp_path / "card.yml"), "", (), str(tmp_path), "token", 30.0)
    assert not job.is_here
    orders_file(tmp_path).parent.mkdir()
    orders_file(tmp_path).write_text("token")
    assert job.is_here
    orders_file(tmp_path).write_text("of the run that continued it")
    assert not job.is_here


def test_other_versions_are_refused_with_both_named(registry):
    own = versions_of(registry)
    assert refusal(own, registry) is None
    told = refusal({**own, "replicafit": "9.9", "plugin other": "1.2"}, registry, "node3")
    assert f"it has replicafit {own['replicafit']}, and the fit 9.9" in told
    assert "it lacks the plugin 'other' 1.2" in told
    assert "node3" in told


def test_a_worker_may_have_more_plugins(registry):
    builtin = Registry(tuple(p for p in registry.plugins if p.name == "builtin"))
    assert refusal(versions_of(builtin), registry) is None


def test_a_parcel_holds_the_runcard_and_all_its_files(toy_card, registry, tmp_path):
    runcard = load_runcard(toy_card, registry)
    unpack(packed_inputs(runcard, toy_card.parent), tmp_path)
    card = json.loads((tmp_path / RUNCARD).read_text())
    for ours, theirs in zip(runcard.data.datasets, card["data"]["datasets"], strict=True):
        assert (tmp_path / theirs["path"]).read_bytes() == (
            toy_card.parent / ours.path
        ).read_bytes()
    for dataset, given in zip(card["data"]["datasets"], runcard.data.datasets, strict=True):
        dataset["path"] = str(given.path)
    assert canonical(runcard_type(registry).model_validate(card)) == canonical(runcard)


def test_places_share_the_cores():
    cores = sorted(os.sched_getaffinity(0))
    assert sorted(core for place in places(len(cores)) for core in place.cores) == cores
    assert len(places(3 * len(cores))) == 3 * len(cores)  # more processes than cores: shared


def test_processes_stay_on_their_cores_and_a_dead_one_is_replaced(tmp_path):
    core = min(os.sched_getaffinity(0))
    executor = PinnedProcesses([Place((core,))])
    try:
        assert executor.submit(os.sched_getaffinity, 0).result() == {core}
        first = executor.submit(os.getpid).result()
        assert executor.submit(os.getpid).result() == first
        with pytest.raises(Exception, match="the process died"):
            executor.submit(os.kill, first, 9).result()
        assert executor.submit(os.getpid).result() != first
    finally:
        executor.shutdown(wait=False)


def test_a_fit_refuses_an_unknown_executor_before_it_writes(toy_card, tmp_path):
    from commands import call

    code, _, err = call("run", toy_card, "-o", "fit", "--executor", "moon", cwd=tmp_path)
    assert code == 2
    assert "Invalid value for --executor: 'moon'" in err
    assert not Path(tmp_path / "fit").exists()
