"""Makes ``import replicafit`` enough for ``keras.models.load_model`` to find our layers.

Keras asks for classes by name and imports none itself. They are registered when
``replicafit.layers`` is imported, which needs Keras: so this waits until somebody imports Keras.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _AfterKeras(MetaPathFinder):
    """Lets others find Keras, and has our layers imported once it is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
                import_module("replicafit.layers")

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register() -> None:
    """Now if Keras is there, else as soon as it is imported."""
    if "keras" in sys.modules:
        import_module("replicafit.layers")
    else:
        sys.meta_path.insert(0, _AfterKeras())
