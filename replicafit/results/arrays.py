"""Reads the .npz files of a fit."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from replicafit.errors import OutputError

_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise for files that are damaged."""


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """All arrays in ``file``.

    Raises:
        FileNotFoundError: it is not there.
        OutputError: it is damaged.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        raise
    except _DAMAGE as cause:
        raise OutputError(f"'{file}' is damaged ({cause}). Fit this replica again.") from None
