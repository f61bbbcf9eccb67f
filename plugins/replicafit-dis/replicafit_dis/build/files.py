"""Puts measurement, tables and provenance together as a dataset and writes its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from replicafit.plugin import Dataset, write_dataset
from replicafit_dis.build.measurements import Measurement
from replicafit_dis.catalogue import DatasetInfo
from replicafit_dis.theory import FLAVOURS, TheoryParameters

Array = npt.NDArray[np.float64]

PACKAGES = ("hoppet", "LeProHQ", "nnpdf-data", "numpy", "yadism")


def metadata(info: DatasetInfo, theory: TheoryParameters) -> dict[str, Any]:
    """Where everything in the file comes from; goes into it as JSON, together with the name."""
    return {
        "process": info.process,
        "experiment": info.experiment,
        "theory": theory.summary(info.masses),
        "provenance": {
            "reference": info.reference,
            "url": info.url,
            "nnpdf_name": info.nnpdf_name,
            "nnpdf_variant": info.variant,
            "cuts": asdict(info.cuts),
            "parameters": theory.as_dict(),
            "packages": {name: version(name) for name in PACKAGES},
        },
    }


def write(
    path: Path,
    info: DatasetInfo,
    theory: TheoryParameters,
    measurement: Measurement,
    x_grid: Array,
    tables: Sequence[Array],
) -> None:
    """Writes the file under a temporary name and renames it, so that it appears whole.

    Tables (d, f, n) are stored in float32: 6e-8 relative, far below the theory's own accuracy.
    """
    dataset = Dataset(
        name=info.name,
        central=measurement.central,
        stat=measurement.stat,
        sys_add=measurement.additive.values,
        sys_add_names=measurement.additive.names,
        sys_mult_percent=measurement.multiplicative.values,
        sys_mult_names=measurement.multiplicative.names,
        kinematics={"x": measurement.x, "q2": measurement.q2, "y": measurement.y},
        x_grid=x_grid,
        flavours=FLAVOURS,
        attributes={"q0": theory.q0},
        tables=tuple(table.astype(np.float32) for table in tables),
        operation=info.operation,
        metadata=metadata(info, theory),
    )
    write_dataset(path, dataset)
