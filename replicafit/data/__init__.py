"""Datasets, covariances, pseudodata and splits: numpy only."""

from replicafit.data.dataset import Dataset
from replicafit.data.dataset_file import read_dataset, write_dataset
from replicafit.data.fit_data import FitData, read_datasets, stack
from replicafit.data.luminosity import LuminosityTable
from replicafit.data.replica_data import ReplicaData, replica_data

__all__ = [
    "Dataset",
    "FitData",
    "LuminosityTable",
    "ReplicaData",
    "read_dataset",
    "read_datasets",
    "replica_data",
    "stack",
    "write_dataset",
]
