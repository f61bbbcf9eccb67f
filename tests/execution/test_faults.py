"""Real workers that die, come late, differ or see no files: every replica is as without them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import COMMAND, call
from test_resume import LONG_CARD, assert_same_replicas, wait_for

pytestmark = pytest.mark.slow
PATIENT = 300.0


@pytest.fixture(scope="module")
def card(toy_folder) -> Path:
    path = toy_folder / "faults.yml"
    path.write_text(LONG_CARD)
    return path


@pytest.fixture(scope="module")
def alone(tmp_path_factory, card) -> Path:
    """The fit in a single process."""
    output = tmp_path_factory.mktemp("alone") / "fit"
    code, _, err = call("run", card, "-o", output, cwd=card.parent, timeout=PATIENT)
    assert code == 0, err
    return output


@contextmanager
def process(*command: object, **options) -> Iterator[subprocess.Popen]:
    running = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def client(card: Path, output: Path, executor: str, *options: str, how: dict | None = None):
    arguments = ["run", card, "-o", output, "--executor", executor, "--checkpoint-every", "0"]
    return process(*COMMAND, *arguments, *options, **(how or {}))


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    pytest.importorskip("distributed", reason="needs pip install 'replicafit[dask]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    with process(sys.executable, "-m", "dask", "scheduler", *where):
        yield f"tcp://127.0.0.1:{port}"


def worker(address: str, *before: str, **options):
    command = [sys.executable, "-m", "dask", "worker", address]
    return process(*before, *command, "--nthreads", "1", "--no-nanny", "--no-dashboard", **options)


def trainer(output: Path, batch: str) -> int:
    """The process that trains a batch, once it has a checkpoint."""
    state = output / "checkpoint" / batch
    wait_for(lambda: (state / "newer.npz").exists() and (state / "begun.json").exists(), PATIENT)
    return int(json.loads((state / "begun.json").read_text())["worker"].split()[-1])


def finished(running: subprocess.Popen, output: Path, alone: Path) -> list[str]:
    """Waits for a fit and compares it; gives what it says has happened."""
    told, _ = running.communicate(timeout=PATIENT)
    assert running.returncode == 0, told
    assert_same_replicas(output, alone)
    assert not (output / "checkpoint").exists()
    return json.loads((output / "run.json").read_text())["execution"]["happened"]


def test_a_killed_process_loses_nothing(card, alone, tmp_path):
    output = tmp_path / "fit"
    with client(card, output, "processes:2") as running:
        os.kill(trainer(output, "batch_0001"), signal.SIGKILL)
        happened = finished(running, output, alone)
    assert "replicas 1 to 10 failed, attempt 1 of 3" in happened[0]
    assert any("went on from its checkpoint" in line for line in happened)


def test_a_killed_dask_worker_is_replaced_by_one_that_comes_late(card, alone, scheduler, tmp_path):
    output = tmp_path / "fit"
    with client(card, output, f"dask:{scheduler}") as running, worker(scheduler) as first:
        assert trainer(output, "batch_0001") == first.pid
        with worker(scheduler):
            first.kill()
            happened = finished(running, output, alone)
    assert any("left. Another one takes over its batch." in line for line in happened)
    assert any("joined" in line for line in happened)
    assert any(f"process {first.pid} stopped in the middle" in line for line in happened)


def test_a_killed_client_resumes(card, alone, scheduler, tmp_path):
    output = tmp_path / "fit"
    with worker(scheduler):
        with client(card, output, f"dask:{scheduler}") as running:
            trainer(output, "batch_0001")
            running.kill()
        with client(card, output, f"dask:{scheduler}", "--resume") as running:
            finished(running, output, alone)


@pytest.mark.parametrize("executor", ["processes:2", "dask:local:2"])
def test_ctrl_c_ends_the_workers_quietly_and_the_fit_resumes(card, alone, tmp_path, executor):
    """A terminal sends it to the client and to its workers."""
    if "dask" in executor:
        pytest.importorskip("distributed", reason="needs pip install 'replicafit[dask]'")
    output = tmp_path / "fit"
    how = {"start_new_session": True, "preexec_fn": hears_ctrl_c}
    with client(card, output, executor, how=how) as running:
        trainer(output, "batch_0001")
        os.killpg(running.pid, signal.SIGINT)
        told, _ = running.communicate(timeout=PATIENT)  # until nobody can write any more
    assert running.returncode == 130, told
    assert "Continue with --resume." in told
    assert "Traceback" not in told
    with client(card, output, executor, "--resume") as running:
        told, _ = running.communicate(timeout=PATIENT)
    assert running.returncode == 0, told
    assert_same_replicas(output, alone)


def hears_ctrl_c() -> None:
    """In the background of a shell, tests ignore SIGINT, and what they start inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_workers_without_a_shared_file_system_send_replicas_back(card, alone, scheduler, tmp_path):
    """A mount over the folders of card and fit hides them from the worker alone."""
    hidden = [str(card.parent), str(tmp_path)]
    mounts = " && ".join(f"mount -t tmpfs tmpfs {folder}" for folder in hidden)
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow a process its own mounts")
    before = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    output = tmp_path / "fit"
    with (
        client(card, output, f"dask:{scheduler}") as running,
        worker(scheduler, *before, cwd="/"),
    ):
        finished(running, output, alone)


