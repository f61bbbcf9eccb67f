"""Every error a user can cause, as one tree.

    ReplicafitError
    ├── RuncardError      the runcard: unreadable, unknown key, wrong value
    ├── PluginError       a component nobody provides, or two distributions provide
    ├── DataError         a dataset: missing, damaged, inconsistent, not positive definite
    ├── ModelError        layers, flavours or grids that do not fit together
    ├── TrainingError     settings the engine cannot honour
    ├── ExecutionError    workers or a scheduler that cannot train
    └── OutputError       an output folder that cannot be written, read or continued

A message says what was given, what is allowed and what to do. Only ``replicafit.cli`` catches
these and turns them into exit code 2.
"""


class ReplicafitError(Exception):
    """Base of all errors that a user can cause and mend."""


class RuncardError(ReplicafitError):
    """The runcard cannot be read or does not describe a fit."""


class PluginError(ReplicafitError):
    """A component that the runcard names is missing, broken or provided twice."""


class DataError(ReplicafitError):
    """Data, covariances or tables that cannot be used."""


class ModelError(ReplicafitError):
    """Layers, flavours and grids that do not fit together."""


class TrainingError(ReplicafitError):
    """Settings that the engine cannot honour."""


class ExecutionError(ReplicafitError):
    """Workers or a scheduler that are not there, differ from this machine, or are lost."""


class OutputError(ReplicafitError):
    """An output folder that cannot be written, read or continued."""
