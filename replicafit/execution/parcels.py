"""Files to and from workers that see no file of ours, compressed."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replicafit.results.files import appearing
from replicafit.results.folder import FitFolder
from replicafit.runcard import Runcard, canonical
from replicafit.runcard.relocation import with_paths

RUNCARD = "runcard.json"


def packed_inputs(runcard: Runcard, card_folder: Path) -> bytes:
    """The runcard and every file and folder that it names, each in a folder of its own."""
    found: dict[Path, str] = {}

    def inside(given: str, _: object) -> str:
        path = (card_folder / given).resolve()
        return found.setdefault(path, f"inputs/{len(found)}/{path.name}")

    moved = with_paths(runcard, inside)
    with _zipped() as (stream, archive):
        archive.writestr(RUNCARD, json.dumps(canonical(moved)))
        for path, name in found.items():
            _add(archive, path, name)
    return stream.getvalue()


def packed_replicas(folder: FitFolder) -> bytes:
    """All replicas of ``folder`` and what was measured."""
    with _zipped() as (stream, archive):
        _add(archive, folder.path / "replicas", "replicas")
        _add(archive, folder.data_file, folder.data_file.name)
    return stream.getvalue()


def unpack(parcel: bytes, folder: Path) -> None:
    """Writes what is in ``parcel`` into ``folder``."""
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        archive.extractall(folder)


def unpack_replicas(parcel: bytes, folder: FitFolder) -> None:
    """Writes the replicas in ``parcel``; each appears whole."""
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        if not folder.data_file.exists():
            with appearing(folder.data_file) as temporary:
                temporary.write_bytes(archive.read(folder.data_file.name))
        with tempfile.TemporaryDirectory(dir=folder.path, prefix=".") as arrived:
            archive.extractall(arrived)
            for replica in sorted((Path(arrived) / "replicas").iterdir()):
                with appearing(folder.path / "replicas" / replica.name) as temporary:
                    replica.replace(temporary)


@contextmanager
def _zipped() -> Iterator[tuple[io.BytesIO, zipfile.ZipFile]]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        yield stream, archive


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """A file, or a folder with all that is in it."""
    if not path.is_dir():
        archive.write(path, name)
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            archive.write(file, f"{name}/{file.relative_to(path).as_posix()}")
