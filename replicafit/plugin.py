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
    KINDS,
    Command,
    Component,
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
    load_target,
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
    from replicafit.cli.exit_codes import INTERRUPTED
    from replicafit.cli.options import OVERRIDES, RUNCARD, overrides_of
    from replicafit.components.builtin.layers import KerasObject
    from replicafit.components.builtin.optimizers import OptimizerSettings, PerReplica
    from replicafit.data import (
        Dataset,
        FitData,
        LuminosityTable,
        ReplicaData,
        read_dataset,
        read_datasets,
        write_dataset,
    )
    from replicafit.data.cuts import NothingLeftError, passing, select
    from replicafit.data.dataset_file import read_observable, write_observable
    from replicafit.data.fit_data import join_grids
    from replicafit.data.known_functions import known_function, on_flavours
    from replicafit.data.luminosity import Table
    from replicafit.execution.executors import Executor, executor_for
    from replicafit.execution.observers import FitBeginning, Observer
    from replicafit.execution.sink import Sink
    from replicafit.execution.starting import import_engine_quietly, one_blas_thread
    from replicafit.execution.variants import Checked, HeldOut, Variants
    from replicafit.forward.fit_data import load_data
    from replicafit.forward.predictions import chi2_from_factor
    from replicafit.layers import MultiDense, MultiInitializer, replicate
    from replicafit.layers.activations import named_activation
    from replicafit.layers.per_replica import PerReplicaConstraint, PerReplicaRegularizer
    from replicafit.plugins import Registry, load_registry, with_files
    from replicafit.results.files import appearing, read_arrays, write_json
    from replicafit.results.folder import FitFolder
    from replicafit.results.progress import Progress, ReplicaProgress, Spread
    from replicafit.results.records import Execution, ReplicaRecord, RunRecord
    from replicafit.results.replica import ReplicaResult
    from replicafit.runcard import (
        Override,
        Runcard,
        Setup,
        canonical,
        compared,
        differences,
        load_runcard,
        load_setup,
        runcard_type,
    )
    from replicafit.runcard.expressions import condition
    from replicafit.runcard.joining import items_as_written
    from replicafit.runcard.yaml_source import YamlSource
    from replicafit.seeds import Seeds
    from replicafit.training.optimizers import Element, Optimizer, optimizer

_LATER = {
    "replicafit.components.builtin.layers": ("KerasObject",),
    "replicafit.components.builtin.optimizers": ("OptimizerSettings", "PerReplica"),
    "replicafit.data": (
        *("Dataset", "FitData", "LuminosityTable", "ReplicaData"),
        *("read_dataset", "read_datasets", "write_dataset"),
    ),
    "replicafit.data.cuts": ("NothingLeftError", "passing", "select"),
    "replicafit.data.fit_data": ("join_grids",),
    "replicafit.data.luminosity": ("Table",),
    "replicafit.data.dataset_file": ("read_observable", "write_observable"),
    "replicafit.layers": ("MultiDense", "MultiInitializer", "replicate"),
    "replicafit.layers.activations": ("named_activation",),
    "replicafit.layers.per_replica": ("PerReplicaConstraint", "PerReplicaRegularizer"),
    "replicafit.plugins": ("Registry", "load_registry", "with_files"),
    "replicafit.runcard": (
        *("Runcard", "Setup", "load_runcard", "load_setup", "differences", "canonical"),
        *("Override", "compared", "runcard_type"),
    ),
    "replicafit.runcard.joining": ("items_as_written",),
    "replicafit.runcard.yaml_source": ("YamlSource",),
    "replicafit.cli.exit_codes": ("INTERRUPTED",),
    "replicafit.cli.options": ("OVERRIDES", "RUNCARD", "overrides_of"),
    "replicafit.runcard.expressions": ("condition",),
    "replicafit.data.known_functions": ("known_function", "on_flavours"),
    "replicafit.forward.fit_data": ("load_data",),
    "replicafit.forward.predictions": ("chi2_from_factor",),
    "replicafit.results.files": ("appearing", "read_arrays", "write_json"),
    "replicafit.results.folder": ("FitFolder",),
    "replicafit.execution.executors": ("Executor", "executor_for"),
    "replicafit.execution.sink": ("Sink",),
    "replicafit.execution.starting": ("import_engine_quietly", "one_blas_thread"),
    "replicafit.execution.variants": ("Checked", "HeldOut", "Variants"),
    "replicafit.execution.observers": ("FitBeginning", "Observer"),
    "replicafit.results.progress": ("Progress", "ReplicaProgress", "Spread"),
    "replicafit.results.records": ("Execution", "ReplicaRecord", "RunRecord"),
    "replicafit.results.replica": ("ReplicaResult",),
    "replicafit.seeds": ("Seeds",),
    "replicafit.training.optimizers": ("Element", "Optimizer", "optimizer"),
}

__all__ = [
    "INTERRUPTED",
    "KINDS",
    "OVERRIDES",
    "RUNCARD",
    "Checked",
    "Command",
    "Component",
    "ComponentSettings",
    "DataError",
    "Dataset",
    "DatasetReader",
    "Element",
    "Evolution",
    "Execution",
    "ExecutionError",
    "Executor",
    "ExecutorType",
    "Exporter",
    "FitBeginning",
    "FitData",
    "FitFolder",
    "ForwardMap",
    "FunctionSource",
    "HeldOut",
    "KerasObject",
    "LayerContext",
    "LayerType",
    "LuminosityTable",
    "ModelError",
    "MultiDense",
    "MultiInitializer",
    "NothingLeftError",
    "Observer",
    "ObserverType",
    "Optimizer",
    "OptimizerSettings",
    "OptimizerType",
    "OutputError",
    "Override",
    "Penalty",
    "PenaltyContext",
    "PerReplica",
    "PerReplicaConstraint",
    "PerReplicaRegularizer",
    "PluginError",
    "Preset",
    "Progress",
    "Registry",
    "Relation",
    "ReplicaData",
    "ReplicaProgress",
    "ReplicaRecord",
    "ReplicaResult",
    "ReplicafitError",
    "ReportSection",
    "RunRecord",
    "Runcard",
    "RuncardError",
    "RuncardSection",
    "Seeds",
    "SelectionRule",
    "Settings",
    "Setup",
    "Sink",
    "Spread",
    "StartingFunctions",
    "Table",
    "TrainingError",
    "Variants",
    "Verdict",
    "WholeFit",
    "YamlSource",
    "appearing",
    "canonical",
    "chi2_from_factor",
    "compared",
    "condition",
    "differences",
    "executor_for",
    "hookimpl",
    "import_engine_quietly",
    "items_as_written",
    "join_grids",
    "known_function",
    "load_data",
    "load_registry",
    "load_runcard",
    "load_setup",
    "load_target",
    "named_activation",
    "on_flavours",
    "one_blas_thread",
    "optimizer",
    "overrides_of",
    "passing",
    "read_arrays",
    "read_dataset",
    "read_datasets",
    "read_observable",
    "replicate",
    "runcard_type",
    "select",
    "with_files",
    "write_dataset",
    "write_json",
    "write_observable",
]


def __getattr__(name: str) -> Any:
    """What is imported late, by name."""
    for module, names in _LATER.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'replicafit.plugin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
