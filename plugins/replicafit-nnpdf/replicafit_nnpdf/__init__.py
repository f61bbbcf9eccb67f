"""Dataset type ``nnpdf``: NNPDF's data with NNPDF's FK tables, for replicafit.

In a runcard::

    data:
      datasets:
        - {type: nnpdf, name: NMC_NC_NOTFIXED_P_EM-SIGMARED, variant: legacy,
           tables: theories/theory_40000000/fastkernel}

This module is what replicafit loads to learn what the plugin provides, so it stays cheap to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from replicafit.plugin import Command, ComponentSettings, DatasetReader, hookimpl


class NnpdfSettings(ComponentSettings):
    """Settings of an ``nnpdf`` dataset in a runcard."""

    type: Literal["nnpdf"] = "nnpdf"
    name: str = Field(description="Of the dataset, as in NNPDF's runcards.")
    variant: str | tuple[str, ...] | None = Field(
        default=None, description="One of the dataset's variants, or several, applied in order."
    )
    tables: Path = Field(
        description="The folder of PineAPPL FK tables (.pineappl.lz4), relative to the runcard."
    )
    cfactors: tuple[str, ...] = Field(
        default=(), description="Which C-factors multiply every table, such as QCD; NNPDF's cfac."
    )
    cfactor_folder: Path | None = Field(
        default=None,
        description="Where the C-factors are, relative to the runcard; else the folder cfactor "
        "beside that of the tables, then nnpdf-data.",
    )
    data: Path | None = Field(
        default=None,
        description="A folder of datasets in nnpdf-data's format, relative to the runcard, in "
        "place of nnpdf-data's own.",
    )
    without_theory: Literal["refuse", "remove"] = Field(
        default="refuse", description="What to do with data that the tables do not predict."
    )
    cache: Path | None = Field(
        default=None,
        description="Where parsed datasets are kept, relative to the runcard; else the folder "
        "replicafit-nnpdf in XDG_CACHE_HOME or ~/.cache.",
    )


@hookimpl
def replicafit_datasets() -> Sequence[DatasetReader]:
    """The one dataset type of this plugin."""
    return [
        DatasetReader(
            name="nnpdf",
            settings=NnpdfSettings,
            read="replicafit_nnpdf.reader:read",
            summary="NNPDF's data (nnpdf-data) with theory from PineAPPL FK tables.",
        )
    ]


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """The translation of runcards, and of data and tables."""
    return [
        Command(
            name="migrate",
            command="replicafit_nnpdf.commands:migrate",
            summary="translates a runcard of n3fit",
        ),
        Command(
            name="nnpdf-file",
            command="replicafit_nnpdf.commands:nnpdf_file",
            summary="writes files of NNPDF's datasets and observables",
        ),
    ]
