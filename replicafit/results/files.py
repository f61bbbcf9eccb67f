"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import json
import math
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
    temporary = path.with_name(_temporary(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _replace(temporary, path)
    except OSError as cause:
        raise OutputError(
            f"'{path}' cannot be written ({cause.strerror or cause}). Everything written before "
            "is intact. Free some space or choose another folder with -o."
        ) from cause
    finally:
        _remove(temporary)


def _temporary(path: Path) -> str:
    who = f"{socket.gethostname()}.{os.getpid()}.{threading.get_ident()}"
    return f".{path.name}.{who}"


def _replace(temporary: Path, path: Path) -> None:
    if temporary.is_dir() and path.is_dir():
        shutil.rmtree(path)
    temporary.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_record(path: Path, record: BaseModel) -> None:
    """``record`` as JSON."""
    write_json(path, record.model_dump(mode="json"))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """``content`` as readable JSON; numbers that are not finite become null."""
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    with appearing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _finite(content: Any) -> Any:
    """``content`` with null for what JSON cannot say."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def write_arrays(
    path: Path, save: Callable[..., None] = np.savez_compressed, **arrays: Any
) -> None:
    """``arrays`` as one .npz, with ``np.savez`` or its compressed sister."""
    with appearing(path) as temporary, temporary.open("wb") as stream:
        save(stream, **arrays)
