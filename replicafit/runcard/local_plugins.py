"""The plugins that a runcard brings along: Python files named under ``plugins``."""

from __future__ import annotations

from pathlib import Path

from replicafit.errors import PluginError, RuncardError
from replicafit.plugins import Registry, with_files
from replicafit.runcard.joining import joined
from replicafit.runcard.yaml_source import Mark, OptionMark, Problem


def registry_for(card: Path, registry: Registry) -> Registry:
    """``registry`` with the plugins in the files that the runcard at ``card`` names.

    Raises:
        RuncardError: a file is missing or does not load, with the place that names it.
    """
    source = joined(card, registry)
    names = source.data.get("plugins", ()) if isinstance(source.data, dict) else ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return registry  # load_runcard says what is wrong with it
    for i, name in enumerate(names):
        mark = source.mark(("plugins", i))
        try:
            registry = with_files(registry, [name], _folder(mark))
        except PluginError as error:
            raise RuncardError(str(Problem(mark, str(error)))) from error
    return registry


def _folder(mark: Mark) -> Path:
    """Where a relative path that stands at ``mark`` begins."""
    return Path() if isinstance(mark, OptionMark) else Path(mark.name).parent
