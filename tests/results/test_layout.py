"""The files of a fit hold what ``docs/layout.py`` says, and nothing else."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from layout import FILES, FileLayout
from toy import TOY_CARD

import replicafit
from replicafit.results.folder import FitFolder
from replicafit.runcard import Override, load_setup


@pytest.fixture(scope="module")
def folder(toy_folder, registry, tmp_path_factory) -> FitFolder:
    """A real fit of two replicas, a few steps long."""
    card = toy_folder / "layout.yml"
    card.write_text(TOY_CARD)
    asked = ["training.max_steps=20", "replicas=2", "training.check_every=10"]
    setup = load_setup(card, [Override.setting(each) for each in asked], registry)
    written = FitFolder(tmp_path_factory.mktemp("fit") / "fit")
    replicafit.fit(setup, output=written.path)
    return written


def keys_in(path: Path) -> set[str]:
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return set(arrays)
    content = json.loads(
        path.read_text().splitlines()[-1] if path.suffix == ".jsonl" else path.read_text()
    )
    return set(content)


@pytest.mark.parametrize("layout", FILES, ids=lambda layout: layout.name)
def test_file_holds_what_is_described(folder, layout: FileLayout):
    (path,) = [*folder.path.glob(layout.name), *folder.replica(2).glob(layout.name)]
    described = {entry.key.partition(".")[0] for entry in layout.entries}
    found = keys_in(path)
    unknown = {key for key in found if not any(fnmatch(key, known) for known in described)}
    missing = {key for key in described if not any(fnmatch(one, key) for one in found)}
    assert not unknown
    assert missing <= ({"exponents"} if layout.growing else set())


def test_every_file_is_described(folder):
    names = {path.name for path in folder.path.rglob("*") if path.is_file()}
    assert names - {layout.name for layout in FILES} == {"runcard.yml", "network.keras"}


@pytest.mark.parametrize("layout", FILES, ids=lambda layout: layout.name)
def test_shapes_are_told_of_arrays(layout: FileLayout):
    assert all(bool(entry.shape) == layout.name.endswith(".npz") for entry in layout.entries)
