"""Writes a plugin to begin with: one that installs, passes its tests and is used by its runcard."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np

from replicafit.components import LayerType
from replicafit.data import Dataset, write_dataset
from replicafit.errors import OutputError, PluginError
from replicafit.plugins import Registry

TEMPLATES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "describe.py": "{module}/__init__.py",
    "layer.py": "{module}/layer.py",
    "test_layer.py": "tests/test_{component}.py",
    "card.yml": "{component}.yml",
}
"""Each template and where what it makes goes."""


@dataclass(frozen=True)
class Names:
    """What things are called, from the one name that was given.

    Attributes:
        given: as the user typed it, such as ``my-gate``.
    """

    given: str

    @classmethod
    def of(cls, given: str, registry: Registry) -> Names:
        """Names that are free.

        Raises:
            PluginError: not a name, or there is a layer of that name.
        """
        names = cls(given)
        if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", given) or keyword.iskeyword(given):
            raise PluginError(
                f"'{given}' cannot name a plugin. Give lower-case letters and digits, with - "
                "between words, such as my-gate."
            )
        if names.component in registry.names(LayerType):
            origin = registry.provider(LayerType, names.component).distribution
            raise PluginError(
                f"The layer '{names.component}' is provided by '{origin}'. Choose another name."
            )
        return names

    @property
    def component(self) -> str:
        """The ``type`` a runcard writes."""
        return self.given.replace("-", "_")

    @property
    def module(self) -> str:
        """What Python imports."""
        return f"replicafit_{self.component}"

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return f"replicafit-{self.given.replace('_', '-')}"

    @property
    def card(self) -> str:
        """The runcard that uses the layer."""
        return f"{self.component}.yml"

    @property
    def filling(self) -> dict[str, str]:
        """What stands in the templates."""
        title = "".join(word.capitalize() for word in self.component.split("_"))
        own = {"component": self.component, "module": self.module, "class_name": title}
        return {**own, "distribution": self.distribution, "name": self.component}


def write_plugin(names: Names, folder: Path) -> Iterator[Path]:
    """Writes the distribution into ``folder``, which must be new or empty; gives each file.

    Raises:
        OutputError: there is something in ``folder``.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"'{folder}' is there already. Choose another folder with -o.")
    for template, place in TEMPLATES.items():
        path = folder / place.format(**names.filling)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (resources.files(__package__) / "template" / f"{template}.in").read_text("utf-8")
        path.write_text(Template(text).substitute(names.filling), encoding="utf-8")
        yield path
    path = folder / "wave.npz"
    write_dataset(path, _wave())
    yield path


def _wave() -> Dataset:
    """A function of x, measured at 40 points with errors of 0.05; the tables are the identity."""
    x = np.linspace(0.02, 0.98, 40)
    noise = np.random.default_rng(1).normal(0, 0.05, len(x))
    return Dataset(
        name="WAVE",
        central=1 + np.sin(6 * x) * x + noise,
        stat=np.full(len(x), 0.05),
        sys_add=np.empty((len(x), 0)),
        sys_add_names=(),
        sys_mult_percent=np.empty((len(x), 0)),
        sys_mult_names=(),
        kinematics={"x": x, "q2": np.zeros(len(x)), "y": np.zeros(len(x))},
        x_grid=x,
        flavours=("f",),
        tables=(np.eye(len(x))[:, None, :],),
        operation="NULL",
    )
