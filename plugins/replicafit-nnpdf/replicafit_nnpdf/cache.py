"""Parsed datasets as ``replicafit-dataset/2`` files, good until one of their sources changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from replicafit.plugin import DataError, Dataset, read_dataset, write_dataset

LAYOUT = 3
"""Grows when what is kept changes."""

PACKAGES = ("replicafit-nnpdf", "nnpdf-data", "pineappl")


@dataclass(frozen=True)
class Cache:
    """A folder of parsed datasets."""

    folder: Path

    def path(self, name: str, request: Any) -> Path:
        """Where the dataset ``name`` is kept that was asked for by ``request``, JSON."""
        versions = {package: version(package) for package in PACKAGES}
        text = json.dumps([LAYOUT, versions, request], sort_keys=True)
        return self.folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"

    def load(self, path: Path) -> Dataset | None:
        """The dataset kept at ``path``; None if there is none, or its sources have changed."""
        if not path.is_file():
            return None
        try:
            dataset = read_dataset(path)
        except (DataError, KeyError, TypeError):
            return None  # of an interrupted copy, say; it is parsed anew
        recorded = dataset.metadata.get("sources")
        now = stamps([Path(file) for file in recorded or ()])
        return dataset if now == recorded else None

    def store(self, path: Path, dataset: Dataset, sources: Sequence[Path]) -> Dataset:
        """Keeps ``dataset``, made from the files ``sources``, at ``path``; gives it back.

        One that cannot be read again is not kept: whoever asked for it finds what is wrong.

        Raises:
            DataError: the folder cannot be written.
        """
        metadata = {**dataset.metadata, "sources": stamps(sources)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_dataset(path, replace(dataset, metadata=metadata))
        except OSError as cause:
            raise DataError(
                f"The cache of parsed datasets cannot be written: {cause}. Set 'cache' of the "
                "dataset to a folder that can."
            ) from None
        try:
            return read_dataset(path)
        except DataError:
            path.unlink(missing_ok=True)
            return dataset


def default_folder() -> Path:
    """Of this user, on this machine."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "replicafit-nnpdf"


def stamps(files: Sequence[Path]) -> dict[str, list[int] | None]:
    """Size and time of change of each file; None of one that is gone."""
    return {str(file): _stamp(file) for file in files}


def _stamp(file: Path) -> list[int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
