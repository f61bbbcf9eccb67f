"""Names of a module that are imported when they are asked for.

A module with such names imports them under ``if TYPE_CHECKING``, as type checkers and readers need
it, and is given what does so when it runs (as ``attach_stub`` of lazy_loader, SPEC 1, does)::

    if TYPE_CHECKING:
        from package.heavy import engine as engine

    __getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy_names(
    module: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of ``module``: all it imports ``as`` itself."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    where = {
        alias.name: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }

    def get(name: str) -> Any:
        if name in where:
            return getattr(import_module(where[name]), name)
        raise AttributeError(f"module '{module}' has no attribute {name!r}")

    return get, lambda: sorted(where), sorted(where)
