"""The reader behind the dataset type ``nnpdf``: from the cache, or else from NNPDF's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from replicafit.plugin import Dataset
from replicafit_nnpdf.cache import Cache, default_folder
from replicafit_nnpdf.catalogue import package_folder

if TYPE_CHECKING:
    from replicafit_nnpdf import NnpdfSettings


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
    from replicafit_nnpdf.parsing import parse  # late: it brings pandas and both parsers

    return cache.store(path, *parse(asked))


def located(settings: NnpdfSettings, folder: Path) -> NnpdfSettings:
    """``settings`` with absolute paths; those given are relative to ``folder``."""
    data = folder / settings.data if settings.data else package_folder() / "commondata"
    paths = {"data": data, "tables": folder / settings.tables}
    if settings.cfactor_folder:
        paths["cfactor_folder"] = folder / settings.cfactor_folder
    return settings.model_copy(update={key: path.absolute() for key, path in paths.items()})
