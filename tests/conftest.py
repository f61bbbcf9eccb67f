"""What all tests share."""

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
