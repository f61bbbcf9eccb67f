"""What all tests share."""

from fixtures import on_path, reference, registry, toy_card, toy_data, toy_datasets, toy_folder

__all__ = ["on_path", "reference", "registry", "toy_card", "toy_data", "toy_datasets", "toy_folder"]
