"""Which datasets there are, without importing nnpdf-data, which takes a second."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import yaml

from replicafit.errors import DataError

_OBSERVABLE = re.compile(r"^\s*(?:-\s+)?observable_name:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """Where a dataset is described: the file of its set, and the observable in it."""

    metadata: Path
    observable: str


def package_folder() -> Path:
    """The folder of the installed nnpdf-data.

    Raises:
        DataError: it is not installed.
    """
    spec = find_spec("nnpdf_data")
    if spec is None or spec.origin is None:
        raise DataError("nnpdf-data is not installed: pip install nnpdf-data ruamel.yaml.clib")
    return Path(spec.origin).parent


def find(name: str, folder: Path) -> Entry:
    """The dataset ``name`` among those in ``folder``.

    Raises:
        DataError: there is none; has the nearest names, or the new name of an old one.
    """
    set_name, _, observable = name.rpartition("_")
    metadata = folder / set_name / "metadata.yaml"
    if set_name and metadata.is_file():
        known = observables(metadata)
        if observable.upper() in (each.upper() for each in known):
            return Entry(metadata, observable)
    raise DataError(_unknown(name, folder))


def is_observable(name: str) -> bool:
    """Whether nothing was measured: it is for positivity or integrability."""
    return name.startswith("NNPDF")


def observables(metadata: Path) -> list[str]:
    """The observables of one set."""
    return _OBSERVABLE.findall(metadata.read_text(encoding="utf-8"))


def names(folder: Path) -> list[str]:
    """All datasets in ``folder``."""
    files = sorted(folder.glob("*/metadata.yaml"))
    return [f"{file.parent.name}_{each}" for file in files for each in observables(file)]


def _unknown(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder of datasets at '{folder}'. Check the path, or leave 'data' out."
    new = _new_name(name, folder)
    if new:
        return f"The dataset '{name}' has a new name in nnpdf-data. Write {new}."
    known = names(folder)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return f"There is no dataset '{name}' among the {len(known)} in '{folder}'.{hint}"


def _new_name(name: str, folder: Path) -> str | None:
    """What to write in place of a name from before nnpdf-data, if it is one."""
    file = folder / "dataset_names.yml"
    if not file.is_file():
        return None
    new = yaml.safe_load(file.read_text(encoding="utf-8")).get(name)
    if new is None:
        return None
    parts = {"dataset": new} if isinstance(new, str) else new
    variant = f", variant: {parts['variant']}" if parts.get("variant") else ""
    return f"'name: {parts['dataset']}{variant}'"
