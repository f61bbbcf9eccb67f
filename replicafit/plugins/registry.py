"""What plugins provide, frozen, with where it comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from replicafit.components import (
    KINDS,
    Command,
    Component,
    DatasetReader,
    Evolution,
    ExecutorType,
    Exporter,
    FunctionSource,
    LayerType,
    ObserverType,
    Penalty,
    Preset,
    Relation,
    RuncardSection,
)
from replicafit.errors import PluginError, did_you_mean

ComponentT = TypeVar("ComponentT", bound=Component)

_OURS: Mapping[str, Mapping[type[Component], str]] = {
    "replicafit-pdf": {
        LayerType: "preprocessing sum_rules rotation dense_per_flavour vanish_at_one "
        "feature_scaling",
        Penalty: "positivity integrability",
        RuncardSection: "theory",
        FunctionSource: "toy_les_houches toy_bernstein",
        Relation: "evolution_basis",
        Preset: "replicafit_pdf:evolution_basis replicafit_pdf:nnpdf40_network "
        "replicafit_pdf:nnpdf40 replicafit_pdf:dis_kinematics",
    },
    "replicafit-lhapdf": {Exporter: "lhapdf", Evolution: "dglap", FunctionSource: "lhapdf"},
    "replicafit-dis": {DatasetReader: "dis"},
    "replicafit-nnpdf": {DatasetReader: "nnpdf", Command: "migrate"},
    "replicafit-report": {Command: "report compare", ObserverType: "tensorboard"},
    "replicafit-scan": {Command: "scan", RuncardSection: "scan"},
    "replicafit-closure": {Command: "closure", RuncardSection: "closure"},
    "replicafit-posterior": {
        Command: "laplace sample",
        RuncardSection: "posterior",
        FunctionSource: "posterior",
    },
    "replicafit-dask": {ExecutorType: "dask"},
    "replicafit-kan": {LayerType: "kan"},
    "replicafit-example": {LayerType: "residual_dense"},
    "replicafit-scaffold": {Command: "new-plugin"},
}
FOUND_IN: Mapping[tuple[type[Component], str], str] = {
    (kind, name): distribution
    for distribution, kinds in _OURS.items()
    for kind, names in kinds.items()
    for name in names.split()
}
"""What the other distributions of this repository provide, for messages where they are missing."""

TAKEN: Mapping[type[Component], tuple[str, ...]] = {
    Command: ("run", "check", "verify", "export", "init", "schema", "explain", "diff", "plugins"),
    RuncardSection: (
        *("extends", "title", "plugins", "seed", "replicas", "precision", "data", "model"),
        *("penalties", "training", "selection", "export"),
    ),
}
"""Names that replicafit itself has and that no plugin can take."""


@dataclass(frozen=True)
class Plugin:
    """One entry point, or one file beside a runcard.

    Attributes:
        name: of the entry point, or the file's without its ending.
        distribution: it belongs to, or the file as the runcard names it.
        version: of the distribution; ``local`` for a file.
        module: its name.
        components: what it provides.
        hooks: through which.
        file: of the module.
        api_version: that it says it was written for, if it does.
        sha256: of a file beside a runcard.
        cause: why it did not load, if it did not.
    """

    name: str
    distribution: str
    version: str
    module: str
    components: tuple[Component, ...] = ()
    hooks: tuple[str, ...] = ()
    file: str | None = None
    api_version: int | None = None
    sha256: str | None = None
    cause: BaseException | None = None

    @property
    def reason(self) -> str:
        """Why it did not load, in one line."""
        try:
            text = str(self.cause).strip().splitlines()
        except Exception:  # it may be of the plugin's own making
            text = []
        return f"{type(self.cause).__name__}: {text[0] if text else 'no message'}"


@dataclass(frozen=True)
class Registry:
    """Everything installed plugins provide, with provenance.

    Attributes:
        plugins: that loaded.
        broken: that did not.
    """

    plugins: tuple[Plugin, ...] = ()
    broken: tuple[Plugin, ...] = ()

    @cached_property
    def _providers(self) -> Mapping[tuple[type[Component], str], Sequence[Plugin]]:
        found: dict[tuple[type[Component], str], list[Plugin]] = {}
        for plugin in self.plugins:
            for component in plugin.components:
                found.setdefault((type(component), component.name), []).append(plugin)
        return found

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for every plugin that did not load and every name that is provided twice."""
        broken = (
            f"plugin '{b.name}' of '{b.distribution}' did not load: {b.reason}" for b in self.broken
        )
        twice = (
            self.absence(kind, name) for (kind, name), who in self._providers.items() if who[1:]
        )
        return (*broken, *twice)

    def names(self, kind: type[Component]) -> tuple[str, ...]:
        """The names of all components of ``kind`` that a runcard can use, sorted."""
        found = (n for (k, n), who in self._providers.items() if k is kind and len(who) == 1)
        return tuple(sorted(found))

    def all(self, kind: type[ComponentT]) -> tuple[ComponentT, ...]:
        """All usable components of ``kind``, sorted by name."""
        return tuple(self.get(kind, name) for name in self.names(kind))

    def get(self, kind: type[ComponentT], name: str) -> ComponentT:
        """The component of ``kind`` called ``name``.

        Raises:
            PluginError: nobody provides it, or two distributions do.
        """
        plugin = self.provider(kind, name)
        return next(c for c in plugin.components if type(c) is kind and c.name == name)

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin that provides the component of ``kind`` called ``name``."""
        providers = self._providers.get((kind, name), ())
        if len(providers) == 1:
            return providers[0]
        raise PluginError(self.absence(kind, name))

    def owner(self, kind: type[Component], name: str) -> str:
        """The distribution that has ``name`` already; empty if it is free."""
        if name in TAKEN.get(kind, ()):
            return "replicafit"
        providers = self._providers.get((kind, name), ())
        return providers[0].distribution if providers else ""

    def absence(self, kind: type[Component], name: str) -> str:
        """Why ``name`` cannot be used, and what to do."""
        word = KINDS[kind]
        providers = self._providers.get((kind, name), ())
        if len(providers) > 1:
            both = " and ".join(f"'{p.distribution}' {p.version}" for p in providers)
            return f"The {word} '{name}' is provided by {both}. Uninstall one of them."
        hint = did_you_mean(name, self.names(kind))
        allowed = ", ".join(self.names(kind)) or "none installed"
        broken = "".join(f" Plugin '{b.name}' did not load ({b.reason})." for b in self.broken)
        return (
            f"No installed plugin provides the {word} '{name}'.{hint}{self.remedy(kind, name)} "
            f"Known: {allowed}.{broken}"
        )

    def missing(self, kind: type[Component], name: str) -> str:
        """The distribution that ``name`` comes with, if that is known and it is not there."""
        there = {plugin.distribution for plugin in (*self.plugins, *self.broken)}
        distribution = FOUND_IN.get((kind, name), "")
        return "" if distribution in there else distribution

    def remedies_of_others(self, types: Collection[str], told: tuple[type[Component], str]) -> str:
        """How to install what else components called ``types`` come with, beside what is ``told``.

        For messages of cards of which nothing more is looked at.
        """
        found = {self.missing(kind, name) for kind, name in FOUND_IN if name in types}
        return "".join(
            f" The card needs {distribution} too: pip install -e plugins/{distribution}."
            for distribution in sorted(found - {"", self.missing(*told)})
        )

    def remedy(self, kind: type[Component], name: str) -> str:
        """How to install what is ``missing``."""
        distribution = self.missing(kind, name)
        where = f"in a clone of replicafit: pip install -e plugins/{distribution}"
        return f" It comes with {distribution}; {where}." if distribution else ""
