"""Who works in the folder of a fit: several jobs may, each on replicas that it has claimed.

A replica is the same whoever trains it. Claims save work and nothing else: one that is lost, or
taken over from a job that only seems dead, costs time and never a result.

A job is a folder ``jobs/HOST-ID-PID-START-N``: in it are a file for each replica number that it has
claimed, and its checkpoints. It lives if its process does, which PID and start time tell on the
same machine; on others, as long as the time of its folder, which it renews, is not older than
``SILENT``.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from replicafit.errors import OutputError

BEAT = 20.0
"""Seconds between two signs of life."""

SILENT = 300.0
"""Seconds without a sign of life after which a process of another machine counts as dead."""

_PROCESS = re.compile(r"(?P<machine>.+?-[0-9a-f]{6})-(?P<pid>\d+)-(?P<start>\d+)(-\w+)*")


@cache
def machine() -> str:
    """This host, as long as it runs, and for containers the space of their process numbers."""
    told = []
    for file in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        with suppress(OSError):
            told.append(str(file.readlink()) if file.is_symlink() else file.read_text())
    return f"{socket.gethostname()}-{sha256(repr(told).encode()).hexdigest()[:6]}"


def process() -> str:
    """This process, among all that ever were on any machine."""
    return f"{machine()}-{os.getpid()}-{_started(os.getpid())}"


def is_alive(path: Path, name: str) -> bool:
    """Whether the process called ``name``, to which ``path`` belongs, lives as far as is known."""
    found = _PROCESS.fullmatch(name)
    if found is None:
        return False
    if found["machine"] == machine():
        return _started(int(found["pid"])) == int(found["start"])
    try:
        return time.time() - path.stat().st_mtime < SILENT
    except OSError:
        return False


def _started(pid: int) -> int | None:
    """When a process of this machine began; 0 if that is not known, None if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    else:
        state, *fields = stat.rpartition(")")[2].split()
        return None if state in "ZX" else int(fields[18])
    try:  # a system without /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0
    return 0


@dataclass(eq=False)
class Job:
    """This run's place in ``folder``.

    Attributes:
        folder: ``jobs`` of the fit.
    """

    folder: Path
    path: Path = field(init=False)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.path = self.folder / f"{process()}-{time.monotonic_ns()}"

    def begin(self) -> None:
        """Appears to the others, and shows signs of life until the end."""
        self.path.mkdir(parents=True)
        threading.Thread(target=self._beat, daemon=True, name="signs of life").start()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            with suppress(OSError):
                os.utime(self.path)

    def claim(self, number: int) -> bool:
        """Takes a replica unless somebody who lives has it; under the lock of the folder."""
        if any((other / f"{number:04d}").exists() for other in self.others()):
            return False
        (self.path / f"{number:04d}").touch()
        return True

    def release(self, number: int) -> None:
        """The replica is written."""
        (self.path / f"{number:04d}").unlink(missing_ok=True)

    def claimed_by_others(self) -> dict[int, str]:
        """The replica numbers that others work on, and the names of these."""
        return {
            int(claim.name): other.name
            for other in self.others()
            for claim in entries(other)
            if claim.name.isdecimal()
        }

    def others(self) -> list[Path]:
        """The jobs that live, without this one."""
        there = (job for job in entries(self.folder) if job != self.path)
        return [job for job in there if is_alive(job, job.name)]

    def dead(self) -> list[Path]:
        """The jobs that were killed or stopped before their end."""
        return [job for job in entries(self.folder) if job.is_dir() and not is_alive(job, job.name)]

    def end(self, keep: bool) -> None:
        """Leaves; with ``keep`` what it has saved stays for the next."""
        self._ended.set()
        for claim in entries(self.path):
            if claim.name.isdecimal():
                claim.unlink(missing_ok=True)
        if keep and any(entries(self.path)):
            with suppress(OSError):
                self.path.rename(self.path.with_name(f"{self.path.name}~left"))
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def living_jobs(folder: Path) -> Collection[str]:
    """The names of the jobs that work in the ``folder`` of jobs."""
    return [job.name for job in entries(folder) if is_alive(job, job.name)]


def clear_remains(*folders: Path) -> None:
    """Removes what writers that were killed have left in ``folders`` (``files.beside``)."""
    for folder in folders:
        for path in entries(folder):
            writer = path.name.rpartition("~")[2]
            if path.name.startswith(".") and "~" in path.name and not is_alive(path, writer):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def entries(folder: Path) -> Iterator[Path]:
    """What is in ``folder``, sorted; nothing where there is none.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        yield from sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as cause:
        raise OutputError(
            f"'{folder}' cannot be read ({cause.strerror}). Give yourself the right to, or choose "
            "another folder with -o."
        ) from None
