"""The command migrate."""

from __future__ import annotations

from pathlib import Path

import click

from replicafit.cli.loading import refuse_if_there, registry_of
from replicafit.errors import OutputError


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
def migrate(card: Path, output: Path | None, theory_folder: str | None) -> None:
    """Translates the n3fit runcard CARD into one of ours; tells what it could not carry over."""
    from replicafit_nnpdf.migration import migrated, options_for

    file = output or card.with_name(f"{card.stem}-migrated.yml")
    refuse_if_there(file)
    done = migrated(_text(card), card.name, options_for(registry_of(), theory_folder))
    file.write_text(done.text(), encoding="utf-8")
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
    except UnicodeDecodeError:
        raise OutputError(f"'{card}' is no text. Give a runcard of n3fit.") from None
