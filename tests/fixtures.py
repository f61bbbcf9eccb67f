"""Toy datasets and the reference data, for the tests here and those of plugins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from toy import TOY_CARD, toy_dataset

from replicafit.data import Dataset, stack, write_dataset
from replicafit.execution.starting import import_engine_quietly
from replicafit.plugins import load_registry

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """What tests compute in this process has the bits of the command, which starts the engine
    before anything is computed: XLA reads its flags once.
    """
    if "keras" in sys.modules:
        import_engine_quietly()


@pytest.fixture(scope="session")
def registry():
    return load_registry()


@pytest.fixture(scope="session")
def reference() -> Path:
    """The reference data beside the checkout, or in REPLICAFIT_REFERENCE."""
    beside = ROOT.parent / "shared" / "reference"
    folder = Path(os.environ.get("REPLICAFIT_REFERENCE", beside))
    if not folder.is_dir():
        pytest.skip(f"no reference data: neither REPLICAFIT_REFERENCE nor {beside.name} is there")
    return folder


@pytest.fixture(scope="session")
def toy_datasets() -> list[Dataset]:
    return [toy_dataset("A", 40), toy_dataset("BB", 25), toy_dataset("RATIO", 12, "RATIO")]


@pytest.fixture(scope="session")
def toy_data(toy_datasets):
    return stack(toy_datasets)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory, toy_datasets) -> Path:
    """A folder with the toy datasets as files."""
    folder = tmp_path_factory.mktemp("toy")
    for dataset in toy_datasets:
        write_dataset(folder / f"{dataset.name}.npz", dataset)
    return folder


@pytest.fixture
def toy_card(toy_folder) -> Path:
    """A runcard for the toy datasets."""
    card = toy_folder / "toy.yml"
    card.write_text(TOY_CARD)
    return card


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A folder on the path of the commands that a test runs."""
    folder = tmp_path / "installed"
    folder.mkdir()
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), before]))
    return folder
