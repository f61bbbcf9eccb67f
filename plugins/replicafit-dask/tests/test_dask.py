"""Replicas that workers of Dask train are those of this process, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import call_anew
from replicafit_dask.executor import runs
from replicafit_dask.opening import open_executor

from replicafit.plugin import ExecutionError


@pytest.mark.slow
def test_workers_write_the_same_replicas(toy_card, tmp_path):
    for name, who in (("here", "lanes:1"), ("there", "dask:local:2")):
        code, output, wrong = call_anew(
            *("run", toy_card, "-o", tmp_path / name, "--executor", who), cwd=tmp_path
        )
        assert code == 0, output + wrong
    here, there = (
        sorted((tmp_path / n).glob("replicas/*/function.npz")) for n in ("here", "there")
    )
    assert len(here) == len(there) == 3
    for ours, theirs in zip(here, there, strict=True):
        with np.load(ours) as a, np.load(theirs) as b:
            assert np.array_equal(a["values"], b["values"])
    assert (tmp_path / "there" / "measured.npz").exists()


def test_parts_have_no_gaps():
    assert list(runs([1, 2, 3, 4, 7, 8], 3)) == [range(1, 4), range(4, 5), range(7, 9)]


@pytest.mark.parametrize(
    "address",
    [
        *("", "local", "local:0", "local:x", "local:1000000000", "local:2?GPU"),
        *("local:2?GPU=nan", "local:2?GPU=-1", "local:2?GPU=0", "local:2?GPU=inf"),
        *("tcp://127.0.0.1:1", "tcp://127.0.0.1:99999", "tcp://127.0.0.1", "tcp://[::1", "foo://x"),
        *("missing.json", "/dev/null", "/dev/zero", "empty.json", "list.json", "stale.json"),
    ],
)
def test_bad_addresses_are_refused(address, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("empty.json", ""),
        ("list.json", "[1]"),
        ("stale.json", '{"address": "tcp://127.0.0.1:1"}'),
    ):
        Path(name).write_text(text)
    monkeypatch.setattr("replicafit_dask.opening.SECONDS_TO_CONNECT", 0.3)
    with pytest.raises(ExecutionError, match="dask"), open_executor(address):
        pass


def test_who_lacks_workers_with_a_resource_is_told():
    distributed = pytest.importorskip("distributed", reason="Dask comes with replicafit-dask")

    class ToldError(Exception):
        """In place of waiting."""

    def tell(line):
        raise ToldError(line)

    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, protocol="tcp://", dashboard_address=None
        ) as cluster,
        open_executor(f"{cluster.scheduler_address}?GPU=1") as executor,
        pytest.raises(ToldError, match=r"No worker has come .* --resources \"GPU=1\""),
    ):
        executor.ready(None, tell)
