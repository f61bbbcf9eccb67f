"""Every file of a fit damaged, one at a time: named by whoever reads it, made again by resuming."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_fit import CARD, write_data

import replicafit
from replicafit import load_fit, load_replica
from replicafit.data.known_functions import known_function
from replicafit.errors import OutputError, ReplicafitError
from replicafit.execution.observers import Observer
from replicafit.results.folder import FitFolder


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[random.Random(file.name).randrange(len(content))] ^= 4
    file.write_bytes(content)


def removed(file: Path) -> None:
    file.unlink()


DAMAGES: list[Callable[[Path], None]] = [emptied, truncated, flipped, removed]
OF_A_REPLICA = ("result.json", "network.keras", "function.npz", "history.npz", "data.npz")
FILES = [
    *("run.json", "runcard.yml", "measured.npz"),
    *(f"replicas/replica_0002/{name}" for name in (*OF_A_REPLICA, "predictions.npz")),
]


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("damage")
    write_data(folder)
    (folder / "card.yml").write_text(CARD.replace("max_steps: 4000", "max_steps: 60"))
    return folder / "card.yml"


@pytest.fixture(scope="module")
def finished(card) -> Path:
    replicafit.fit(card, output=card.parent / "fit")
    return card.parent / "fit"


@pytest.fixture
def fit(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "fit"))


def readers(fit: Path, registry) -> dict[str, Callable[[], object]]:
    folder = FitFolder(fit)
    found: dict[str, Callable[[], object]] = {
        "load_fit": lambda: load_fit(fit),
        "load_replica": lambda: load_replica(fit, 2),
        "t0": lambda: known_function(str(fit), fit, {}, registry),
        "export": folder.selected,
    }
    for name in ("history.npz", "data.npz", "predictions.npz"):
        found[name] = lambda name=name: folder.exported(2, name)
    for name in ("measured.npz", "runcard.yml"):
        found[name] = lambda name=name: folder.common(name)
    return found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_who_reads_a_damaged_file_names_it(fit, registry, name, damage):
    damage(fit / name)
    told = []
    for reader in readers(fit, registry).values():
        try:
            reader()
        except ReplicafitError as error:
            told.append(str(error))
    assert any(str(fit / name) in each and "--resume" in each for each in told), told
    if name.startswith("replicas"):
        assert 2 not in FitFolder(fit).finished() or FitFolder(fit).faults(2)


class Warnings(Observer):
    def __init__(self) -> None:
        self.told: list[str] = []

    def warning(self, message: str) -> None:
        self.told.append(message)


def numbers_in(fit: Path) -> dict[str, object]:
    """Everything that the files of a fit say, without times."""
    found: dict[str, object] = {"runcard.yml": (fit / "runcard.yml").read_text()}
    for file in sorted(fit.rglob("*.npz")):
        with np.load(file) as arrays:
            found[str(file.relative_to(fit))] = {k: arrays[k].tobytes() for k in arrays.files}
    for file in sorted(fit.rglob("result.json")):
        record = json.loads(file.read_text())
        found[str(file.relative_to(fit))] = {
            k: v for k, v in record.items() if k not in ("files", "checksum")
        }
    run = json.loads((fit / "run.json").read_text())
    return found | {key: run[key] for key in ("runcard", "hash", "data_hash", "selection")}


@pytest.mark.parametrize("seed", range(2))
def test_resuming_makes_again_what_is_damaged(fit, finished, card, seed):
    """One file of each replica and, at last, all that they share; any damage."""
    rng = random.Random(seed)
    for number, name in enumerate((*OF_A_REPLICA, "predictions.npz"), 1):
        rng.choice(DAMAGES)(fit / "replicas" / f"replica_{number:04d}" / name)
    for name in ("run.json", "runcard.yml", "measured.npz"):
        rng.choice(DAMAGES)(fit / name)
    shutil.copytree(fit / "replicas" / "replica_0003", fit / "replicas" / "replica_0003 (copy)")
    heard = Warnings()
    replicafit.fit(card, output=fit, resume=True, observer=heard)
    shutil.rmtree(fit / "replicas" / "replica_0003 (copy)")
    assert numbers_in(fit) == numbers_in(finished)
    assert {path.name for path in fit.iterdir()} == {path.name for path in finished.iterdir()}
    for number in range(1, 7):
        assert FitFolder(fit).faults(number) is None
        again = any(f"Replica {number} is fitted again" in told for told in heard.told)
        assert again or number == 1  # without a result.json it is as if it had never been
    assert any("replica_0003 (copy)' is no replica's folder" in told for told in heard.told)


def test_copies_of_replicas_are_ignored_with_a_warning(fit):
    for name in ("replica_0003 (copy)", "replica_3", "replica_00003", "notes.txt"):
        shutil.copytree(fit / "replicas" / "replica_0003", fit / "replicas" / name)
    with pytest.warns(UserWarning, match="is no replica's folder and ignored"):
        found = load_fit(fit)
    assert found.all.numbers == (1, 2, 3, 4, 5, 6)


def test_replicas_of_another_fit_are_refused_where_run_json_is_lost(fit, card):
    (fit / "run.json").unlink()
    with pytest.raises(OutputError, match="exists and is not empty"):
        replicafit.fit(card, output=fit)
    with pytest.raises(OutputError, match="is of another fit"):
        replicafit.fit(card, output=fit, resume=True, settings={"seed": 5})


def test_a_replica_is_fitted_again_if_asked(fit, finished, card):
    network = fit / "replicas" / "replica_0003" / "network.keras"
    before = network.stat().st_mtime_ns
    kept = (fit / "replicas" / "replica_0002" / "network.keras").stat().st_mtime_ns
    replicafit.fit(card, output=fit, refit=[3])
    assert network.stat().st_mtime_ns > before
    assert (fit / "replicas" / "replica_0002" / "network.keras").stat().st_mtime_ns == kept
    assert numbers_in(fit) == numbers_in(finished)
