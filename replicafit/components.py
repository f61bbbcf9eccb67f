"""Frozen descriptions of what plugins provide.

A description is cheap: a name, a pydantic model of the settings a runcard may give, and where the
working code is. The code itself is named by a string ``"package.module:attribute"`` and imported
when a fit first needs it, so that listing plugins or checking a runcard never imports Keras.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

Target = str | Callable[..., Any]
"""A callable, or the string ``"package.module:attribute"`` that leads to one."""


class ComponentSettings(BaseModel):
    """Base of all component settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def load_target(target: Target) -> Callable[..., Any]:
    """The callable behind ``target``, imported now if it is given as a string."""
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return loaded


@dataclass(frozen=True, kw_only=True)
class Component:
    """What all kinds share: the ``type`` a runcard writes, its settings and one line of help."""

    name: str
    settings: type[ComponentSettings]
    summary: str = ""


@dataclass(frozen=True)
class LayerContext:
    """What a layer may know when it is built.

    Attributes:
        position: place of the layer in the runcard, from 0.
        replica_seeds: one integer seed per slot, for this layer alone; length r.
        generators: one numpy generator per slot, for this layer alone; length r.
        flavours: names of the functions the network puts out; length f.
        has_replica_axis: whether the features that reach the layer are ``(b, r, n, f)`` already.
        node_start: where on the grid axis the extra grid points of this layer begin.
        node_count: how many extra grid points this layer requested.
    """

    position: int
    replica_seeds: tuple[int, ...]
    generators: tuple[np.random.Generator, ...]
    flavours: tuple[str, ...]
    has_replica_axis: bool = True
    node_start: int = 0
    node_count: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerType(Component):
    """A network layer.

    Attributes:
        build: ``(settings, LayerContext) -> keras.layers.Layer``. The layer maps features
            ``(b, r, n, f)`` to ``(b, r, n, g)``; before the first layer with replicas they are
            ``(b, n, f)``. It has ``split(slot, features) -> keras.layers.Layer``, which gives
            the plain Keras layer of one replica, ``(b, f) -> (b, g)``.
        needs_x: the layer is called as ``layer(features, x)``, with the grid x ``(b, n, 1)``;
            then its plain layer is called as ``layer([features, x])``.
        extra_grid: ``(settings) -> x (m,)``: grid points beyond those of the data, for instance
            quadrature nodes. They join the one network evaluation of a step.
    """

    build: Target
    needs_x: bool = False
    extra_grid: Callable[[Any], np.ndarray] | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetReader(Component):
    """A source of datasets: ``read(settings, folder) -> replicafit.data.Dataset``.

    ``folder`` is the runcard's, so that paths in it are relative to it.
    """

    read: Target


@dataclass(frozen=True, kw_only=True)
class ForwardMap(Component):
    """How the predictions of a dataset's tables combine (``operation`` in the dataset file).

    Attributes:
        n_tables: how many tables the operation takes.
        combine: ``(*table_predictions) -> prediction``, element by element, with arithmetic
            operators only: it is called with numpy arrays on the host and tensors on the device.
        linear: coefficients, one per table, if the operation is a linear combination; such
            datasets are contracted once, on the host.
    """

    n_tables: int
    combine: Callable[..., Any]
    linear: tuple[float, ...] | None = None
    settings: type[ComponentSettings] = ComponentSettings


@dataclass(frozen=True, kw_only=True)
class Penalty(Component):
    """A term added to chi2: ``build(settings, folder, x_grid, flavours) -> callable``.

    ``folder`` is the runcard's; ``x_grid`` (n,) and ``flavours`` (f,) are those of the function
    values. The callable maps ``(function values (r, n, f), steps taken (r,))`` to ``(r,)``, never
    mixing replicas.
    """

    build: Target


@dataclass(frozen=True, kw_only=True)
class OptimiserType(Component):
    """An optimiser: ``build(settings) -> replicafit.training.optimisers.Optimiser``."""

    build: Target


@dataclass(frozen=True, kw_only=True)
class Exporter(Component):
    """A writer of one replica's results: ``write(replica, network, folder) -> None``.

    ``replica`` is a ``replicafit.results.ReplicaResult``, ``network`` the plain Keras network of
    this replica alone, ``folder`` a folder that becomes visible when all exporters are done.
    """

    write: Target
    settings: type[ComponentSettings] = ComponentSettings


KINDS: dict[type[Component], str] = {
    LayerType: "layer",
    DatasetReader: "dataset reader",
    ForwardMap: "forward map",
    Penalty: "penalty",
    OptimiserType: "optimizer",
    Exporter: "exporter",
}
"""The kinds of component and the word messages use for each."""

Components = Sequence[Component]
