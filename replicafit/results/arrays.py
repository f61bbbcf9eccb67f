"""Reads the .npz files of a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from replicafit import reading
from replicafit.errors import OutputError


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """All arrays in ``file``.

    Raises:
        FileNotFoundError: it is not there.
        OutputError: it is damaged.
    """
    try:
        return reading.read_arrays(file)
    except reading.UnreadableError as cause:
        raise OutputError(f"'{file}' is damaged ({cause}). Fit this replica again.") from None
