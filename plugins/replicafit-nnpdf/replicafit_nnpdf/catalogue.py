"""Which datasets there are, without importing nnpdf-data, which takes a second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import yaml

from replicafit.plugin import DataError

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


@dataclass(frozen=True)
class Successor:
    """What a dataset from before nnpdf-data is called there."""

    name: str
    variant: str | None


def successors(folder: Path) -> Mapping[str, Successor]:
    """What to write in place of each name from before nnpdf-data, if ``folder`` tells."""
    file = folder / "dataset_names.yml"
    if not file.is_file():
        return {}
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {
        old: Successor(new, None)
        if isinstance(new, str)
        else Successor(new["dataset"], new.get("variant"))
        for old, new in found.items()
    }


def observables(metadata: Path) -> list[str]:
    """The observables of one set."""
    return _OBSERVABLE.findall(metadata.read_text(encoding="utf-8", errors="replace"))


def names(folder: Path) -> list[str]:
    """All datasets in ``folder``."""
    files = sorted(folder.glob("*/metadata.yaml"))
    return [f"{file.parent.name}_{each}" for file in files for each in observables(file)]


def _unknown(name: str, folder: Path) -> str:
    if not folder.is_dir():
        return f"There is no folder of datasets at '{folder}'. Check the path, or leave 'data' out."
    if new := successors(folder).get(name):
        written = f"name: {new.name}" + (f", variant: {new.variant}" if new.variant else "")
        return f"The dataset '{name}' has a new name in nnpdf-data. Write '{written}'."
    known = names(folder)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return f"There is no dataset '{name}' among the {len(known)} in '{folder}'.{hint}"
