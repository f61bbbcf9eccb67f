"""From the settings of a runcard to a dataset: the recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicafit.data import Dataset
from replicafit.data.cuts import select
from replicafit.errors import DataError
from replicafit_nnpdf.cache import PACKAGES, Cache, default_folder
from replicafit_nnpdf.catalogue import find, package_folder

if TYPE_CHECKING:
    from nnpdf_data.commondataparser import ObservableMetaData

    from replicafit_nnpdf import NnpdfSettings
    from replicafit_nnpdf.fk_tables import FkTable
    from replicafit_nnpdf.measurements import Measurement
    from replicafit_nnpdf.theory import Theory


def read(settings: NnpdfSettings, folder: Path) -> Dataset:
    """The dataset that ``settings`` describe; ``folder`` is the runcard's.

    Raises:
        DataError: it does not exist, or its data and tables cannot be used.
    """
    asked = located(settings, folder)
    cache = Cache(folder / settings.cache if settings.cache else default_folder())
    path = cache.path(settings.name, asked.model_dump(mode="json", exclude={"cache"}))
    kept = cache.load(path)
    if kept is not None:
        return kept
    dataset, sources = parse(asked)
    return cache.store(path, dataset, sources)


def located(settings: NnpdfSettings, folder: Path) -> NnpdfSettings:
    """``settings`` with absolute paths; those given are relative to ``folder``."""
    data = folder / settings.data if settings.data else package_folder() / "commondata"
    paths = {"data": data, "tables": folder / settings.tables}
    if settings.cfactor_folder:
        paths["cfactor_folder"] = folder / settings.cfactor_folder
    return settings.model_copy(update={key: path.absolute() for key, path in paths.items()})


def parse(settings: NnpdfSettings) -> tuple[Dataset, list[Path]]:
    """The dataset, read from NNPDF's files, and these files.

    Raises:
        DataError: as ``read``.
    """
    from replicafit_nnpdf import measurements
    from replicafit_nnpdf.joining import join
    from replicafit_nnpdf.theory import theory_of

    name = settings.name
    assert settings.data is not None
    measurements.forget_metadata()
    metadata = measurements.load_metadata(name, settings.variant, find(name, settings.data))
    theory = theory_of(name, metadata.theory)
    measured = measurements.load_measurement(name, metadata)
    tables, sources = load_tables(settings, theory)
    joined = join(name, len(measured.central), theory, tables)
    dataset = Dataset(
        name=name,
        central=measured.central,
        stat=measured.stat,
        sys_add=measured.additive.values,
        sys_add_names=measured.additive.names,
        sys_mult_percent=measured.multiplicative.values,
        sys_mult_names=measured.multiplicative.names,
        kinematics=measured.kinematics,
        x_grid=joined.x_grid,
        flavours=joined.flavours,
        q0=next(iter(tables.values())).q0,
        tables=joined.tables,
        operation=theory.operation,
        metadata=describe(settings, metadata, measured, theory, sources),
    )
    if not joined.predicted.all():
        _check_removal(settings, joined.predicted.tolist())
        dataset = select(dataset, joined.predicted)
    return dataset, [*measurements.source_files(metadata), *sources]


def load_tables(settings: NnpdfSettings, theory: Theory) -> tuple[dict[str, FkTable], list[Path]]:
    """Every FK table that ``theory`` needs, times all its factors; and the files read.

    Raises:
        DataError: a file is missing, damaged or does not fit.
    """
    from replicafit_nnpdf.cfactors import find_cfactors, product
    from replicafit_nnpdf.fk_tables import find_table, read_table

    folders = [settings.tables.parent / "cfactor", package_folder() / "cfactors"]
    if settings.cfactor_folder:
        folders.insert(0, settings.cfactor_folder)
    found: dict[str, FkTable] = {}
    sources = []
    paths = {name: find_table(settings.name, name, settings.tables) for name in theory.tables}
    for name, path in paths.items():
        table, factors = read_table(path), find_cfactors(name, settings.cfactors, folders)
        factor = product(factors, len(table.values))
        factor *= theory.conversion_factor * theory.normalization.get(name, 1.0)
        spread = factor.reshape(-1, *[1] * (table.values.ndim - 1))
        found[name] = replace(table, values=table.values * spread)
        sources += [path, *factors]
    return found, sources


def describe(
    settings: NnpdfSettings,
    metadata: ObservableMetaData,
    measured: Measurement,
    theory: Theory,
    sources: Sequence[Path],
) -> dict[str, Any]:
    """Process, experiment and where everything comes from."""
    process = str(metadata.process_type)
    if (theory.operation == "ASY" or (measured.central < 0).any()) and "ASY" not in process:
        process += "_ASY"  # tells that data may be negative
    return {
        "process": process,
        "experiment": metadata.nnpdf_metadata["experiment"] or metadata.experiment,
        "theory": f"{theory.operation} of the FK tables {', '.join(theory.tables)}",
        "provenance": {
            "variant": settings.variant,
            "cfactors": list(settings.cfactors),
            "packages": {package: version(package) for package in PACKAGES},
            "sha256": {file.name: _digest(file) for file in sources},
        },
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _check_removal(settings: NnpdfSettings, predicted: Sequence[bool]) -> None:
    if settings.without_theory == "remove":
        return
    missing = [i for i, known in enumerate(predicted) if not known]
    shown = ", ".join(map(str, missing[:10])) + (" ..." if len(missing) > 10 else "")
    raise DataError(
        f"The FK tables of {settings.name} do not predict {len(missing)} of its {len(predicted)} "
        f"data: {shown} (counted from 0). Set 'without_theory: remove' to fit the others."
    )
