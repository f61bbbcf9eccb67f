"""What several tests share: a folder of datasets, FK tables made by pineappl, and a toy PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from replicafit_nnpdf import NnpdfSettings

from replicafit.data import Dataset
from replicafit.forward.predictions import predict
from replicafit.plugin import read_datasets
from replicafit.plugins import load_registry

Q0 = 1.65
X = np.geomspace(1e-3, 1, 8)
DIS = ((100,), (21,), (200,), (108,))
PP = ((100, 21), (21, 100), (203, 203), (200, 103))


def write_table(
    path: Path,
    n_data: int,
    channels: Sequence[tuple[int, ...]] = DIS,
    *,
    x: np.ndarray = X,
    q0: float = Q0,
    seed: int = 0,
    positive: bool = False,
    polarised: Sequence[bool] = (False, False),
    basis: str = "Evol",
    pid: int = 2212,
    time_like: bool = False,
    values: np.ndarray | None = None,
    unit_bins: bool = False,
) -> Path:
    """An FK table (d, c, n) or (d, c, n, n) of random numbers, with bins of different widths."""
    from pineappl.boc import BinsWithFillLimits, Channel, Kinematics, Order, ScaleFuncForm, Scales
    from pineappl.convolutions import Conv, ConvType
    from pineappl.fk_table import FkTable
    from pineappl.grid import Grid
    from pineappl.pids import PidBasis
    from pineappl.subgrid import ImportSubgridV1

    n_hadrons = len(channels[0])
    generator = np.random.default_rng(seed)
    shape = (n_data, len(channels), *[len(x)] * n_hadrons)
    if values is None:
        values = generator.uniform(0.5, 1, shape) if positive else generator.normal(size=shape)
    conv = [
        Conv(convolution_types=ConvType(polarized=p, time_like=time_like), pid=pid)
        for p in polarised[:n_hadrons]
    ]
    limits = [[(float(d), float(d + 1))] for d in range(n_data)]
    grid = Grid(
        pid_basis=getattr(PidBasis, basis),
        channels=[Channel([(list(channel), 1.0)]) for channel in channels],
        orders=[Order(0, 0, 0, 0, 0)],
        bins=BinsWithFillLimits.from_limits_and_normalizations(
            limits, [1.0] * n_data if unit_bins else generator.uniform(0.5, 2, n_data).tolist()
        ),
        convolutions=conv,
        interpolations=_interpolations(n_hadrons),
        kinematics=[Kinematics.Scale(0), *map(Kinematics.X, range(n_hadrons))],
        scale_funcs=Scales(
            ren=ScaleFuncForm.NoScale(0), fac=ScaleFuncForm.Scale(0), frg=ScaleFuncForm.NoScale(0)
        ),
    )
    nodes = [[q0**2], *[x.tolist()] * n_hadrons]
    for d, row in enumerate(values):
        for c, weights in enumerate(row):
            subgrid = ImportSubgridV1(array=weights[None], node_values=nodes)
            grid.set_subgrid(0, d, c, subgrid.into())
    FkTable(grid).write_lz4(str(path))
    return path


def _interpolations(n_hadrons: int) -> list[Any]:
    from pineappl.interpolation import (
        Interp,
        InterpolationMethod,
        MappingMethod,
        ReweightingMethod,
    )

    scale = Interp(
        min=1.0,
        max=1e8,
        nodes=40,
        order=3,
        reweight_meth=ReweightingMethod.NoReweight,
        map=MappingMethod.ApplGridH0,
        interpolation_meth=InterpolationMethod.Lagrange,
    )
    x = Interp(
        min=2e-7,
        max=1.0,
        nodes=50,
        order=3,
        reweight_meth=ReweightingMethod.ApplGridX,
        map=MappingMethod.ApplGridF2,
        interpolation_meth=InterpolationMethod.Lagrange,
    )
    return [scale, *[x] * n_hadrons]


def xfx(pid: int, x: float, q2: float) -> float:
    """x f of a toy proton for the parton ``pid``, all different, none vanishing at x = 1."""
    return float((2 + np.sin(pid)) * x ** (0.2 + 0.05 * abs(pid) % 1) * (1.1 - x) ** 3)


def evolution_basis(x: np.ndarray, flavours: Sequence[str]) -> np.ndarray:
    """The toy proton in the evolution basis, (n, f), by the definitions of its functions."""
    quarks = {name: i for i, name in enumerate("duscbt", start=1)}
    plus = {q: np.array([xfx(i, v, 0) + xfx(-i, v, 0) for v in x]) for q, i in quarks.items()}
    minus = {q: np.array([xfx(i, v, 0) - xfx(-i, v, 0) for v in x]) for q, i in quarks.items()}
    found = {"g": np.array([xfx(21, v, 0) for v in x])}
    for singlet, triplet, q in (("sigma", "t", plus), ("v", "v", minus)):
        found[singlet] = sum(q.values(), np.zeros(len(x)))
        found[f"{triplet}3"] = q["u"] - q["d"]
        found[f"{triplet}8"] = q["u"] + q["d"] - 2 * q["s"]
        found[f"{triplet}15"] = q["u"] + q["d"] + q["s"] - 3 * q["c"]
    return np.stack([found[flavour] for flavour in flavours], axis=1)


def convolved(path: Path) -> np.ndarray:
    """pineappl's own prediction for the toy proton, (d,)."""
    from pineappl.fk_table import FkTable

    table = FkTable.read(str(path))
    convolutions = table.convolutions
    functions = [xfx] * len(convolutions)
    return np.asarray(table.convolve(pdg_convs=convolutions, xfxs=functions))


