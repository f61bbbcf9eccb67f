"""``replicafit`` as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "replicafit"]


def call(*arguments, cwd: Path, timeout: float = 120.0):
    """Runs ``replicafit``; gives exit code, standard output and standard error."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
