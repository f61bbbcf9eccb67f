"""What all tests share."""

from fixtures import reference, registry, toy_card, toy_data, toy_datasets, toy_folder

__all__ = ["reference", "registry", "toy_card", "toy_data", "toy_datasets", "toy_folder"]
