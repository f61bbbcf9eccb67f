"""Several jobs in one folder: claims, signs of life, what dead ones leave, the lock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from replicafit.errors import OutputError
from replicafit.results import files, jobs
from replicafit.results.files import appearing, beside, locked
from replicafit.results.jobs import Job, clear_remains, is_alive, living_jobs, machine, process


def started(folder) -> Job:
    job = Job(folder)
    job.begin()
    return job


def test_a_replica_is_claimed_once(tmp_path):
    ours, theirs = started(tmp_path), started(tmp_path)
    assert ours.claim(3)
    assert not theirs.claim(3)
    assert theirs.claim(4)
    assert ours.claimed_by_others() == {4: theirs.path.name}
    ours.release(3)
    assert theirs.claim(3)
    theirs.end(keep=False)
    assert ours.claim(4)
    ours.end(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_claims_of_the_dead_count_for_nothing(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from replicafit.results.jobs import Job;"
        "job = Job(Path(sys.argv[1])); job.begin(); print(job.claim(1), flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert done.stdout == "True\n"
    job = started(tmp_path)
    assert len(job.dead()) == 1
    assert job.others() == []
    assert job.claim(1)
    assert list(living_jobs(tmp_path)) == [job.path.name]


def test_what_a_stopped_job_saved_stays_for_the_next(tmp_path):
    job = started(tmp_path)
    job.claim(1)
    (job.path / "newer.npz").touch()
    job.end(keep=True)
    (left,) = started(tmp_path).dead()
    assert [path.name for path in left.iterdir()] == ["newer.npz"]


def test_who_lives(tmp_path):
    assert is_alive(tmp_path, process())
    assert is_alive(tmp_path, f"{process()}-17")
    other = f"{machine()}-{os.getpid()}-1"  # the same process number, started at another time
    assert not is_alive(tmp_path, other)
    assert not is_alive(tmp_path, f"{process()}~left")
    assert not is_alive(tmp_path, "lock")


def test_numbers_of_processes_are_not_taken_for_machines(tmp_path):
    for name in (process(), f"{machine()}-123456-234567-1", f"{machine()}-123456-2-1-_x7"):
        found = jobs._PROCESS.fullmatch(name)
        assert found is not None
        assert found["machine"] == machine()


def test_on_another_machine_signs_of_life_decide(tmp_path):
    there = tmp_path / "node7-abcdef-1-1"
    there.mkdir()
    assert is_alive(there, there.name)
    late = time.time() - jobs.SILENT - 1
    os.utime(there, (late, late))
    assert not is_alive(there, there.name)


def test_a_job_shows_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "BEAT", 0.01)
    job = started(tmp_path)
    os.utime(job.path, (0, 0))
    deadline = time.monotonic() + 10
    while job.path.stat().st_mtime == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert job.path.stat().st_mtime > 0
    job.end(keep=False)


def test_remains_of_killed_writers_are_cleared_and_no_others(tmp_path):
    dead = tmp_path / f".result.json~{machine()}-{os.getpid()}-1-5"
    dead.touch()
    (tmp_path / f".replica_0001~{machine()}-{2**22 + 1}-7-5").mkdir()
    (tmp_path / ".hidden").touch()
    with appearing(tmp_path / "run.json") as mine:
        mine.touch()
        clear_remains(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {mine.name, ".hidden"}
    assert mine.name == beside(tmp_path / "run.json").name


def test_the_lock_lets_one_in_at_a_time(tmp_path):
    inside, most = 0, 0

    def work():
        nonlocal inside, most
        for _ in range(20):
            with locked(tmp_path):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_that_is_kept_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_LOCKED_FOR", 0.1)
    with locked(tmp_path), pytest.raises(OutputError, match="has kept"), locked(tmp_path):
        pass
