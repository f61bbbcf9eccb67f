"""What several tests share: a fit that nobody trained, and the LHAPDF set made from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from replicafit_lhapdf import PdfSet, read_set, replicafit_exporters
from scipy.special import beta

from replicafit.results.folder import FitFolder

REPOSITORY = Path(__file__).parents[3]
GRID = np.unique(np.concatenate([np.geomspace(1e-9, 0.1, 101), np.linspace(0.1, 1, 91)]))
FLAVOURS = ("sigma", "g", "v", "v3", "v8", "v15", "t3", "t8", "t15")
Q0 = 1.65


def toy_functions(x: np.ndarray, replica: int = 0) -> np.ndarray:
    """x f (n, f) near the Les Houches benchmark's (hep-ph/0204316, eq. 30), with sum rules kept.

    Replicas differ by how much momentum moves from gluon to sea.
    """
    moved = 0.02 * replica
    up_valence = 5.107200 * x**0.8 * (1 - x) ** 3
    down_valence = 3.064320 * x**0.8 * (1 - x) ** 4
    down_sea = 0.1939875 * x**-0.1 * (1 - x) ** 6
    up_sea = down_sea * (1 - x)
    strange = 0.2 * (up_sea + down_sea)
    charm = moved * x * (1 - x) ** 4 / (2 / 30)
    up, down = up_valence + 2 * up_sea, down_valence + 2 * down_sea
    light = up + down + 2 * strange
    valence = up_valence + down_valence
    gluon = (1.7 - moved / beta(0.9, 6)) * x**-0.1 * (1 - x) ** 5
    columns = {
        "sigma": light + 2 * charm,
        "g": gluon,
        "v": valence,
        "v3": up_valence - down_valence,
        "v8": valence,
        "v15": valence,
        "t3": up - down,
        "t8": up + down - 4 * strange,
        "t15": light - 6 * charm,
    }
    return np.stack([columns[flavour] for flavour in FLAVOURS], axis=1)


def write_fit(folder: Path, **theory: object) -> Path:
    """The files of a fit that an exporter of the whole reads; replica 3 has diverged."""
    content = {"title": "toy", "replicas": [1, 4], "theory": theory}
    folder.mkdir(parents=True)
    run = {"runcard": content, "hash": "0" * 64}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    for number, status in enumerate(("stopped", "completed", "diverged", "stopped"), start=1):
        replica = folder / "replicas" / f"replica_{number:04d}"
        replica.mkdir(parents=True)
        result = json.dumps({"number": number, "status": status})
        (replica / "result.json").write_text(result, encoding="utf-8")
        np.savez(
            replica / "function.npz",
            x=GRID,
            flavours=np.array(FLAVOURS),
            values=toy_functions(GRID, number),
            q0=Q0,
        )
    return folder


def export(folder: Path, name: str | None = None) -> Path:
    """What ``replicafit export`` does."""
    [exporter] = replicafit_exporters()
    return FitFolder(folder).export(exporter, name, lambda done, total: None)


@pytest.fixture(scope="session")
def toy() -> SimpleNamespace:
    """What tests need to know of the toy fit; they cannot import from here."""
    return SimpleNamespace(
        x=GRID,
        flavours=FLAVOURS,
        q0=Q0,
        good=(1, 2, 4),
        functions=toy_functions,
        write=write_fit,
        export=export,
    )


@pytest.fixture(scope="session")
def fit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fit of four replicas, of which three are good."""
    return write_fit(tmp_path_factory.mktemp("fits") / "toy")


@pytest.fixture(scope="session")
def toy_set(fit_folder: Path) -> PdfSet:
    """The LHAPDF set of that fit."""
    pytest.importorskip("hoppet", reason="hoppet, which evolves, is not installed")
    return read_set(export(fit_folder))


@pytest.fixture(scope="session")
def reference() -> Path:
    """NNPDF40_nnlo_as_01180, members 0 to 2."""
    root = os.environ.get("REPLICAFIT_REFERENCE", REPOSITORY.parent / "shared" / "reference")
    folder = Path(root) / "lhapdf" / "NNPDF40_nnlo_as_01180"
    if not folder.is_dir():
        pytest.skip("no reference data: set REPLICAFIT_REFERENCE to the folder that has them")
    return folder
