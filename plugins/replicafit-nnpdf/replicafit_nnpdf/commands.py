"""The commands migrate and nnpdf-file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from replicafit.plugin import (
    OutputError,
    UnreadableError,
    load_registry,
    passing,
    read_text,
    select,
    write_dataset,
    write_observable,
)
from replicafit_nnpdf import NnpdfSettings

MOST_BYTES = 2**22
"""Of a runcard of n3fit."""
Folder = click.Path(path_type=Path, file_okay=False)


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

    file = output or card.parent / f"{card.stem}-migrated.yml"
    if file.exists():
        raise OutputError(f"'{file}' exists already. Give another name, or remove it.")
    registry, text = load_registry(), _text(card)
    options = options_for(registry, theory_folder)
    done = migrated(text, card.name, options)
    if without_missing:
        options = replace(options, without=without_theory(done.plain, file.parent, theory_folder))
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


@click.command("nnpdf-file")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--tables", type=Folder, required=True, help="Folder of FK tables.")
@click.option("--output", type=Folder, required=True, help="Folder of the files.")
@click.option("--variant", multiple=True, help="Of the data; several in order.")
@click.option("--cfactor", multiple=True, help="Such as QCD; several.")
@click.option("--cfactor-folder", type=Folder, help="Where C-factors are.")
@click.option("--data", type=Folder, help="In place of nnpdf-data's own folder.")
@click.option("--cut", multiple=True, help="A condition on kinematics, such as 'x > 0.1'; several.")
def nnpdf_file(
    names: tuple[str, ...],
    tables: Path,
    output: Path,
    variant: tuple[str, ...],
    cfactor: tuple[str, ...],
    cfactor_folder: Path | None,
    data: Path | None,
    cut: tuple[str, ...],
) -> None:
    """Writes files of NNPDF's datasets and observables NAME..., with their tables.

    A dataset is for the dataset type file, an observable for the penalty positivity.
    """
    from replicafit_nnpdf.catalogue import is_observable
    from replicafit_nnpdf.parsing import parse, parse_observable
    from replicafit_nnpdf.reader import located

    for name in names:
        settings = NnpdfSettings(
            name=name,
            variant=variant or None,
            tables=tables,
            cfactors=cfactor,
            cfactor_folder=cfactor_folder,
            data=data,
        )
        asked = located(settings, Path())
        observable = is_observable(name)
        dataset = parse_observable(asked) if observable else parse(asked)[0]
        try:
            kept = select(dataset, passing(dataset, cut))
        except ValueError as error:  # of a condition that is none
            raise OutputError(f"--cut: {error}") from None
        try:
            output.mkdir(parents=True, exist_ok=True)
            (write_observable if observable else write_dataset)(output / f"{name}.npz", kept)
        except OSError as cause:
            raise OutputError(f"'{output}' cannot be written: {cause.strerror}.") from None
        click.echo(output / f"{name}.npz")


def _text(card: Path) -> str:
    try:
        return read_text(card, MOST_BYTES)
    except FileNotFoundError:
        raise OutputError(f"There is no runcard at '{card}'. Check the path.") from None
    except UnreadableError as cause:
        raise OutputError(
            f"'{card}' cannot be read as text: {cause}. Give a runcard of n3fit."
        ) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as cause:
        raise OutputError(
            f"'{file}' cannot be written: {cause.strerror}. Give another file with --output."
        ) from None
