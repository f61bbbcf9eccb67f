"""``replicafit`` as a user types it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from replicafit.cli import main

COMMAND = [sys.executable, "-m", "replicafit"]


def call(*arguments, cwd: Path, encoding: str = "utf-8") -> tuple[int, str, str]:
    """Runs ``replicafit`` in this process, which has its engine already, as on a terminal.

    Plugins in files beside the card are forgotten again. Gives exit code, standard output and
    standard error.
    """
    known = set(sys.modules)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    code = 0
    with contextlib.ExitStack() as here:
        here.enter_context(contextlib.chdir(cwd))
        here.enter_context(contextlib.redirect_stdout(streams[0]))
        here.enter_context(contextlib.redirect_stderr(streams[1]))
        own = here.enter_context(pytest.MonkeyPatch.context())
        own.setattr(sys, "argv", ["replicafit", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(os.path.realpath(cwd)):
            del sys.modules[name]
    for stream in streams:
        stream.flush()
    return code, *(stream.buffer.getvalue().decode() for stream in streams)


def call_anew(*arguments, cwd: Path, timeout: float = 300.0) -> tuple[int, str, str]:
    """The same in a process of its own, for what depends on how one starts."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
