"""What plugins provide: the kinds of component, as frozen descriptions.

A description is cheap: a name, a pydantic model of the settings a runcard may give, and where the
working code is. The code itself is named by a string ``"package.module:attribute"`` and imported
when a fit first needs it, so that listing plugins or checking a runcard never imports Keras.
``hookspecs`` has the hooks, ``builtin`` the components of replicafit itself.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, PydanticUndefinedAnnotation, create_model

from replicafit.components.inputs import UNIT, Input
from replicafit.components.settings import ComponentSettings as ComponentSettings
from replicafit.components.settings import Settings as Settings
from replicafit.errors import PluginError, ReplicafitError

_log = logging.getLogger("replicafit")

Target = str | Callable[..., Any]
"""A callable, or the string ``"package.module:attribute"`` that leads to one."""


def load_target(target: Target) -> Callable[..., Any]:
    """The callable behind ``target``, imported now if it is given as a string."""
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    if not callable(loaded):
        raise TypeError(f"'{target}' is {loaded!r}, which cannot be called")
    return loaded


@dataclass(frozen=True, kw_only=True)
class Component:
    """What all kinds share.

    Attributes:
        name: what a runcard or the command line writes; two plugins with one name are an error
            that names both distributions.
        summary: one line for ``replicafit plugins``.
        origin: which plugin it is from, for messages; filled in when the plugin is loaded, and
            empty for what comes with replicafit.
    """

    name: str
    summary: str = ""
    origin: str = field(default="", repr=False, compare=False)

    @property
    def title(self) -> str:
        """What messages call it: kind, name and where it is from."""
        of = f" of {self.origin}" if self.origin else ""
        return f"{KINDS[type(self)]} '{self.name}'{of}"

    def call(self, part: str, *arguments: Any, when: str, gives: type = object) -> Any:
        """What ``part`` (``"build"``, ``"read"`` ...) gives for ``arguments``, a ``gives``.

        Raises:
            ReplicafitError: whatever it raises, with the name of the plugin and when it did, for
                instance ``"when it read a dataset"``.
        """
        with self.at_fault(when):
            given = load_target(getattr(self, part))(*arguments)
            if not isinstance(given, gives):
                raise TypeError(f"{given!r} is no replicafit.plugin.{gives.__name__}")
            return given

    @contextmanager
    def at_fault(self, when: str) -> Iterator[None]:
        """Names the component in whatever its code raises inside; see ``call``."""
        try:
            yield
        except ReplicafitError as error:
            if not self.origin or self.title in str(error):
                raise
            error.args = (f"{error} (From the {self.title}.)",)
            raise
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as cause:
            _log.info("the %s failed", self.title, exc_info=cause)
            raise PluginError(self.failure(when, cause)) from cause

    def failure(self, when: str, cause: BaseException) -> str:
        """That it raised ``cause``, in a sentence."""
        text = " ".join(str(cause).split()) or "no message"
        return f"The {self.title} failed {when}: {type(cause).__name__}: {text}"


@dataclass(frozen=True, kw_only=True)
class Configured(Component):
    """The kinds whose settings a runcard gives, with the name as ``type``.

    Attributes:
        settings: what a runcard may give beside ``type``; every setting has a description. The
            description of a component completes the class by ``type: Literal[name]``.
    """

    settings: type[ComponentSettings] = ComponentSettings

    def __post_init__(self) -> None:
        own = self.settings
        _refuse_loose(self.name, own)
        if "type" not in own.model_fields:
            literal: Any = Literal[self.name]
            tag = create_model("Type", type=(literal, self.name))
            name = f"{str(self.name).title()}Settings" if own is ComponentSettings else own.__name__
            words: Any = {"__doc__": own.__doc__, "__module__": own.__module__}
            object.__setattr__(self, "settings", create_model(name, __base__=(own, tag), **words))
        if get_args(self.settings.model_fields["type"].annotation) != (self.name,):
            raise PluginError(
                f"the settings of '{self.name}' say another type; leave their field 'type' out"
            )


def _refuse_loose(name: str, model: type[BaseModel]) -> None:
    """What would change, drop keys or keep what is no plain data; annotations are looked up now,
    when a plugin loads, not when a card is read.
    """
    config = model.model_config if isinstance(model, type) and issubclass(model, BaseModel) else {}
    firm = config.get("frozen") and config.get("extra") == "forbid"
    if not firm or config.get("arbitrary_types_allowed"):
        raise PluginError(
            f"{model!r} of '{name}' is no frozen model that refuses "
            "unknown keys and objects; derive it from ComponentSettings, or Settings for a section"
        )
    try:
        model.model_rebuild()
    except PydanticUndefinedAnnotation as cause:
        raise PluginError(
            f"{model.__name__} of '{name}' has the type '{cause.name}', which is not there when "
            "Python runs; import it outside of TYPE_CHECKING"
        ) from cause


@dataclass(frozen=True)
class LayerContext:
    """What a layer may know when it is built.

    Attributes:
        position: place of the layer in the runcard, from 0.
        replica_seeds: one integer seed per slot, for this layer alone; length r.
        generators: one numpy generator per slot, for this layer alone; length r.
        flavours: names of the functions that reach the layer, or, before the last network
            layer, of those the network puts out; length f.
        has_replica_axis: whether the features that reach the layer are ``(b, r, n, f)`` already.
        node_start: where on the grid axis the extra grid points of this layer begin.
        node_count: how many extra grid points this layer requested.
        x_grid: the grids of all datasets one after the other, with repetitions, (n, m).
        inputs: what the functions depend on, with the range of each, length m.
        before: the layers of all replicas that were built before this one, in order.
    """

    position: int
    replica_seeds: tuple[int, ...]
    generators: tuple[np.random.Generator, ...]
    flavours: tuple[str, ...]
    has_replica_axis: bool = True
    node_start: int = 0
    node_count: int = 0
    x_grid: np.ndarray = field(default_factory=lambda: np.empty((0, 1)))
    inputs: tuple[Input, ...] = UNIT
    before: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LayerType(Configured):
    """A network layer.

    Attributes:
        build: ``(settings, LayerContext) -> keras.layers.Layer``, or ``(settings)`` alone. A layer
            without ``split`` is one replica's, ``(b, f) -> (b, g)``, and is replicated
            (``replicafit.layers.replicate``).
            One with ``split(slot, features) -> keras.layers.Layer`` holds all replicas itself: it
            maps features ``(b, r, n, f)`` to ``(b, r, n, g)``, before the first layer with
            replicas ``(b, n, f)``, and ``split`` gives the plain Keras layer of one replica.
            If that is not its trained weights in their order, it has ``trained_from(plain)``, which
            gives those of one slot back to a fit that starts from an earlier one. With
            ``record(slot) -> dict`` it tells of one replica what ``result.json`` should hold. With
            ``soundness(features) -> (r,)``, from what reaches it on the grid of ``extra_grid``, it
            says how soundly each replica stands; below 1 one draws other initial weights.
        needs_x: the layer is called as ``layer(features, x)``, with the grid x ``(b, n, m)``;
            then its plain layer is called as ``layer([features, x])``.
        inputs: ``(settings, inputs of the data) -> the same inputs``, raising ModelError for those
            that the layer cannot take, in words that follow its name; ``unit_interval`` for a layer
            that needs x in (0, 1]. It may mark inputs as logarithmic. Left out, all will do.
        extra_grid: ``(settings) -> x (m,)``: grid points beyond those of the data, for instance
            quadrature nodes. They join the one network evaluation of a step.
        size: ``(settings, features in) -> (features out, trained parameters per replica)``, with
            which what does not fit together is found, and memory planned, before Keras is
            imported; ``unchanged`` for a layer that has no parameters and as many features as
            reach it. Left out, or None for some settings, only a fit can tell, and the planner
            counts with an unchanged layer.
        flavours: ``(settings, names before) -> names after``, for a layer that changes which
            functions there are. Left out, the names stay.
        check: ``(settings, names of the functions that reach it, pairs of settings and names of the
            layers before it) -> None``, raising ModelError for layers that do not go together; what
            is found here is found before anything is fitted, without Keras.
    """

    build: Target
    needs_x: bool = False
    inputs: Callable[[Any, tuple[Input, ...]], tuple[Input, ...]] | None = None
    extra_grid: Callable[[Any], np.ndarray] | None = None
    size: Callable[[Any, int], tuple[int, int] | None] | None = None
    flavours: Callable[[Any, tuple[str, ...]], tuple[str, ...]] | None = None
    check: Callable[[Any, tuple[str, ...], list[tuple[Any, tuple[str, ...]]]], None] | None = None


def unchanged(settings: Any, features: int) -> tuple[int, int]:
    """As many features leave as come, and nothing is trained."""
    return features, 0


@dataclass(frozen=True, kw_only=True)
class DatasetReader(Configured):
    """A source of datasets.

    Attributes:
        read: ``(settings, folder) -> replicafit.data.Dataset``. ``folder`` is the runcard's, so
            that paths are relative to it.
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
            datasets are contracted once, on the host, unless a table is of products.
    """

    n_tables: int
    combine: Callable[..., Any]
    linear: tuple[float, ...] | None = None


@dataclass(frozen=True)
class PenaltyContext:
    """What a penalty may know when it is built.

    Attributes:
        folder: the runcard's; paths are relative to it.
        x_grid: grid of the function values, (n,), or of several inputs (n, m); holds what the
            penalty requested, but is that of the data while it requests.
        flavours: names of the functions the network puts out; length f.
        attributes: what characterizes these functions (``FitData.attributes``).
        max_steps: steps that a replica takes at most.
        inputs: what the functions depend on, with the range of each, length m.
    """

    folder: Path
    x_grid: np.ndarray
    flavours: tuple[str, ...]
    attributes: Mapping[str, float]
    max_steps: int
    inputs: tuple[Input, ...] = UNIT


@dataclass(frozen=True)
class Verdict:
    """Which replicas pass: those whose measure is at most the bound.

    Attributes:
        measure: ``(function values (r, n, f)) -> (r,)``, never mixing replicas.
        bound: the most that passes.
        at_checks: best weights and stopping act only on checks that pass; otherwise replicas are
            judged when they are finished.
    """

    measure: Callable[[Any], Any]
    bound: float
    at_checks: bool = False


@dataclass(frozen=True, kw_only=True)
class Penalty(Configured):
    """A term added to chi2.

    Attributes:
        build: ``(settings, PenaltyContext) -> callable``, which maps ``(function values (r, n, f),
            steps taken (r,))`` to ``(r,)``, never mixing replicas.
        x_grid: ``(settings, PenaltyContext) -> x (n,)``, or of several inputs (n, m): grid points
            it needs beside those of the data. ``replicafit check`` calls it too, so mistakes in
            files are best found here.
        verdict: ``(settings, PenaltyContext) -> Verdict``: which replicas pass.
    """

    build: Target
    x_grid: Target | None = None
    verdict: Target | None = None


@dataclass(frozen=True, kw_only=True)
class OptimizerType(Configured):
    """An optimizer.

    Attributes:
        build: ``(settings) -> replicafit.training.optimizers.Optimizer``: a rule that acts element
            by element, with hyperparameters and step counts for each replica.
    """

    build: Target


@dataclass(frozen=True)
class WholeFit:
    """A fit whose replicas are all written, for an exporter of the whole.

    Attributes:
        folder: of the fit.
        numbers: the replica numbers to export, in order; never empty.
        name: what the export is called: the user's word, or the name of the folder.
        progress: ``(done, total) -> None``, to be told now and then how far the exporter is.
        runcard: of the fit with all defaults, as plain data; ``replicafit export --set`` changes
            sections of plugins in it.
    """

    folder: Path
    numbers: tuple[int, ...]
    name: str
    progress: Callable[[int, int], None]
    runcard: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Exporter(Component):
    """A writer of results, of each replica (``write``), of the whole fit (``finish``) or both.

    Attributes:
        write: ``(replica, network, folder) -> None``. ``replica`` is a
            ``replicafit.plugin.ReplicaResult``, ``network`` the plain Keras network of this
            replica alone, ``folder`` a folder that becomes visible when all exporters are done.
            One that fails costs a warning, not the replica.
        finish: ``(WholeFit) -> Path``: called once when all replicas are written, and by
            ``replicafit export`` afterwards; gives what it wrote, which is in the fit's folder.
            Failing costs a warning, not the fit.
        check: ``(runcard with all defaults as plain data, attributes of the functions) -> None``,
            before anything is trained; raises OutputError for what ``finish`` could not export.
        needs: names of exporters whose files ``finish`` reads; a runcard must name them too.
    """

    write: Target | None = None
    finish: Target | None = None
    check: Target | None = None
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.write is None and self.finish is None:
            raise PluginError(f"The exporter '{self.name}' needs write, finish or both.")


@dataclass(frozen=True)
class StartingFunctions:
    """Replicas of functions at one scale, for an evolution to take to others.

    Attributes:
        runcard: of the fit, with all defaults, as plain data.
        flavours: names of the functions, length f.
        attributes: what characterizes them, such as their scale.
        x: in (0, 1], ascending, (n,).
        values: (r, n, f).
    """

    runcard: Mapping[str, Any]
    flavours: tuple[str, ...]
    attributes: Mapping[str, float]
    x: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Evolution(Component):
    """How functions change with their scale.

    Attributes:
        evolve: ``(StartingFunctions, scales) -> values (s, r, n, g)`` on the same x, never mixing
            replicas. It raises OutputError for functions or scales that it cannot take.
        flavours: names of the functions it gives, length g.
        unit: of the scales.
    """

    evolve: Target
    flavours: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Command(Component):
    """A command of ``replicafit``, listed under its plugin in ``--help``.

    Attributes:
        command: the ``click.Command``, as ``"package.module:attribute"``; imported when the
            command is asked for.
    """

    command: Target


@dataclass(frozen=True, kw_only=True)
class RuncardSection(Component):
    """A top-level key of runcards, called as the component.

    It is in canonical cards and hashes only where a card gives it.

    Attributes:
        model: of the section, a subclass of ``Settings``, each field with a description.
        part_of_fit: whether it is part of what defines a fit; else no hash knows it.
    """

    model: type[BaseModel]
    part_of_fit: bool = True

    def __post_init__(self) -> None:
        _refuse_loose(self.name, self.model)


@dataclass(frozen=True, kw_only=True)
class ObserverType(Component):
    """Who may be told how a fit goes on, by ``--observer NAME``.

    Attributes:
        build: ``(folder of the fit) -> replicafit.plugin.Observer``. The folder is there when
            ``fit_begins`` is called, and need not be before.
    """

    build: Target


@dataclass(frozen=True, kw_only=True)
class ExecutorType(Component):
    """Who may train, by ``--executor NAME:ADDRESS``.

    Attributes:
        open: ``(address) -> context manager of a replicafit.plugin.Executor``.
        form: what may stand after the name, for messages, such as ``tcp://HOST:PORT``.
    """

    open: Target
    form: str = ""


@dataclass(frozen=True, kw_only=True)
class FunctionSource(Component):
    """Functions that are known already and that ``data.t0``, ``data.closure.truth`` and
    ``--reference`` may name.

    Attributes:
        recognizes: ``(text, folder) -> bool``: whether the text names one of these; cheap, and
            never raising. Relative paths begin at ``folder``.
        read: ``(text, folder, attributes) -> KnownFunction``; ``attributes`` are those that the
            functions of the fit have (``FitData.attributes``), such as a scale. Raises DataError.
            What reports may compare with has replicas too: ``x`` (n,), ``replicas() -> (r, n, f)``
            and ``about``, text by key.
        form: what the text looks like, for messages; of a source that knows one function, the word
            for it, which is then never taken for a path.
    """

    recognizes: Callable[[str, Path], bool]
    read: Target
    form: str = ""


@dataclass(frozen=True, kw_only=True)
class Relation(Component):
    """What functions are, by construction, of other functions.

    Attributes:
        express: ``(name, names that are there) -> coefficient by name``, or None if they do not
            determine it.
    """

    express: Callable[[str, tuple[str, ...]], Mapping[str, float] | None]


@dataclass(frozen=True, kw_only=True)
class Preset(Component):
    """Part of a runcard that others extend, by ``extends: PACKAGE:NAME``, which is its name.

    Attributes:
        card: the YAML file, as ``"package:file"``; ``/`` leads into folders of the package.
        implied_by: ``(card as plain data) -> bool``: cards that it completes without being named,
            because they were written before there were presets. The card holds what it extends,
            but is not checked yet: anything may stand anywhere.
    """

    card: str
    implied_by: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def path(self) -> Path:
        """Of the card."""
        package, _, file = self.card.partition(":")
        return Path(str(files(package) / file))


@dataclass(frozen=True, kw_only=True)
class ReportSection(Component):
    """A section of the page that ``replicafit report`` writes.

    Attributes:
        build: ``(replicafit_report.SectionContext) -> replicafit_report.Section``, several of them
            or None.
        marked_by: the file by which folders are known that the section is about: fits, or what
            else a plugin leaves, such as ``scan.json``.
    """

    build: Target
    marked_by: str = "run.json"


KINDS: dict[type[Component], str] = {
    LayerType: "layer",
    DatasetReader: "dataset reader",
    ForwardMap: "forward map",
    Penalty: "penalty",
    OptimizerType: "optimizer",
    Exporter: "exporter",
    Evolution: "evolution",
    Command: "command",
    RuncardSection: "runcard section",
    ObserverType: "observer",
    ExecutorType: "executor",
    FunctionSource: "function source",
    Relation: "relation",
    Preset: "preset",
    ReportSection: "report section",
}
"""The kinds of component and the word messages use for each."""
