"""The plugin door: one hook per kind of component, each returning a sequence of descriptions.

A plugin is a module (entry point group ``replicafit``) with functions of these names, marked with
``hookimpl``::

    from replicafit.components import LayerType
    from replicafit.components.hookspecs import hookimpl

    @hookimpl
    def replicafit_layers():
        return [LayerType(name="sine", settings=SineSettings, build="my_package.sine:build")]

A module may say for which version of this door it was written, ``REPLICAFIT_API_VERSION = 1``; then
one that does not fit is refused with that reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from replicafit import components as kinds

PROJECT = "replicafit"
API_VERSION = 1
"""Of hooks and descriptions; grows when plugins must change."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def replicafit_layers() -> Sequence[kinds.LayerType]:  # type: ignore[empty-body]
    """Network layers, for ``model.layers`` in a runcard."""


@hookspec
def replicafit_datasets() -> Sequence[kinds.DatasetReader]:  # type: ignore[empty-body]
    """Dataset readers, for ``data.datasets`` in a runcard."""


@hookspec
def replicafit_forward_maps() -> Sequence[kinds.ForwardMap]:  # type: ignore[empty-body]
    """Forward maps, for ``operation`` in a dataset file."""


@hookspec
def replicafit_penalties() -> Sequence[kinds.Penalty]:  # type: ignore[empty-body]
    """Penalties, for ``penalties`` in a runcard."""


@hookspec
def replicafit_optimizers() -> Sequence[kinds.OptimizerType]:  # type: ignore[empty-body]
    """Optimizers, for ``training.optimizer`` in a runcard."""


@hookspec
def replicafit_exporters() -> Sequence[kinds.Exporter]:  # type: ignore[empty-body]
    """Exporters, for ``export`` in a runcard."""


@hookspec
def replicafit_evolutions() -> Sequence[kinds.Evolution]:  # type: ignore[empty-body]
    """Evolutions of functions to other scales, for ``--at-q`` of reports."""


@hookspec
def replicafit_commands() -> Sequence[kinds.Command]:  # type: ignore[empty-body]
    """Commands of ``replicafit``."""


@hookspec
def replicafit_runcard_sections() -> Sequence[kinds.RuncardSection]:  # type: ignore[empty-body]
    """Top-level keys of runcards."""


@hookspec
def replicafit_observers() -> Sequence[kinds.ObserverType]:  # type: ignore[empty-body]
    """Observers of fits, for ``--observer``."""


@hookspec
def replicafit_executors() -> Sequence[kinds.ExecutorType]:  # type: ignore[empty-body]
    """Who trains, for ``--executor``."""


@hookspec
def replicafit_function_sources() -> Sequence[kinds.FunctionSource]:  # type: ignore[empty-body]
    """Known functions, for ``data.t0``, ``data.closure.truth`` and ``--reference``."""


@hookspec
def replicafit_relations() -> Sequence[kinds.Relation]:  # type: ignore[empty-body]
    """What functions are of others by construction."""


@hookspec
def replicafit_presets() -> Sequence[kinds.Preset]:  # type: ignore[empty-body]
    """Parts of runcards, for ``extends: PACKAGE:NAME``."""


@hookspec
def replicafit_report_sections() -> Sequence[kinds.ReportSection]:  # type: ignore[empty-body]
    """Sections of reports."""