BROKEN = """\
import errno
from replicafit.components import Exporter
from replicafit.components.hookspecs import hookimpl

@hookimpl
def replicafit_exporters():
    return [Exporter(name="broken", write=write, summary="breaks")]

def write(replica, network, folder):
    if replica.number == 11:
        raise OSError(errno.EIO, "the disk of replica 11 is broken")
"""


def test_a_batch_that_fails_three_times_is_told_and_the_rest_kept(card, tmp_path):
    (card.parent / "broken_exporter.py").write_text(BROKEN)
    broken = card.parent / "broken.yml"
    broken.write_text(f"{LONG_CARD}plugins: [./broken_exporter.py]\nexport: [function, broken]\n")
    output = tmp_path / "fit"
    with client(broken, output, "processes:1") as running:
        told, _ = running.communicate(timeout=PATIENT)
    assert running.returncode == 1, told
    assert "2 of 12 replicas could not be fitted" in " ".join(told.split())
    kept = sorted(path.name for path in (output / "replicas").iterdir())
    assert kept == [f"replica_{number:04d}" for number in range(1, 11)]
    execution = json.loads((output / "run.json").read_text())["execution"]
    assert [line.count("attempt") for line in execution["happened"]] == [1, 1, 1]
    assert "the disk of replica 11 is broken" in execution["failures"]["replicas 11 to 12"]
    assert "Traceback" in (output / "checkpoint" / "batch_0011" / "failure.txt").read_text()


def test_a_worker_with_another_version_is_refused(card, scheduler, tmp_path):
    """A version is what the metadata of the distribution say, which come first on the path here."""
    about = tmp_path / "site" / "replicafit-9.9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: replicafit\nVersion: 9.9\n")
    (about / "entry_points.txt").write_text(
        "[replicafit]\nbuiltin = replicafit.components.builtin\n"
    )
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    output = tmp_path / "fit"
    with (
        worker(scheduler, env={**os.environ, "PYTHONPATH": path}),
        client(card, output, f"dask:{scheduler}") as running,
    ):
        told, _ = running.communicate(timeout=PATIENT)
    assert running.returncode == 2, told
    assert "it has replicafit 9.9, and the fit 0.1.0" in told
    assert not output.exists()


def test_an_unreachable_scheduler_is_told_with_what_to_start(card, tmp_path):
    pytest.importorskip("distributed", reason="needs pip install 'replicafit[dask]'")
    with client(card, tmp_path / "fit", "dask:tcp://127.0.0.1:1") as running:
        told, _ = running.communicate(timeout=PATIENT)
    assert running.returncode == 2, told
    assert "No Dask scheduler answers at 'tcp://127.0.0.1:1' within 10 s" in told
    assert "dask worker tcp://127.0.0.1:1 --nthreads 1" in told
