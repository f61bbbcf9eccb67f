"""Commands that write, read and compare runcards: schema, explain, diff, init."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from replicafit.cli.terminal import FAILED, installed, page, write_names
from replicafit.errors import OutputError
from replicafit.reading import is_there


@click.command()
def schema() -> None:
    """Prints the JSON Schema of runcards, installed plugins included."""
    from replicafit.runcard import runcard_schema

    click.echo(json.dumps(runcard_schema(installed()), indent=1))


@click.command()
@click.argument("key", default="")
def explain(key: str) -> None:
    """Tells what KEY of a runcard is: type, default, unit, meaning, example.

    KEY is dotted, with the type of a component in the place of its position, such as
    model.layers.multi_dense.units, or the end of that. Without KEY: the keys at the top level.
    """
    from replicafit.runcard.explaining import explain as explained

    found, shown = explained(installed(), key), page()
    if found.name:
        shown.write(f"{found.name}\n")
    with shown.indentation():
        if found.text:
            shown.write_text(found.text)
        write_names(shown, found.facts)
    if found.below:
        with shown.section("Keys" if not found.name else "In it"):
            write_names(shown, found.below)
    click.echo(shown.getvalue(), nl=False)


@click.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", metavar="B", type=click.Path(path_type=Path, dir_okay=False))
def diff(first: Path, second: Path) -> None:
    """Compares what the runcards A and B mean; exit code 1 if they differ."""
    from replicafit.runcard import canonical, compared, load_setup

    ours, theirs = (
        canonical(load_setup(card, (), installed()).runcard) for card in (first, second)
    )
    found = compared(ours, theirs)
    for difference in found:
        values = (json.dumps(value) for value in (difference.ours, difference.theirs))
        click.echo(f"{difference.key}: {' -> '.join(values)}")
    if found:
        sys.exit(FAILED)
    click.echo("Both mean the same fit.")


@click.command()
@click.argument("card", metavar="[FILE]", default="runcard.yml", type=click.Path(path_type=Path))
@click.option(
    "--data",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Your data: a .csv with columns of x, values and errors, or a .npz of replicafit.",
)
@click.option("--example", metavar="NAME", help="Data that come with the dataset type of a plugin.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def init(card: Path, data: Path | None, example: str | None, yes: bool) -> None:
    """Writes a commented runcard to FILE [runcard.yml], and the schema for editors beside it.

    Without data of yours it is for an invented example, which is written as well.
    """
    from replicafit.api import check as checked
    from replicafit.cli import first_card
    from replicafit.data import read_dataset
    from replicafit.runcard import load_setup, runcard_schema

    registry = installed()
    if not card.name:
        raise OutputError(f"'{card}' is a folder. Give a file, such as runcard.yml.")
    schema = card.with_suffix(".schema.json")
    _refuse_if_there(card)
    _refuse_if_there(schema)
    ask = _asked if not yes else lambda _, default, **more: default
    if data is None and example is None:
        given = ask("Your data, .csv or .npz (none: an invented example)", "", show_default=False)
        data = Path(given) if given else None
    files = {schema: json.dumps(runcard_schema(registry), indent=1) + "\n"}
    if example is not None:
        datasets, functions = first_card.example_of(registry, example), []
    elif data is None:
        invented = card.with_name("example.csv")
        datasets, functions = [{"type": "csv", "path": invented.name, "error": "error"}], ["f"]
        files[invented] = first_card.example_data()
        _refuse_if_there(invented, files[invented])
    elif data.suffix.lower() == ".npz":
        datasets = [first_card.entry_for(data, card.parent, {})]
        functions = [*read_dataset(data).flavours]
    else:
        there, found = first_card.columns_of(data)
        click.echo(f"'{data}' has the columns {', '.join(there)}")
        columns: dict[str, Any] = {
            role: ask(f"The column of {role}{', or several' if role == 'x' else ''}", name)
            for role, name in found.items()
        }
        if columns["x"] not in there and "," in columns["x"]:
            columns["x"] = [name.strip() for name in columns["x"].split(",")]
        xs = columns["x"]
        taken = [*([xs] if isinstance(xs, str) else xs), columns["y"], columns["error"]]
        if left := [name for name in there if name not in taken]:
            click.echo(
                f"Taken: {', '.join(taken)}. Left: {', '.join(left)}; if they are errors too: "
                "replicafit explain csv.systematics"
            )
        datasets, functions = [first_card.entry_for(data, card.parent, columns)], [columns["y"]]
    replicas = ask("How many replicas", 20, type=click.IntRange(min=1))
    title = ask("Title", card.stem)
    text = first_card.card_text(title, replicas, datasets, functions, schema.name)
    try:
        card.parent.mkdir(parents=True, exist_ok=True)
        if data is not None:
            checked(load_setup(card, (), registry, text=text))
        for file, content in {**files, card: text}.items():
            file.write_text(content, encoding="utf-8")
    except OSError as cause:
        raise OutputError(
            f"'{card}' cannot be written ({cause.strerror}). Give another file."
        ) from None
    beside = " and ".join(map(str, files))
    click.echo(f"Written: {card}, and beside it {beside}. Next: replicafit check {card}")


def _asked(question: str, default: Any, **more: Any) -> Any:
    try:
        return click.prompt(question, default, **more)
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        raise click.UsageError(
            "Nobody answers: the input is at its end. --yes asks nothing; --data FILE or "
            "--example NAME says which data."
        ) from None


def _refuse_if_there(file: Path, own: str = "") -> None:
    """Raises OutputError if there is anything at ``file`` but its ``own`` text."""
    if is_there(file) and not (own and file.is_file() and file.read_bytes() == own.encode()):
        raise OutputError(f"'{file}' exists already. Give another name, or remove it.")
