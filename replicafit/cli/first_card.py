"""A first runcard, with comments, for ``replicafit init``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np

from replicafit.components import DatasetReader, Preset
from replicafit.data.csv_file import Columns
from replicafit.errors import DataError, PluginError
from replicafit.plugins import Registry
from replicafit.runcard.explaining import in_one_line

USUAL: Mapping[str, Sequence[str]] = {
    "x": ("x",),
    "y": ("y", "value", "central", "data"),
    "error": ("error", "sigma", "err", "dy", "stat", "uncertainty"),
}
"""What columns of csv files are often called."""


def card_text(
    title: str,
    replicas: int,
    datasets: Sequence[Mapping[str, Any]],
    functions: Sequence[str],
    schema: str,
) -> str:
    """The runcard for the ``functions`` that the data need, or for a preset's network without.

    ``schema`` is the file of the JSON Schema, relative to the card.
    """
    entries = "\n".join(f"    - {in_one_line(entry)}" for entry in datasets)
    card, network = (
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("first_card.yml", "first_card_model.yml")
    )
    model = "# no section `model`: a preset has the network\n"
    if functions:
        model = network.format(flavours=in_one_line([*functions]), count=len(functions))
    return card.format(
        schema=schema, title=in_one_line(title), replicas=replicas, entries=entries, model=model
    )


def columns_of(path: Path) -> tuple[list[str], dict[str, str]]:
    """The columns of numbers in a csv file, and which are x, y and error: by their names, or in
    this order.

    Raises:
        DataError: it cannot be read, or has less than three columns of numbers.
    """
    columns = Columns(path)
    numeric = columns.numeric()
    if len(numeric) < len(USUAL):
        few = (
            f"'{path}' has {len(numeric)} columns of numbers with names of their own "
            f"({', '.join(numeric) or 'none'}); x, measured values and their errors are needed."
        )
        try:
            for name in columns.names:
                columns.numbers(name)
        except DataError as cause:
            few += f" {cause}"
        raise DataError(few)
    found: dict[str, str] = {}
    for role, names in USUAL.items():
        left = [name for name in numeric if name not in found.values()]
        found[role] = next((name for name in left if name.lower() in names), left[0])
    return numeric, found


def entry_for(path: Path, folder: Path, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The entry for a data file of one's own, for a card in ``folder``."""
    absolute = path.resolve()
    relative = Path(os.path.relpath(absolute, folder.resolve())).as_posix()
    if not columns:
        return {"type": "file", "path": relative}
    return {"type": "csv", "path": relative, **columns, "flavour": columns["y"]}


def example_of(registry: Registry, name: str) -> list[dict[str, Any]]:
    """Entries for the data that come with the dataset type ``name`` of a plugin.

    Raises:
        PluginError: there is none, it comes without data, or no preset has a network for them.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for reader in registry.all(DatasetReader):  # one required setting that is a choice of names
        needed = [
            (n, f.annotation) for n, f in reader.settings.model_fields.items() if f.is_required()
        ]
        if len(needed) == 1 and get_origin(needed[0][1]) is Literal:
            choices = get_args(needed[0][1])
            found[reader.name] = [{"type": reader.name, needed[0][0]: each} for each in choices]
    if name not in found:
        known = name in registry.names(DatasetReader)
        absence = "" if known else f" {registry.absence(DatasetReader, name)}"
        examples = ", ".join(found) or "none"
        raise PluginError(f"'{name}' comes without example data; those with: {examples}.{absence}")
    card = {"data": {"datasets": found[name]}}
    if not any(p.implied_by and p.implied_by(card) for p in registry.all(Preset)):
        raise PluginError(f"No installed preset has a network for the data of '{name}'.")
    return found[name]


def example_data() -> str:
    """Invented data for a card without any: 40 values of a curve, as CSV."""
    generator = np.random.default_rng(1)
    x = np.linspace(0.025, 1, 40)
    y = 0.3 + np.exp(-2 * x) * np.sin(6 * x) + 0.04 * generator.standard_normal(len(x))
    lines = [f"{a:.4f},{b:.4f},0.04" for a, b in zip(x, y, strict=True)]
    return "\n".join(["# invented: 0.3 + exp(-2 x) sin(6 x)", "x,y,error", *lines, ""])
