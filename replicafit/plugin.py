"""The one import for authors of plugins: ``from replicafit.plugin import LayerType, hookimpl``.

What is listed here is public, as are ``replicafit``, ``replicafit.layers`` and
``replicafit.testing``; a plugin needs nothing else of this package. Descriptions, contexts and
errors come at once; everything else is imported when it is asked for, so that a plugin that only
describes costs neither Keras nor the reading of data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicafit.components import KINDS as KINDS
from replicafit.components import Command as Command
from replicafit.components import Component as Component
from replicafit.components import ComponentSettings as ComponentSettings
from replicafit.components import DatasetReader as DatasetReader
from replicafit.components import Evolution as Evolution
from replicafit.components import ExecutorType as ExecutorType
from replicafit.components import Exporter as Exporter
from replicafit.components import ForwardMap as ForwardMap
from replicafit.components import FunctionSource as FunctionSource
from replicafit.components import LayerContext as LayerContext
from replicafit.components import LayerType as LayerType
from replicafit.components import ObserverType as ObserverType
from replicafit.components import OptimizerType as OptimizerType
from replicafit.components import Penalty as Penalty
from replicafit.components import PenaltyContext as PenaltyContext
from replicafit.components import Preset as Preset
from replicafit.components import Relation as Relation
from replicafit.components import ReportSection as ReportSection
from replicafit.components import RuncardSection as RuncardSection
from replicafit.components import Settings as Settings
from replicafit.components import StartingFunctions as StartingFunctions
from replicafit.components import Verdict as Verdict
from replicafit.components import WholeFit as WholeFit
from replicafit.components import load_target as load_target
from replicafit.components import unchanged as unchanged
from replicafit.components.hookspecs import hookimpl as hookimpl
from replicafit.components.inputs import Input as Input
from replicafit.components.inputs import unit_interval as unit_interval
from replicafit.errors import DataError as DataError
from replicafit.errors import ExecutionError as ExecutionError
from replicafit.errors import ModelError as ModelError
from replicafit.errors import OutputError as OutputError
from replicafit.errors import PluginError as PluginError
from replicafit.errors import ReplicafitError as ReplicafitError
from replicafit.errors import RuncardError as RuncardError
from replicafit.errors import TrainingError as TrainingError
from replicafit.errors import did_you_mean as did_you_mean
from replicafit.lazy import lazy_names

if TYPE_CHECKING:
    from replicafit.cli.options import OVERRIDES as OVERRIDES
    from replicafit.cli.options import RUNCARD as RUNCARD
    from replicafit.cli.options import overrides_of as overrides_of
    from replicafit.cli.terminal import FAILED as FAILED
    from replicafit.cli.terminal import INTERRUPTED as INTERRUPTED
    from replicafit.components.builtin.keras_names import KerasObject as KerasObject
    from replicafit.components.builtin.optimizers import OptimizerSettings as OptimizerSettings
    from replicafit.components.builtin.optimizers import PerReplica as PerReplica
    from replicafit.data import Dataset as Dataset
    from replicafit.data import FitData as FitData
    from replicafit.data import ProductTable as ProductTable
    from replicafit.data import ReplicaData as ReplicaData
    from replicafit.data import read_dataset as read_dataset
    from replicafit.data import read_datasets as read_datasets
    from replicafit.data import write_dataset as write_dataset
    from replicafit.data.cuts import NothingLeftError as NothingLeftError
    from replicafit.data.cuts import passing as passing
    from replicafit.data.cuts import select as select
    from replicafit.data.dataset_file import read_observable as read_observable
    from replicafit.data.dataset_file import write_observable as write_observable
    from replicafit.data.fit_data import join_grids as join_grids
    from replicafit.data.grid_functions import GridFunctions as GridFunctions
    from replicafit.data.grid_functions import combination as combination
    from replicafit.data.known_functions import KnownFunction as KnownFunction
    from replicafit.data.known_functions import known_function as known_function
    from replicafit.data.known_functions import on_flavours as on_flavours
    from replicafit.data.product_table import Table as Table
    from replicafit.execution.executors import Executor as Executor
    from replicafit.execution.executors import Lanes as Lanes
    from replicafit.execution.executors import executor_for as executor_for
    from replicafit.execution.lanes import PreparingQueue as PreparingQueue
    from replicafit.execution.lanes import run_lane as run_lane
    from replicafit.execution.observers import FitBeginning as FitBeginning
    from replicafit.execution.observers import Observer as Observer
    from replicafit.execution.plans import Plan as Plan
    from replicafit.execution.plans import make_plans as make_plans
    from replicafit.execution.sink import Sink as Sink
    from replicafit.execution.starting import import_engine_quietly as import_engine_quietly
    from replicafit.execution.starting import one_blas_thread as one_blas_thread
    from replicafit.execution.variants import Checked as Checked
    from replicafit.execution.variants import HeldOut as HeldOut
    from replicafit.execution.variants import Variants as Variants
    from replicafit.forward.assembly import load_data as load_data
    from replicafit.forward.predictions import chi2_from_factor as chi2_from_factor
    from replicafit.forward.predictions import on_grid as on_grid
    from replicafit.layers import MultiDense as MultiDense
    from replicafit.layers import MultiInitializer as MultiInitializer
    from replicafit.layers import replicate as replicate
    from replicafit.layers.activations import named_activation as named_activation
    from replicafit.layers.inputs import InputLayer as InputLayer
    from replicafit.layers.inputs import side_by_side as side_by_side
    from replicafit.layers.multi_dense import plain_dense as plain_dense
    from replicafit.layers.multi_initializer import as_seeds as as_seeds
    from replicafit.layers.per_replica import PerReplicaConstraint as PerReplicaConstraint
    from replicafit.layers.per_replica import PerReplicaRegularizer as PerReplicaRegularizer
    from replicafit.plugins import Registry as Registry
    from replicafit.plugins import load_registry as load_registry
    from replicafit.plugins import with_files as with_files
    from replicafit.reading import UnreadableError as UnreadableError
    from replicafit.reading import is_folder as is_folder
    from replicafit.reading import is_there as is_there
    from replicafit.reading import read_text as read_text
    from replicafit.results.files import appearing as appearing
    from replicafit.results.files import beside as beside
    from replicafit.results.files import read_arrays as read_arrays
    from replicafit.results.files import write_json as write_json
    from replicafit.results.fit import Measured as Measured
    from replicafit.results.folder import FitFolder as FitFolder
    from replicafit.results.progress import Progress as Progress
    from replicafit.results.progress import ReplicaProgress as ReplicaProgress
    from replicafit.results.progress import Spread as Spread
    from replicafit.results.records import Execution as Execution
    from replicafit.results.records import ReplicaRecord as ReplicaRecord
    from replicafit.results.records import RunRecord as RunRecord
    from replicafit.results.replica import ReplicaResult as ReplicaResult
    from replicafit.results.selection import figure_words as figure_words
    from replicafit.results.verdict import allowed_chi2 as allowed_chi2
    from replicafit.runcard import Override as Override
    from replicafit.runcard import Runcard as Runcard
    from replicafit.runcard import Setup as Setup
    from replicafit.runcard import canonical as canonical
    from replicafit.runcard import compared as compared
    from replicafit.runcard import differences as differences
    from replicafit.runcard import load_runcard as load_runcard
    from replicafit.runcard import load_setup as load_setup
    from replicafit.runcard import runcard_type as runcard_type
    from replicafit.runcard.expressions import condition as condition
    from replicafit.runcard.joining import read_cards as read_cards
    from replicafit.runcard.models import FunctionPath as FunctionPath
    from replicafit.runcard.yaml_source import YamlSource as YamlSource
    from replicafit.seeds import Seeds as Seeds
    from replicafit.training.engine import network_functions as network_functions
    from replicafit.training.optimizers import Element as Element
    from replicafit.training.optimizers import Optimizer as Optimizer
    from replicafit.training.optimizers import optimizer as optimizer
    from replicafit.training.slots import FinishedReplica as FinishedReplica
    from replicafit.training.slots import PreparedReplica as PreparedReplica
    from replicafit.training.slots import Slots as Slots

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
