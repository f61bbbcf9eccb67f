"""From NNPDF's files to a dataset: the recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from nnpdf_data.commondataparser import ObservableMetaData
from replicafit_pdf.theory import POLARIZATION

from replicafit.plugin import DataError, Dataset, select
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.cache import PACKAGES
from replicafit_nnpdf.catalogue import find, is_observable, package_folder
from replicafit_nnpdf.cfactors import find_cfactors, product
from replicafit_nnpdf.fk_tables import FkTable, find_table, read_table
from replicafit_nnpdf.joining import Joined, join
from replicafit_nnpdf.measurements import (
    Measurement,
    forget_metadata,
    load_measurement,
    load_metadata,
    source_files,
)
from replicafit_nnpdf.theory import Theory, theory_of


@dataclass(frozen=True)
class Loaded:
    """Everything about one dataset that NNPDF's files say.

    Attributes:
        metadata: nnpdf-data's.
        measured: data and uncertainties; zeros where nothing was measured.
        theory: how the tables combine.
        joined: the tables.
        attributes: of the functions that they act on.
        sources: the files read.
        absent: those that would have been read in place of some of them.
    """

    metadata: ObservableMetaData
    measured: Measurement
    theory: Theory
    joined: Joined
    attributes: Mapping[str, float]
    sources: tuple[Path, ...]
    absent: tuple[Path, ...]


def parse(settings: NnpdfSettings) -> tuple[Dataset, tuple[Path, ...]]:
    """The dataset that ``settings``, with absolute paths, describe, and the files that it hangs on:
    those read, and those that were not there.

    Raises:
        DataError: it does not exist, or its data and tables cannot be used.
    """
    if is_observable(settings.name):
        raise DataError(
            f"{settings.name} was not measured: it is an observable for a penalty. Make a file "
            f"of it with 'replicafit nnpdf-file {settings.name} --tables {settings.tables} "
            "--output FOLDER' and name that in the penalty positivity."
        )
    loaded = load(settings)
    dataset, predicted = _dataset(settings, loaded), loaded.joined.predicted
    if not predicted.all():
        _check_removal(settings, predicted)
        dataset = select(dataset, predicted)
    return dataset, (*loaded.sources, *loaded.absent)


def parse_observable(settings: NnpdfSettings) -> Dataset:
    """The observable that ``settings``, with absolute paths, describe; nothing was measured.

    Raises:
        DataError: it does not exist, or its predictions are not one whole table.
    """
    loaded = load(settings)
    if loaded.theory.operation != "NULL" or not loaded.joined.predicted.all():
        raise DataError(
            f"The observable {settings.name} combines tables by {loaded.theory.operation}, or "
            "lacks rows; penalties take one whole table."
        )
    return _dataset(settings, loaded)


def _dataset(settings: NnpdfSettings, loaded: Loaded) -> Dataset:
    measured, joined = loaded.measured, loaded.joined
    return Dataset(
        name=settings.name,
        central=measured.central,
        stat=measured.stat,
        sys_add=measured.additive.values,
        sys_add_names=measured.additive.names,
        sys_mult_percent=measured.multiplicative.values,
        sys_mult_names=measured.multiplicative.names,
        kinematics=measured.kinematics,
        x_grid=joined.x_grid,
        flavours=joined.flavours,
        attributes=loaded.attributes,
        tables=joined.tables,
        operation=loaded.theory.operation,
        metadata=_describe(settings, loaded),
    )


def load(settings: NnpdfSettings) -> Loaded:
    """What NNPDF's files say of the dataset that ``settings``, with absolute paths, describe.

    Raises:
        DataError: as ``parse``.
    """
    name = settings.name
    assert settings.data is not None
    forget_metadata()
    metadata = load_metadata(name, settings.variant, find(name, settings.data))
    theory = theory_of(name, metadata.theory)
    tables, files = _load_tables(settings, theory)  # first: data may take a minute
    measured = load_measurement(name, metadata)
    joined = join(name, len(measured.central), theory, tables)
    first = tables[theory.tables[0]]
    attributes = {"q0": first.q0, POLARIZATION: float(first.polarised)}
    sources = (*source_files(metadata), *files)
    return Loaded(metadata, measured, theory, joined, attributes, sources, _absent(settings, files))


def _describe(settings: NnpdfSettings, loaded: Loaded) -> dict[str, Any]:
    """Process, experiment and where everything comes from."""
    metadata, theory = loaded.metadata, loaded.theory
    process = str(metadata.process_type)
    negative = theory.operation == "ASY" or (loaded.measured.central < 0).any()
    if negative and "ASY" not in process:
        process += "_ASY"  # tells that data may be negative
    return {
        "process": process,
        "experiment": metadata.nnpdf_metadata["experiment"] or metadata.experiment,
        "theory": f"{theory.operation} of the FK tables {', '.join(theory.tables)}",
        "provenance": {
            "variant": settings.variant,
            "cfactors": list(settings.cfactors),
            "packages": {package: version(package) for package in PACKAGES},
            "sha256": {file.name: _digest(file) for file in loaded.sources},
        },
    }


def theory_files(settings: NnpdfSettings, theory: Theory) -> Mapping[str, Sequence[Path]]:
    """By the name of each FK table that ``theory`` needs, its file and those of its C-factors.

    Raises:
        DataError: one is missing.
    """
    folders = _cfactor_folders(settings)
    return {
        name: (
            find_table(settings.name, name, settings.tables),
            *find_cfactors(name, settings.cfactors, folders),
        )
        for name in theory.tables
    }


def _cfactor_folders(settings: NnpdfSettings) -> list[Path]:
    """Where C-factors are looked for, one after the other."""
    own = [settings.cfactor_folder] if settings.cfactor_folder else []
    return [*own, settings.tables.parent / "cfactor", package_folder() / "cfactors"]


def _absent(settings: NnpdfSettings, files: Sequence[Path]) -> tuple[Path, ...]:
    """C-factors that would come before those among ``files``."""
    folders = _cfactor_folders(settings)
    places = {file: folders.index(file.parent) for file in files if file.parent in folders}
    return tuple(folder / file.name for file, n in places.items() for folder in folders[:n])


def find_theory(settings: NnpdfSettings) -> None:
    """Refuses a dataset whose ``theory_files`` are not all there.

    Raises:
        DataError: naming what is missing.
    """
    assert settings.data is not None
    metadata = load_metadata(settings.name, settings.variant, find(settings.name, settings.data))
    theory_files(settings, theory_of(settings.name, metadata.theory))


def _load_tables(
    settings: NnpdfSettings, theory: Theory
) -> tuple[Mapping[str, FkTable], Sequence[Path]]:
    """Every FK table that ``theory`` needs, times all its factors; and the files read."""
    found: dict[str, FkTable] = {}
    files = theory_files(settings, theory)
    for name, (path, *factors) in files.items():
        table = read_table(path)
        factor = product(factors, len(table.values))
        factor *= theory.conversion_factor * theory.normalization.get(name, 1.0)
        spread = factor.reshape(-1, *[1] * (table.values.ndim - 1))
        found[name] = replace(table, values=table.values * spread)
    return found, [file for each in files.values() for file in each]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check_removal(settings: NnpdfSettings, predicted: np.ndarray) -> None:
    if settings.without_theory == "remove":
        return
    missing = np.flatnonzero(~predicted).tolist()
    shown = ", ".join(map(str, missing[:10])) + (" ..." if len(missing) > 10 else "")
    raise DataError(
        f"The FK tables of {settings.name} do not predict {len(missing)} of its {len(predicted)} "
        f"data: {shown} (counted from 0). Set 'without_theory: remove' to fit the others."
    )
