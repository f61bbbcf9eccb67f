"""Built-in dataset readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from replicafit.components import ComponentSettings, DatasetReader
from replicafit.hookspecs import hookimpl


class FileSettings(ComponentSettings):
    """A dataset in the native format, ``replicafit-dataset/1``."""

    type: Literal["file"] = "file"
    path: Path = Field(description="The .npz file, relative to the runcard.")


@hookimpl
def replicafit_datasets() -> Sequence[DatasetReader]:
    """The dataset readers of replicafit itself."""
    return [
        DatasetReader(
            name="file",
            settings=FileSettings,
            read="replicafit.data.dataset_file:read_from_settings",
            summary="a replicafit-dataset/1 file (.npz)",
        )
    ]
