"""A first runcard, with comments, for ``replicafit init``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import numpy as np
import yaml

from replicafit.components import ComponentSettings, DatasetReader
from replicafit.plugins import Registry

EXAMPLE_DATA = "example.csv"


@dataclass(frozen=True)
class Start:
    """What the card is to hold.

    Attributes:
        title: one line.
        replicas: how many.
        datasets: entries of ``data.datasets``.
        physics: the data are for parton distributions: the default network goes with them.
        schema: the file of the JSON Schema, relative to the card.
    """

    title: str
    replicas: int
    datasets: tuple[dict[str, Any], ...]
    physics: bool
    schema: str

    def text(self) -> str:
        """The runcard."""
        return "\n".join([*_head(self), *_data(self), *_model(self), *_training(self), ""])


def shipped_datasets(registry: Registry) -> tuple[dict[str, Any], ...]:
    """Entries for all data that come with plugins: where settings are names to choose from."""
    for reader in registry.all(DatasetReader):
        choices = _choices(reader.settings)
        if choices:
            (name, values), *_ = choices.items()
            return tuple({"type": reader.name, name: value} for value in values)
    return ()


def _choices(settings: type[ComponentSettings]) -> dict[str, tuple[Any, ...]]:
    """The one required setting and the names it may have; empty for other settings."""
    needed = {n: f for n, f in settings.model_fields.items() if f.is_required()}
    literal = all(get_origin(field.annotation) is Literal for field in needed.values())
    if len(needed) != 1 or not literal:
        return {}
    return {name: get_args(field.annotation) for name, field in needed.items()}


def entry_for(path: str) -> dict[str, Any]:
    """The entry for a data file of one's own."""
    if path.lower().endswith(".csv"):
        return {"type": "csv", "path": path, "x": "x", "y": "y", "error": "error"}
    return {"type": "file", "path": path}


def example_data() -> str:
    """Invented data for a card without any: 40 values of a curve, as CSV."""
    generator = np.random.default_rng(1)
    x = np.linspace(0.025, 1, 40)
    y = 0.3 + np.exp(-2 * x) * np.sin(6 * x) + 0.04 * generator.standard_normal(len(x))
    lines = [f"{a:.4f},{b:.4f},0.04" for a, b in zip(x, y, strict=True)]
    return "\n".join(["# invented: 0.3 + exp(-2 x) sin(6 x)", "x,y,error", *lines, ""])


def _head(start: Start) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={start.schema}"
    yield "# A runcard. `replicafit check` shows it with all defaults, `replicafit run` fits, and"
    yield "# `replicafit explain KEY` tells what a key means."
    yield f"title: {_flow(start.title)}"
    yield "seed: 1                        # another seed: other pseudodata, other starting weights"
    yield f"replicas: {start.replicas}"


def _data(start: Start) -> Iterator[str]:
    yield "data:"
    yield "  datasets:"
    if start.datasets[0]["type"] == "csv":
        yield "    # columns of the file: x in (0, 1], measured y, and its error"
    yield from (f"    - {_flow(entry)}" for entry in start.datasets)
    yield "  training_fraction: 0.75      # the rest of each dataset decides when to stop"


def _model(start: Start) -> Iterator[str]:
    if start.physics:
        yield "# without a section `model` the network is that of NNPDF4.0; see `replicafit check`"
        return
    yield "model:"
    yield "  flavours: [f]                # one function; data measure f unless they say otherwise"
    yield "  layers:"
    yield "    - {type: x}"
    yield "    - {type: multi_dense, units: 20, activation: tanh}"
    yield "    - {type: multi_dense, units: 20, activation: tanh}"
    yield "    - {type: multi_dense, units: 1}    # one output for each flavour"


def _training(start: Start) -> Iterator[str]:
    rate = "{type: nadam, learning_rate: 2.6e-3, clipnorm: 6.0e-6}"
    yield "training:"
    plain = "{type: adam, learning_rate: 5.0e-3}"
    yield f"  optimizer: {rate if start.physics else plain}"
    yield f"  max_steps: {8000 if start.physics else 5000}"
    yield "  patience: 1000               # a replica stops after so many steps without progress"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def is_physics(datasets: Sequence[dict[str, Any]]) -> bool:
    """Whether the data are taken to be for parton distributions: all but plain columns."""
    return any(entry["type"] != "csv" for entry in datasets)