def predicted(dataset: Dataset) -> np.ndarray:
    """replicafit's prediction for the toy proton, (d,)."""
    values = evolution_basis(dataset.x_grid, dataset.flavours)
    return predict(dataset, load_registry(), values)


class Workshop:
    """A folder with a set of data in nnpdf-data's format and one with FK tables for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables = root / "theory" / "fastkernel"
        self.data = root / "commondata"
        self.tables.mkdir(parents=True)

    def table(self, name: str, n_data: int, *args: Any, **settings: Any) -> Path:
        """Makes an FK table."""
        path = self.tables / f"{name}.pineappl.lz4"
        return write_table(path, n_data, *args, **settings)

    def cfactor(self, factor: str, table: str, values: Sequence[float]) -> None:
        """Writes a C-factor where NNPDF has it."""
        folder = self.root / "theory" / "cfactor"
        folder.mkdir(exist_ok=True)
        rows = "\n".join(f"{value!r}\t0.1" for value in values)
        text = f"****\nSetName: TOY\nWarnings: none\n****\n{rows}\n"
        (folder / f"CF_{factor}_{table}.dat").write_text(text, encoding="utf-8")

    def measured(
        self, n_data: int, theory: Mapping[str, Any] | None, central: Sequence[float] = ()
    ) -> None:
        """Writes the dataset TOY_NC_10GEV_SIGMA with the variant shifted."""
        folder = self.data / "TOY_NC_10GEV"
        folder.mkdir(parents=True, exist_ok=True)
        values = list(central) or [1.0 + d for d in range(n_data)]
        bins = [
            {
                "x": {"min": None, "mid": 0.1 * (d + 1) / n_data, "max": None},
                "Q2": {"min": 1.0, "mid": None, "max": 3.0 + 2 * d},
                "sqrts": {"min": None, "mid": 10.0, "max": None},
            }
            for d in range(n_data)
        ]
        errors = {
            "definitions": {
                "stat": _source("ADD", "UNCORR"),
                "own": _source("MULT", "UNCORR"),
                "bias": _source("ADD", "CORR"),
                "lumi": _source("MULT", "TOYLUMI"),
                "ignored": _source("ADD", "SKIP"),
            },
            "bins": [
                {"stat": 0.1, "own": 0.2, "bias": 0.01 * d, "lumi": 0.03, "ignored": 9.0}
                for d in range(n_data)
            ],
        }
        shifted = {"data_central": [2 * value for value in values]}
        variable = {"label": "v", "description": "", "units": ""}
        observable = {
            "observable_name": "SIGMA",
            "observable": {"description": "toy", "label": "toy", "units": ""},
            "process_type": "DIS_NC",
            "ndata": n_data,
            "plotting": {"plot_x": "x"},
            "kinematic_coverage": ["x", "Q2", "sqrts"],
            "kinematics": {
                "variables": {"x": variable, "Q2": variable, "sqrts": variable},
                "file": "kinematics.yaml",
            },
            "data_central": "data.yaml",
            "data_uncertainties": ["uncertainties.yaml"],
            "variants": {"shifted": {"data_central": "shifted.yaml"}},
            **({"theory": dict(theory)} if theory else {}),
        }
        contents = {
            "metadata": {
                "setname": "TOY_NC_10GEV",
                "version": 1,
                "version_comment": "",
                "nnpdf_metadata": {"nnpdf31_process": "DIS NC", "experiment": "TOY"},
                "implemented_observables": [observable],
            },
            "data": {"data_central": values},
            "shifted": shifted,
            "kinematics": {"bins": bins},
            "uncertainties": errors,
        }
        for name, content in contents.items():  # JSON is YAML
            text = json.dumps(content, indent=1).replace('"observable_name"', "observable_name")
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def settings(self, **settings: Any) -> NnpdfSettings:
        """Of TOY_NC_10GEV_SIGMA, unless said otherwise."""
        usual = {"name": "TOY_NC_10GEV_SIGMA", "tables": self.tables, "data": self.data}
        return NnpdfSettings(**{**usual, "cache": self.root / "cache", **settings})

    def read(self, **settings: Any) -> Dataset:
        """What a fit reads."""
        [dataset] = read_datasets([self.settings(**settings)], load_registry(), self.root)
        return dataset


def _source(treatment: str, kind: str) -> dict[str, str]:
    return {"description": "", "treatment": treatment, "type": kind}


@pytest.fixture(scope="session")
def installed() -> None:
    """What reads NNPDF's files."""
    pytest.importorskip("pineappl", reason="pineappl, which reads FK tables, is not installed")
    pytest.importorskip("nnpdf_data", reason="nnpdf-data, which has the data, is not installed")


@pytest.fixture
def workshop(installed: None, tmp_path: Path) -> Workshop:
    """A fresh one."""
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def toy(installed: None) -> SimpleNamespace:
    """What tests need to know; they cannot import from here."""
    return SimpleNamespace(
        x=X, dis=DIS, pp=PP, q0=Q0, convolved=convolved, predicted=predicted, make=write_table
    )
