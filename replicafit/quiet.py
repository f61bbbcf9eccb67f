"""Keeps what libraries write as they start from the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ALONE = threading.RLock()
"""Output is of the process: what threads redirected by turns would stay."""


@contextmanager
def quiet_start() -> Iterator[None]:
    """Keras and its backend start without their notes, unless that fails.

    The notes are written by C++ straight to file descriptor 2, before any log level acts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with ALONE, tempfile.TemporaryFile() as notes:
        kept = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
