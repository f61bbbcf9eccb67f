"""Measured values and uncertainties, from the package nnpdf-data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from nnpdf_data.commondataparser import (
    ObservableMetaData,
    load_commondata,
    parse_new_metadata,
    parse_set_metadata,
)
from ruamel.yaml.error import YAMLError
from validobj.errors import ValidationError

from replicafit.plugin import DataError, did_you_mean
from replicafit_nnpdf.catalogue import Entry

_FAULTS = (
    *(ValidationError, ValueError, KeyError, TypeError, AttributeError, AssertionError),
    *(YAMLError, OSError),
)
"""What nnpdf-data raises for files that do not fit together."""

Variant = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Systematics:
    """Systematic shifts, one column a source: values (d, s) and names, length s."""

    values: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True)
class Measurement:
    """What was measured; d counts the data.

    Attributes:
        central: measured values, (d,).
        stat: uncorrelated statistical errors, absolute, (d,).
        additive: shifts, absolute.
        multiplicative: shifts in per cent of the value.
        kinematics: named columns, each (d,).
    """

    central: np.ndarray
    stat: np.ndarray
    additive: Systematics
    multiplicative: Systematics
    kinematics: Mapping[str, np.ndarray]


def load_metadata(name: str, variant: Variant, entry: Entry) -> ObservableMetaData:
    """nnpdf-data's metadata of the dataset ``name``, with its variants applied.

    Raises:
        DataError: a variant does not exist, or the metadata are damaged.
    """
    try:
        plain = parse_new_metadata(entry.metadata, entry.observable)
        known = tuple(plain.variants or ())
        wanted = (variant,) if isinstance(variant, str) else variant or ()
        _check_variants(name, wanted, known)
        metadata = plain.apply_variant(wanted)
        if not metadata.is_nnpdf_special and not metadata.data_uncertainties:
            raise DataError(
                f"The dataset {name} has no uncertainties without a variant. Set variant to one "
                f"of: {', '.join(known)}."
            )
    except _FAULTS as cause:
        raise DataError(f"nnpdf-data cannot read the metadata of {name}: {cause}") from None
    return metadata


def forget_metadata() -> None:
    """Lets nnpdf-data read its files again: it keeps what it has read by path, not by content."""
    parse_new_metadata.cache_clear()
    parse_set_metadata.cache_clear()


def load_measurement(name: str, metadata: ObservableMetaData) -> Measurement:
    """The data of the dataset ``name``.

    Raises:
        DataError: its files are damaged or do not fit together.
    """
    try:
        data = load_commondata(metadata)
        kinematics = metadata.load_kinematics(fill_to_three=False)
    except _FAULTS as cause:
        raise DataError(f"nnpdf-data cannot read the data of {name}: {cause}") from None
    return Measurement(
        central=data.central_values.to_numpy(dtype=float),
        stat=data.stat_errors.to_numpy(dtype=float),
        additive=_systematics(data.additive_errors),
        multiplicative=_systematics(data.multiplicative_errors),
        kinematics=_columns(kinematics),
    )


def source_files(metadata: ObservableMetaData) -> list[Path]:
    """Every file that ``load_metadata`` and ``load_measurement`` read."""
    files = [metadata._parent.metadata_file, metadata.path_kinematics]
    if not metadata.is_nnpdf_special:
        files += [metadata.path_data_central, *metadata.paths_uncertainties]
    return [Path(file) for file in files]


def _check_variants(name: str, wanted: tuple[str, ...], known: tuple[str, ...]) -> None:
    for variant in wanted:
        if variant not in known:
            has = f"it has: {', '.join(known)}" if known else "it has none; leave variant out"
            raise DataError(
                f"The dataset {name} has no variant '{variant}'; {has}."
                f"{did_you_mean(variant, known)}"
            )


def _systematics(frame: pd.DataFrame) -> Systematics:
    return Systematics(frame.to_numpy(dtype=float), tuple(str(name) for name in frame.columns))


def _columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The kinematics that are known for all data; Q2 is called q2, as everywhere in replicafit."""
    middle = frame.droplevel(1, axis=1) if frame.columns.nlevels > 1 else frame
    columns = {str(name): middle[name].to_numpy(dtype=float) for name in middle.columns}
    return {
        {"Q2": "q2"}.get(name, name): values
        for name, values in columns.items()
        if np.isfinite(values).all()
    }
