"""What the tests of plugins share; those of a plugin that is not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fixtures import (
    on_path,
    pytest_collection_finish,
    reference,
    registry,
    toy_card,
    toy_data,
    toy_datasets,
    toy_folder,
)

__all__ = [
    "on_path",
    "pytest_collection_finish",
    "reference",
    "registry",
    "toy_card",
    "toy_data",
    "toy_datasets",
    "toy_folder",
]

collect_ignore = [
    folder.name
    for folder in Path(__file__).parent.glob("replicafit-*")
    if find_spec(folder.name.replace("-", "_")) is None
]
