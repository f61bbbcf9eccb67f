"""The one import for authors of plugins: ``from replicafit.plugin import LayerType, hookimpl``.

What is listed here is public, as are ``replicafit``, ``replicafit.layers`` and
``replicafit.testing``; a plugin needs nothing else of this package. Descriptions, contexts and
errors come at once; everything else is imported when it is asked for, so that a plugin that only
describes costs neither Keras nor the reading of data.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from replicafit.components import (
    Command,
    ComponentSettings,
    DatasetReader,
    Evolution,
    ExecutorType,
    Exporter,
    ForwardMap,
    FunctionSource,
    LayerContext,
    LayerType,
    ObserverType,
    OptimizerType,
    Penalty,
    PenaltyContext,
    Preset,
    Relation,
    ReportSection,
    RuncardSection,
    SelectionRule,
    Settings,
    StartingFunctions,
    Verdict,
    WholeFit,
)
from replicafit.components.hookspecs import hookimpl
from replicafit.errors import (
    DataError,
    ExecutionError,
    ModelError,
    OutputError,
    PluginError,
    ReplicafitError,
    RuncardError,
    TrainingError,
)

if TYPE_CHECKING:
    from replicafit.data import (
        Dataset,
        FitData,
        LuminosityTable,
        ReplicaData,
        read_dataset,
        read_datasets,
        write_dataset,
    )
    from replicafit.data.cuts import NothingLeft, passing, select
    from replicafit.data.fit_data import join_grids
    from replicafit.data.luminosity import Table
    from replicafit.layers import MultiDense, MultiInitializer, replicate
    from replicafit.layers.activations import named_activation
    from replicafit.layers.per_replica import PerReplicaConstraint, PerReplicaRegularizer
    from replicafit.plugins import Registry, load_registry
    from replicafit.results.replica import ReplicaResult
    from replicafit.runcard import Runcard, load_runcard
    from replicafit.runcard.expressions import condition
    from replicafit.seeds import Seeds
    from replicafit.training.optimizers import Optimizer, optimizer

_LATER = {
    "replicafit.data": (
        *("Dataset", "FitData", "LuminosityTable", "ReplicaData"),
        *("read_dataset", "read_datasets", "write_dataset"),
    ),
    "replicafit.data.cuts": ("NothingLeft", "passing", "select"),
    "replicafit.data.fit_data": ("join_grids",),
    "replicafit.data.luminosity": ("Table",),
    "replicafit.layers": ("MultiDense", "MultiInitializer", "replicate"),
    "replicafit.layers.activations": ("named_activation",),
    "replicafit.layers.per_replica": ("PerReplicaConstraint", "PerReplicaRegularizer"),
    "replicafit.plugins": ("Registry", "load_registry"),
    "replicafit.results.replica": ("ReplicaResult",),
    "replicafit.runcard": ("Runcard", "load_runcard"),
    "replicafit.runcard.expressions": ("condition",),
    "replicafit.seeds": ("Seeds",),
    "replicafit.training.optimizers": ("Optimizer", "optimizer"),
}

__all__ = [
    "Command",
    "ComponentSettings",
    "DataError",
    "Dataset",
    "DatasetReader",
    "Evolution",
    "ExecutionError",
    "ExecutorType",
    "Exporter",
    "FitData",
    "ForwardMap",
    "FunctionSource",
    "LayerContext",
    "LayerType",
    "LuminosityTable",
    "ModelError",
    "MultiDense",
    "MultiInitializer",
    "NothingLeft",
    "ObserverType",
    "Optimizer",
    "OptimizerType",
    "OutputError",
    "Penalty",
    "PenaltyContext",
    "PerReplicaConstraint",
    "PerReplicaRegularizer",
    "PluginError",
    "Preset",
    "Registry",
    "Relation",
    "ReplicaData",
    "ReplicaResult",
    "ReplicafitError",
    "ReportSection",
    "Runcard",
    "RuncardError",
    "RuncardSection",
    "Seeds",
    "SelectionRule",
    "Settings",
    "StartingFunctions",
    "Table",
    "TrainingError",
    "Verdict",
    "WholeFit",
    "condition",
    "hookimpl",
    "join_grids",
    "load_registry",
    "load_runcard",
    "named_activation",
    "optimizer",
    "passing",
    "read_dataset",
    "read_datasets",
    "replicate",
    "select",
    "write_dataset",
]


def __getattr__(name: str) -> Any:
    """What is imported late, by name."""
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'replicafit.plugin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
