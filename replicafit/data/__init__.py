"""Datasets, covariances, pseudodata and splits: numpy only."""

from replicafit.data.dataset import Dataset as Dataset
from replicafit.data.dataset_file import read_dataset as read_dataset
from replicafit.data.dataset_file import write_dataset as write_dataset
from replicafit.data.fit_data import FitData as FitData
from replicafit.data.fit_data import read_datasets as read_datasets
from replicafit.data.fit_data import stack as stack
from replicafit.data.product_table import ProductTable as ProductTable
from replicafit.data.replica_data import ReplicaData as ReplicaData
from replicafit.data.replica_data import replica_data as replica_data
