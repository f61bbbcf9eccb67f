"""Everything that an author of plugins imports, from one place.

What needs Keras (layers, and what trains) is imported when it is asked for, so that a plugin's
descriptions stay cheap.
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
    StartingFunctions,
    Verdict,
    WholeFit,
)
from replicafit.components.hookspecs import hookimpl
from replicafit.errors import DataError, ModelError, OutputError, PluginError, ReplicafitError

if TYPE_CHECKING:
    from replicafit.data import Dataset, LuminosityTable
    from replicafit.layers import MultiDense, MultiInitializer, replicate

_LATER = {
    "Dataset": "replicafit.data",
    "LuminosityTable": "replicafit.data",
    "MultiDense": "replicafit.layers",
    "MultiInitializer": "replicafit.layers",
    "replicate": "replicafit.layers",
}

__all__ = [
    "Command",
    "ComponentSettings",
    "DataError",
    "Dataset",
    "DatasetReader",
    "Evolution",
    "ExecutorType",
    "Exporter",
    "ForwardMap",
    "FunctionSource",
    "LayerContext",
    "LayerType",
    "LuminosityTable",
    "ModelError",
    "MultiDense",
    "MultiInitializer",
    "ObserverType",
    "OptimizerType",
    "OutputError",
    "Penalty",
    "PenaltyContext",
    "PluginError",
    "Preset",
    "Relation",
    "ReplicafitError",
    "ReportSection",
    "RuncardSection",
    "SelectionRule",
    "StartingFunctions",
    "Verdict",
    "WholeFit",
    "hookimpl",
    "replicate",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'replicafit.plugin' has no attribute {name!r}")
