"""The files of a fit: written whole or not at all, and read with care."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic_core import to_json

from replicafit import reading
from replicafit.errors import DamagedError, DiskError, OutputError
from replicafit.results.jobs import process

_OF_THE_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
}
_LOCKED_FOR = 60.0
"""Seconds after which a job does not wait for the lock of another any more."""


def is_of_the_disk(error: BaseException | None) -> bool:
    """Whether the disk or the machine gave out, rather than one exporter is at fault."""
    while error is not None:
        number = getattr(error, "errno", None)
        if isinstance(error, OSError) and number is None:  # HDF5 and shutil say it in words
            told = re.search(r"errno (?:= )?(\d+)", str(error), re.IGNORECASE)
            number = int(told[1]) if told else None
        if isinstance(error, MemoryError | DiskError) or number in _OF_THE_DISK:
            return True
        error = error.__cause__ or error.__context__
    return False


def beside(path: Path) -> Path:
    """A hidden name beside ``path`` that tells who writes there (``jobs.clear_remains``)."""
    return path.with_name(f".{path.name}~{process()}-{threading.get_ident()}")


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path``; what is there at the end gets the name ``path``.

    Everything is on the disk before it has its name, and the name before the block is left.

    Raises:
        DiskError: the disk is full or the machine at its limits.
        OutputError: the place cannot be written.
    """
    temporary = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
        _sync_one(path.parent)
    except (OSError, MemoryError) as cause:
        kind = DiskError if is_of_the_disk(cause) else OutputError
        raise kind(
            f"'{path}' cannot be written ({getattr(cause, 'strerror', None) or cause}). Everything "
            "written before is intact. Free some space or choose another folder with -o; --resume "
            "goes on with what is there."
        ) from cause
    finally:
        with suppress(OSError):
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Brings a file, or a folder with all that is in it, onto the disk."""
    for inner in path.iterdir() if path.is_dir() else ():
        _sync(inner)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as cause:
        if cause.errno not in (errno.EINVAL, errno.ENOTSUP):  # not every file system can
            raise
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone in ``folder`` among all processes and threads, where the file system has locks.

    Raises:
        OutputError: another one does not let go, or nothing can be written.
    """
    import fcntl

    deadline, path = time.monotonic() + _LOCKED_FOR, folder / "lock"
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = path.open("a")
        except FileNotFoundError:  # whoever ended last has removed the folder
            continue
        except OSError as cause:
            raise DiskError(
                f"'{path}' cannot be written ({cause.strerror}). Everything written before is "
                "intact; --resume goes on once it can."
            ) from cause
        with stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OutputError(
                        f"Another process has kept '{path}' locked for {_LOCKED_FOR:g} s. See that "
                        "it goes on or ends, and use --resume."
                    ) from None
                time.sleep(0.02)
                continue
            except OSError:  # without locks two jobs may train one replica twice, no more
                yield
                return
            try:
                same = os.fstat(stream.fileno()).st_ino == path.stat().st_ino
            except FileNotFoundError:  # who had it before has removed it
                same = False
            if same:
                yield
                return


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


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
        raise DamagedError(file, cause) from None
