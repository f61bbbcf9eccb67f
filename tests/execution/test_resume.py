"""Nothing is lost when a fit dies: checkpoints, --resume, full disks."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import COMMAND, call
from toy import TOY_CARD

from replicafit.data import read_dataset, write_dataset
from replicafit.results.jobs import machine

LONG_CARD = TOY_CARD.replace("replicas: 3", "replicas: 12").replace(
    "max_steps: 60", "max_steps: 3000"
)


@pytest.fixture(scope="module")
def card(toy_folder) -> Path:
    path = toy_folder / "resume.yml"
    path.write_text(LONG_CARD)
    return path


@pytest.fixture(scope="module")
def short(toy_folder) -> Path:
    path = toy_folder / "short.yml"
    path.write_text(TOY_CARD)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory, short) -> Path:
    return fitted(short, tmp_path_factory.mktemp("short") / "fit")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, card) -> Path:
    return fitted(card, tmp_path_factory.mktemp("whole") / "fit")


def fitted(card: Path, output: Path) -> Path:
    code, _, err = call("run", card, "-o", output, cwd=card.parent)
    assert code == 0, err
    return output


def start(card: Path, output: Path, *options: str) -> subprocess.Popen:
    command = [*COMMAND, "run", str(card), "-o", str(output), "--checkpoint-every", "0", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(condition, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the fit did not get as far as the test needs"
        time.sleep(0.02)


def assert_same_replicas(ours: Path, theirs: Path) -> None:
    names = sorted(path.name for path in (theirs / "replicas").iterdir())
    assert sorted(path.name for path in (ours / "replicas").iterdir()) == names
    for name in names:
        a, b = (folder / "replicas" / name for folder in (ours, theirs))
        records = [json.loads((each / "result.json").read_text()) for each in (a, b)]
        for record in records:
            del record["files"], record["checksum"]  # the file of a network has the time in it
        assert records[0] == records[1]
        for file in ("function.npz", "history.npz"):
            with np.load(a / file) as x, np.load(b / file) as y:
                for key in y.files:
                    np.testing.assert_array_equal(x[key], y[key])


@pytest.mark.slow
def test_killed_three_times_and_resumed_gives_the_same_bits(card, uninterrupted, tmp_path):
    output = tmp_path / "fit"
    moments = [
        lambda: list(output.glob("jobs/*/newer.npz")),
        lambda: list(output.glob("jobs/*/older.npz")),
        lambda: len(list(output.glob("replicas/replica_*"))) >= 10,
    ]
    generator = np.random.default_rng(time.time_ns())
    for i, moment in enumerate(moments):
        process = start(card, output, *(["--resume"] if i else []))
        wait_for(lambda p=process, m=moment: m() or p.poll() is not None)
        time.sleep(generator.uniform(0, 0.3))
        process.kill()
        process.communicate()
    code, _, err = call("run", card, "-o", output, "--resume", cwd=card.parent)
    assert code == 0, err
    assert_same_replicas(output, uninterrupted)
    assert not (output / "jobs").exists()


@pytest.mark.slow
def test_a_damaged_checkpoint_falls_back_to_the_one_before(card, uninterrupted, tmp_path):
    output = tmp_path / "fit"
    process = start(card, output)
    wait_for(lambda: list(output.glob("jobs/*/older.npz")))
    process.kill()
    process.communicate()
    (job,) = output.glob("jobs/*-*")
    newer = job / "newer.npz"
    newer.write_bytes(newer.read_bytes()[:1000] if newer.exists() else b"")
    code, out, err = call("run", card, "-o", output, "--resume", cwd=card.parent)
    assert code == 0, err
    assert "damaged" in out
    assert_same_replicas(output, uninterrupted)


def test_an_edited_runcard_is_refused(finished, short):
    edited = short.parent / "edited.yml"
    edited.write_text("# a comment\n" + TOY_CARD.replace("2.0e-3", "3.0e-3").replace("toy", "toy2"))
    code, _, err = call("run", edited, "-o", finished, "--resume", cwd=short.parent)
    assert code == 2
    assert "different: title, training.optimizer.learning_rate" in err
    assert "title was 'toy'; training.optimizer.learning_rate was 0.002" in err


def test_resuming_a_finished_fit_changes_nothing(finished, short):
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("replica_*/*")}
    commented = short.parent / "commented.yml"
    commented.write_text("# only a comment\n" + TOY_CARD)
    half = finished / "replicas" / "replica_0001" / f".result.json~{machine()}-{2**22 + 1}-1-5"
    half.touch()  # of a job that was killed as it wrote down what is selected
    code, out, err = call("run", commented, "-o", finished, "--resume", cwd=short.parent)
    assert code == 0, err
    assert not half.exists()
    assert "3 replicas" in out
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("replica_*/*")} == before


@pytest.mark.slow
def test_changed_data_are_refused(toy_folder, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "card.yml").write_text(TOY_CARD)
    for name in ("A", "BB", "RATIO"):
        write_dataset(folder / f"{name}.npz", read_dataset(toy_folder / f"{name}.npz"))
    code, _, err = call("run", "card.yml", "-o", "fit", cwd=folder)
    assert code == 0, err
    dataset = read_dataset(folder / "A.npz")
    write_dataset(folder / "A.npz", replace(dataset, central=5 * dataset.central))
    code, _, err = call("run", "card.yml", "-o", "fit", "--resume", cwd=folder)
    assert code == 2
    assert "was begun with other data; changed since: A. " in err


def test_resuming_nothing_is_an_error(short, tmp_path):
    code, _, err = call("run", short, "-o", tmp_path / "none", "--resume", cwd=short.parent)
    assert code == 2
    assert "holds no fit to continue" in err


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB, where the machine allows one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow mounting a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_a_clear_error_and_earlier_files_stay(short, small_disk):
    code, _, err = call("run", short, "-o", small_disk / "fit", cwd=short.parent)
    assert code == 1
    assert "cannot be written" in err
    assert "intact" in err
    assert "Traceback" not in err
    json.loads((small_disk / "fit" / "run.json").read_text())
    for result in small_disk.rglob("result.json"):
        json.loads(result.read_text())
    assert not list(small_disk.rglob(".*"))
