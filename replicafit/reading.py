"""Reads files from outside: bounded in size, without waiting, whatever they say of themselves."""

from __future__ import annotations

import io
import math
import os
import select
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

MOST_ARRAYS = 2**31
"""Bytes that all arrays of one file may take."""

PATIENCE = 5.0
"""Seconds that a pipe may keep silent."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class UnreadableError(ValueError):
    """Why a file cannot be used, in words that follow its name."""


def is_there(path: Path) -> bool:
    """Whether there is anything at ``path``; not where the system takes no such path either."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder, likewise."""
    return is_there(path) and path.is_dir()


def no_text(given: str) -> str | None:
    """The first character of ``given`` that is no text, as U+001B: controls, half characters."""
    wrong = (c for c in given if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs"))
    return next((f"U+{ord(c):04X}" for c in wrong), None)


def read_text(path: Path, most: int) -> str:
    """The text in ``path``, which is UTF-8 and at most ``most`` bytes long.

    Raises:
        FileNotFoundError: it is not there.
        UnreadableError: it is something else.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise UnreadableError(f"its byte {cause.start} is not UTF-8, as text must be") from None


def read_bytes(path: Path, most: int) -> bytes:
    """What is in ``path``, a file or a pipe.

    Raises:
        FileNotFoundError: it is not there.
        UnreadableError: it cannot be read, is longer than ``most`` bytes, or a pipe that is silent.
    """
    with _opened(path) as stream:
        return _read(stream, most)


def read_arrays(path: Path, most: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """All arrays of the .npz ``path``, by name; no array is made before its size is known.

    Raises:
        FileNotFoundError: it is not there.
        UnreadableError: it is damaged, something else, or its arrays take more than ``most`` bytes.
    """
    with _opened(path) as stream:
        regular = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        content: BinaryIO = stream if regular else io.BytesIO(_read(stream, most))
        try:
            with zipfile.ZipFile(content) as archive:
                entries = archive.infolist()
                size = sum(entry.file_size for entry in entries)
                if size > most:
                    raise UnreadableError(
                        f"its arrays take {size / 1e9:.1f} GB, and at most {most / 1e9:.1f} GB are "
                        "read from one file; split it"
                    )
                return {e.filename.removesuffix(".npy"): _array(archive, e) for e in entries}
        except UnreadableError:
            raise
        except Exception as cause:  # zipfile and numpy raise anything for files that are damaged
            raise UnreadableError(f"it is damaged or no .npz file: {cause}") from cause


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"'{entry.filename}' has the unknown version {version}")
        shape, fortran, dtype = _HEADERS[version](stream)
        if dtype.hasobject:
            raise ValueError(f"'{entry.filename}' holds Python objects, not numbers or text")
        size = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or size != entry.file_size - stream.tell():
            raise ValueError(f"'{entry.filename}' has not the size of its shape {shape}")
        content = bytearray(stream.read(size))
    return np.ndarray(shape, dtype, content, order="F" if fortran else "C")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not block
        stream = os.fdopen(handle, "rb", buffering=0)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as cause:
        raise UnreadableError(getattr(cause, "strerror", None) or str(cause)) from None
    with stream:
        yield stream


def _read(stream: BinaryIO, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= most:
        try:
            part = stream.read(min(most + 1 - size, 2**20))
        except OSError as cause:
            raise UnreadableError(cause.strerror or str(cause)) from None
        if part is None:  # a pipe whose writer has not written yet
            if not select.select([stream], [], [], PATIENCE)[0]:
                raise UnreadableError(f"nothing came from it for {PATIENCE:.0f} seconds")
            continue
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    raise UnreadableError(f"it is longer than {most / 1e6:g} MB, the most that is read")
