"""Commands that write, read and compare runcards: schema, explain, diff, init."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from replicafit.cli.exit_codes import FAILED
from replicafit.cli.loading import load, refuse_if_there, registry_of
from replicafit.plugins import Registry


@click.command()
def schema() -> None:
    """Prints the JSON Schema of runcards, installed plugins included."""
    from replicafit.runcard import runcard_schema

    click.echo(json.dumps(runcard_schema(registry_of()), indent=1))


@click.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """Tells what KEY of a runcard is: type, default, unit, meaning, example.

    KEY is dotted, with the type of a component in the place of its position, such as
    model.layers.multi_dense.units, or the end of that. Without KEY: the keys at the top level.
    """
    from replicafit.runcard.explaining import explain as explained

    click.echo("\n".join(explained(registry_of(), key)))


@click.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", metavar="B", type=click.Path(path_type=Path, dir_okay=False))
def diff(first: Path, second: Path) -> None:
    """Compares what the runcards A and B mean; exit code 1 if they differ."""
    from replicafit.runcard import canonical, compared

    ours, theirs = (canonical(load(card, registry_of(card))) for card in (first, second))
    found = compared(ours, theirs)
    for difference in found:
        values = (json.dumps(value) for value in (difference.ours, difference.theirs))
        click.echo(f"{difference.key}: {' -> '.join(values)}")
    if found:
        sys.exit(FAILED)
    click.echo("Both mean the same fit.")


@click.command()
@click.argument("card", metavar="[FILE]", default="runcard.yml", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Ask nothing.")
def init(card: Path, yes: bool) -> None:
    """Writes a commented runcard to FILE [runcard.yml], and the schema for editors beside it."""
    from replicafit.runcard import runcard_schema, starting

    registry = registry_of()
    schema = card.with_suffix(".schema.json")
    for file in (card, schema):
        refuse_if_there(file)
    start = _start(card, registry, schema.name, ask=not yes)
    card.parent.mkdir(parents=True, exist_ok=True)
    if start.datasets[0].get("path") == starting.EXAMPLE_DATA:
        _write_example(card.parent / starting.EXAMPLE_DATA)
    schema.write_text(json.dumps(runcard_schema(registry), indent=1) + "\n", encoding="utf-8")
    card.write_text(start.text(), encoding="utf-8")
    click.echo(f"Written: {card} and {schema}. Next: replicafit check {card}")


def _start(card: Path, registry: Registry, schema: str, ask: bool) -> Any:
    """What the new card holds, after three questions or none."""
    from replicafit.runcard import starting

    shipped, path, replicas, title = starting.shipped_datasets(registry), "", 20, card.stem
    if ask:
        without = "data that plugins ship" if shipped else "an invented example"
        path = click.prompt(f"Your data, .csv or .npz (none: {without})", "", show_default=False)
        replicas = click.prompt("How many replicas", replicas, type=click.IntRange(min=1))
        title = click.prompt("Title", title)
    example = ({"type": "csv", "path": starting.EXAMPLE_DATA, "error": "error"},)
    datasets = (starting.entry_for(path),) if path else shipped or example
    return starting.Start(title, replicas, datasets, starting.is_physics(datasets), schema)


def _write_example(file: Path) -> None:
    from replicafit.runcard.starting import example_data

    refuse_if_there(file)
    file.write_text(example_data(), encoding="utf-8")
