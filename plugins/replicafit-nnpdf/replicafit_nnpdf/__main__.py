"""``python -m replicafit_nnpdf NAME ... --tables DIR --output DIR``: files of datasets.

Each becomes ``NAME.npz`` in the format ``replicafit-dataset/1``: a dataset for ``type: file``, or
an observable for the penalty positivity.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

from replicafit.data import write_dataset
from replicafit.data.dataset_file import FORMAT
from replicafit.data.table_keys import table_keys
from replicafit.plugin import DataError, ReplicafitError
from replicafit_nnpdf import NnpdfSettings
from replicafit_nnpdf.catalogue import is_observable
from replicafit_nnpdf.parsing import Loaded, describe, load, parse
from replicafit_nnpdf.reader import located


def convert(settings: NnpdfSettings, output: Path) -> Path:
    """Writes the dataset or observable that ``settings`` describe to the folder ``output``.

    Raises:
        DataError: it cannot be read.
    """
    asked = located(settings, Path())
    path = output / f"{settings.name}.npz"
    if is_observable(settings.name):
        write_observable(path, asked, load(asked))
    else:
        write_dataset(path, parse(asked)[0])
    return path


def write_observable(path: Path, settings: NnpdfSettings, loaded: Loaded) -> None:
    """Tables without data; the file appears whole or not at all.

    Raises:
        DataError: predictions are not one table alone.
    """
    if loaded.theory.operation != "NULL" or not loaded.joined.predicted.all():
        raise DataError(
            f"The observable {settings.name} combines tables by {loaded.theory.operation}, or "
            "lacks rows; penalties take one whole table."
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=FORMAT,
            metadata=json.dumps({"name": settings.name, **describe(settings, loaded)}),
            x_grid=loaded.joined.x_grid,
            flavours=np.array(loaded.joined.flavours, dtype=np.str_),
            q0=loaded.q0,
            operation="NULL",
            **table_keys(loaded.joined.tables),
        )
    temporary.replace(path)


def main(arguments: list[str] | None = None) -> None:
    """Writes the files and says so."""
    parser = argparse.ArgumentParser(prog="python -m replicafit_nnpdf")
    parser.add_argument("names", nargs="+", metavar="NAME", help="of a dataset in nnpdf-data")
    parser.add_argument("--variant", action="append", default=[], help="several in order")
    parser.add_argument("--tables", type=Path, required=True, help="folder of FK tables")
    parser.add_argument("--cfactor", action="append", default=[], help="such as QCD; several")
    parser.add_argument("--cfactor-folder", type=Path)
    parser.add_argument("--data", type=Path, help="in place of nnpdf-data's own folder")
    parser.add_argument("--output", type=Path, required=True, help="folder of the files")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        settings = NnpdfSettings(
            name=name,
            variant=tuple(options.variant) or None,
            tables=options.tables,
            cfactors=tuple(options.cfactor),
            cfactor_folder=options.cfactor_folder,
            data=options.data,
        )
        try:
            print(convert(settings, options.output))
        except ReplicafitError as error:
            parser.error(str(error))


if __name__ == "__main__":
    main()
