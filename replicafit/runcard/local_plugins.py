"""The plugins that a runcard brings along: Python files named under ``plugins``."""

from __future__ import annotations

from pathlib import Path

from replicafit.errors import PluginError, RuncardError
from replicafit.plugins import Registry, with_files
from replicafit.runcard.joining import Cards, read_cards
from replicafit.runcard.yaml_source import Mark, OptionMark, Problem


def registry_for(card: Path | Cards, registry: Registry) -> Registry:
    """``registry`` with the plugins in the files that ``card``, or the one at that path, names.

    Raises:
        RuncardError: a file is missing or does not load, with the place that names it.
    """
    cards = card if isinstance(card, Cards) else read_cards(card, registry)
    source = cards.joined()
    names = source.data.get("plugins", ())
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
