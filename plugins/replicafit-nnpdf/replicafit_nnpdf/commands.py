"""The command migrate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from replicafit.plugin import OutputError, load_registry


@click.command()
@click.argument("card", metavar="CARD", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The new runcard [CARD-migrated.yml]."
)
@click.option(
    "--theory-folder",
    metavar="DIR",
    help="Of NNPDF's theory, with fastkernel; as seen from the new runcard.",
)
@click.option(
    "--without-missing",
    is_flag=True,
    help="Leave out what lacks FK tables or C-factors in the theory folder.",
)
@click.option(
    "--without-empty",
    is_flag=True,
    help="Leave out datasets of which cuts leave nothing; reads all data.",
)
def migrate(
    card: Path,
    output: Path | None,
    theory_folder: str | None,
    without_missing: bool,
    without_empty: bool,
) -> None:
    """Translates the n3fit runcard CARD into one of ours; tells what it could not carry over."""
    from replicafit_nnpdf.migration import emptied, migrated, options_for, without_theory

    file = output or card.with_name(f"{card.stem}-migrated.yml")
    if file.exists():
        raise OutputError(f"'{file}' exists already. Give another name, or remove it.")
    registry, text = load_registry(), _text(card)
    options = options_for(registry, theory_folder)
    done = migrated(text, card.name, options)
    if without_missing:
        options = replace(options, without=without_theory(done.plain, file.parent))
        done = migrated(text, card.name, options)
    if without_empty:
        empty = emptied(done.plain, file.parent, registry)
        options = replace(options, without={**options.without, **empty})
        done = migrated(text, card.name, options)
    _write(file, done.text())
    click.echo(f"Written: {file}")
    for title, remarks in (("Not exactly", done.changed), ("Left out", done.left_out)):
        click.echo(f"\n{title}:" if remarks else "", nl=bool(remarks))
        for remark in remarks:
            click.echo(f"  {remark.key}: {remark.words}")
    click.echo(f"\nNext: replicafit check {file}")


def _text(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise OutputError(f"There is no runcard at '{card}'. Check the path.") from None
    except (OSError, UnicodeDecodeError):
        raise OutputError(f"'{card}' cannot be read as text. Give a runcard of n3fit.") from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as cause:
        raise OutputError(
            f"'{file}' cannot be written: {cause.strerror}. Give another file with --output."
        ) from None
