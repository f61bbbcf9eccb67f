"""Writes a plugin to begin with: one that installs, passes its tests and is used by its runcard."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from replicafit.plugin import (
    KINDS,
    Command,
    Component,
    DatasetReader,
    Exporter,
    LayerType,
    ObserverType,
    OptimizerType,
    OutputError,
    Penalty,
    PluginError,
    Registry,
)


@dataclass(frozen=True)
class Scaffold:
    """What is written for one kind of component.

    Attributes:
        kind: of the component.
        summary: what the component does, in a line.
        card: what the runcard holds of it: text for ``$dataset``, ``$layer``, ``$optimizer`` and
            ``$more`` in the template.
        command: how to use it.
    """

    kind: type[Component]
    summary: str
    card: Mapping[str, str] = field(default_factory=dict)
    command: str = "replicafit run $component.yml"


SCAFFOLDS = {
    "layer": Scaffold(
        LayerType,
        "features * sigmoid(features * scale + shift)",
        {"layer": "    - {type: $component, scale: 1.0}\n"},
    ),
    "dataset": Scaffold(
        DatasetReader,
        "lines of x,y,error: a function measured directly",
        {"dataset": "$component, path: wave.csv"},
    ),
    "exporter": Scaffold(
        Exporter,
        "the function of each replica as columns of text",
        {"more": "export: [network, function, $component]"},
    ),
    "penalty": Scaffold(
        Penalty,
        "the mean square of the functions",
        {"more": "penalties:\n  - {type: $component, strength: 1.0e-3}"},
    ),
    "optimizer": Scaffold(
        OptimizerType,
        "steps along the gradient of bounded length",
        {"optimizer": "$component, learning_rate: 1.0e-2"},
    ),
    "observer": Scaffold(
        ObserverType,
        "a line for each replica that is finished",
        command="replicafit run $component.yml --observer $component",
    ),
    "command": Scaffold(
        Command, "shows how the replicas of a fit ended", command="replicafit $component DIR"
    ),
}
"""The kinds that ``replicafit new-plugin --kind`` knows."""

_USUAL = {
    "dataset": "csv, path: wave.csv, error: error",
    "layer": "",
    "optimizer": "nadam, learning_rate: 2.0e-2",
    "more": "",
}
_PLACES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "card.yml": "{component}.yml",
    "{kind}/describe.py": "{module}/__init__.py",
    "{kind}/code.py": "{module}/{kind}.py",
    "{kind}/test.py": "tests/test_{component}.py",
}
"""Each template and where what it makes goes."""


@dataclass(frozen=True)
class NewPlugin:
    """A plugin to write, with all its names made from the one that was given.

    Attributes:
        given: as the user typed it, such as ``my-gate``.
        kind: of ``SCAFFOLDS``.
    """

    given: str
    kind: str = "layer"

    @classmethod
    def of(cls, given: str, kind: str, registry: Registry) -> NewPlugin:
        """One whose name is free.

        Raises:
            PluginError: not a name, or there is a component or a distribution of that name.
        """
        plugin = cls(given, kind)
        if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", given) or keyword.iskeyword(given):
            raise PluginError(
                f"'{given}' cannot name a plugin. Give lower-case letters and digits, with - "
                "between words, such as my-gate."
            )
        component, name = SCAFFOLDS[kind].kind, plugin.component
        owner = registry.owner(component, name)
        if owner:
            raise PluginError(
                f"The {KINDS[component]} '{name}' is provided by '{owner}'. Choose another name."
            )
        if plugin.distribution in {other.distribution for other in registry.plugins}:
            raise PluginError(
                f"'{plugin.distribution}' is installed already, and the new plugin would "
                "take its place. Choose another name."
            )
        return plugin

    @property
    def component(self) -> str:
        """The name that a runcard or the command line writes."""
        return self.given.replace("-", "_")

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return f"replicafit-{self.given.replace('_', '-')}"

    @property
    def filling(self) -> dict[str, str]:
        """What stands in the templates."""
        scaffold = SCAFFOLDS[self.kind]
        names = {
            "component": self.component,
            "module": f"replicafit_{self.component}",
            "class_name": "".join(word.capitalize() for word in self.component.split("_")),
            "distribution": self.distribution,
            "kind": KINDS[scaffold.kind],
            "file": self.kind,
            "summary": scaffold.summary,
        }
        texts = {**_USUAL, **scaffold.card, "command": scaffold.command}
        return {**names, **{key: Template(t).substitute(names) for key, t in texts.items()}}

    def write(self, folder: Path) -> Iterator[Path]:
        """Writes the distribution into ``folder``, which must be new or empty; gives each file.

        Raises:
            OutputError: there is something in ``folder``.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"'{folder}' is there already. Choose another folder with -o.")
        filling = self.filling
        files = {
            place.format(**{**filling, "kind": self.kind}): Template(
                (
                    resources.files(__package__) / "template" / f"{name.format(kind=self.kind)}.in"
                ).read_text("utf-8")
            ).substitute(filling)
            for name, place in _PLACES.items()
        }
        x = np.linspace(0.02, 0.98, 40)  # a wave with errors of 0.05
        y = 1 + np.sin(6 * x) * x + np.random.default_rng(1).normal(0, 0.05, len(x))
        lines = [f"{a:.6g},{b:.6g},0.05" for a, b in zip(x, y, strict=True)]
        files["wave.csv"] = "\n".join(["x,y,error", *lines, ""])
        for place, text in files.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
            yield path
