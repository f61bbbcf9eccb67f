"""Reads a shipped dataset file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from replicafit.plugin import DataError, read_dataset
from replicafit_dis.catalogue import dataset_path

if TYPE_CHECKING:
    from replicafit.plugin import Dataset
    from replicafit_dis import DisSettings


def read(settings: DisSettings, folder: Path) -> Dataset:
    """The dataset called ``settings.name``; ``folder``, the runcard's, is not used."""
    path = dataset_path(settings.name)
    if not path.is_file():
        raise DataError(
            f"Dataset {settings.name!r} is known to replicafit-dis but its file is missing: "
            f"{path}. Reinstall replicafit-dis, or compute the file anew with "
            f"'python -m replicafit_dis.build --only {settings.name}' "
            "(needs replicafit-dis[build])."
        )
    return read_dataset(path)
