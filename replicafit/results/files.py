"""The files of a fit: written whole or not at all, and read with care."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic_core import to_json

from replicafit import reading
from replicafit.errors import OutputError

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def is_of_the_disk(error: Exception) -> bool:
    """Whether nothing at all can be written here, rather than one exporter at fault."""
    return isinstance(error, OSError) and error.errno in _OF_THE_DISK


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``; what is there at the end is renamed to ``path``.

    Raises:
        OutputError: the place cannot be written.
    """
    who = f"{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
    temporary = path.with_name(f".{path.name}.{who}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as cause:
        raise OutputError(
            f"'{path}' cannot be written ({cause.strerror or cause}). Everything written before "
            "is intact. Free some space or choose another folder with -o."
        ) from cause
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def write_json(path: Path, content: BaseModel | dict[str, Any]) -> None:
    """``content`` as readable JSON; numbers that are not finite become null."""
    text = to_json(content, indent=1, inf_nan_mode="null")
    with appearing(path) as temporary:
        temporary.write_bytes(text + b"\n")


def write_arrays(
    path: Path, save: Callable[..., None] = np.savez_compressed, **arrays: Any
) -> None:
    """``arrays`` as one .npz, with ``np.savez`` or its compressed sister."""
    with appearing(path) as temporary, temporary.open("wb") as stream:
        save(stream, **arrays)


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
