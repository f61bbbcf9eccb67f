"""Plugins that are Python files beside a runcard."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from replicafit.errors import PluginError
from replicafit.plugins.describing import described, printing_as
from replicafit.plugins.registry import BrokenPlugin, Plugin, Registry


def with_files(registry: Registry, names: Iterable[str], folder: Path) -> Registry:
    """``registry`` with the plugins in Python files beside a runcard.

    Args:
        names: paths of the files as the runcard has them, relative to ``folder``.

    Raises:
        PluginError: a file is missing, cannot be imported or is no plugin.
    """
    plugins = tuple(_from_file(name, (folder / name).resolve()) for name in names)
    return replace(registry, plugins=registry.plugins + plugins)


def _from_file(name: str, path: Path) -> Plugin:
    """The plugin in one file, whose module has the file's name, for ``build="name:build"``."""
    try:
        code = path.read_bytes()
    except OSError as cause:
        raise PluginError(f"The plugin file '{name}' cannot be read: {cause.strerror}.") from None
    module_name = path.stem
    known = sys.modules.get(module_name) or importlib.util.find_spec(module_name)
    origin = getattr(known, "__file__", None) or getattr(known, "origin", None)
    if known is not None and origin != str(path):
        raise PluginError(
            f"The plugin file '{name}' has the name of the module '{module_name}', which is there "
            "already. Give the file another name."
        )
    try:
        with printing_as(module_name, name):
            module = _imported(module_name, path)
            plugin = described(module, module_name, name, "local", module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as cause:  # a plugin may fail in any way
        sys.modules.pop(module_name, None)
        reason = BrokenPlugin(name, name, "local", cause).reason
        raise PluginError(f"The plugin file '{name}' does not load: {reason}") from cause
    return replace(plugin, sha256=hashlib.sha256(code).hexdigest())


def _imported(name: str, path: Path) -> ModuleType:
    """The file as the module ``name``, run again if it was imported before: it may have changed."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
