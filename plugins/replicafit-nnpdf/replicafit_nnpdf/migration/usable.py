"""Which datasets of a migrated runcard cannot be fitted here: no tables, or no data after cuts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from replicafit.plugin import (
    ComponentSettings,
    DataError,
    DatasetReader,
    NothingLeftError,
    Registry,
    passing,
    read_datasets,
)
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.reader import located
from replicafit_nnpdf.theory import MissingFileError

Model = TypeVar("Model", bound=ComponentSettings)


def without_theory(
    card: Mapping[str, Any], folder: Path, theory_folder: str | None
) -> dict[str, str]:
    """Datasets and observables whose FK tables or C-factors are missing, with the reason.

    Args:
        card: without comments.
        folder: of the card; paths in it are relative to it.
        theory_folder: as the user gave it, if so.

    Raises:
        DataError: that has no tables at all.
    """
    entries = [e for e in card["data"]["datasets"] if e["type"] == "nnpdf"]
    tables = {entry["tables"] for entry in entries}
    if theory_folder is not None and not (given := folder / theory_folder / "fastkernel").is_dir():
        raise DataError(
            f"There is no folder of FK tables at '{given}'. Give the folder that has fastkernel as "
            "--theory-folder, as seen from the new runcard."
        )
    observables = {
        Path(path).stem
        for penalty in card.get("penalties", [])
        if penalty["type"] == "positivity"
        for path in penalty["path"]
    }
    entries += [{"name": name, "tables": each} for name in observables for each in tables]
    settings = [_settings(NnpdfSettings, entry) for entry in entries]
    return {s.name: reason for s in settings if (reason := _missing(located(s, folder)))}


def emptied(card: Mapping[str, Any], folder: Path, registry: Registry) -> dict[str, str]:
    """Datasets of which cuts leave nothing, with the reason; others are for ``check`` to judge.

    Args:
        card: without comments.
        folder: of the card; paths in it are relative to it.
    """
    found: dict[str, str] = {}
    for entry in card["data"]["datasets"]:
        kind = registry.get(DatasetReader, entry["type"])
        cuts = (*card["data"].get("cuts", ()), *entry.get("cuts", ()))
        try:
            (dataset,) = read_datasets([_settings(kind.settings, entry)], registry, folder)
            passing(dataset, cuts)
        except NothingLeftError:
            found[entry["name"]] = "cuts leave none of its data"
        except DataError:
            continue
    return found


def _settings(model: type[Model], entry: Mapping[str, Any]) -> Model:
    """Of a dataset, without what a runcard says of every one: cuts and weight."""
    return model.model_validate({k: v for k, v in entry.items() if k in model.model_fields})


def _missing(settings: NnpdfSettings) -> str | None:
    from replicafit_nnpdf.parsing import find_theory  # late: it brings pandas and both parsers

    if not settings.tables.is_dir():
        return f"there is no folder {settings.tables}"
    try:
        find_theory(settings)
    except MissingFileError as error:
        return f"there is no file {error.file}"
    except DataError as error:
        return str(error)
    return None
