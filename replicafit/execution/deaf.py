"""What Dask's workers on this machine load, so that Ctrl-C is left to the client."""

from __future__ import annotations

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Called by ``worker`` when it starts, in its main thread."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client decides what an interruption is
