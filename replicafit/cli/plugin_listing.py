"""Plugins for people and for programs: what ``replicafit plugins`` shows."""

from __future__ import annotations

import traceback
from itertools import groupby
from typing import Any

from replicafit.cli.wrapping import page, write_names
from replicafit.components import KINDS
from replicafit.plugins import BrokenPlugin, Plugin, Registry, faults


def plugin_page(registry: Registry) -> str:
    """Each plugin and its components, by kind."""
    shown = page()
    for plugin in registry.plugins:
        with shown.section(f"{plugin.name} ({plugin.distribution} {plugin.version})"):
            for kind, components in groupby(plugin.components, type):
                shown.write_text(KINDS[kind])
                with shown.indentation():
                    write_names(shown, [(c.name, c.summary) for c in components])
    return shown.getvalue()


def plugin_records(registry: Registry) -> list[dict[str, Any]]:
    """Each plugin as plain JSON data, those that did not load too."""
    return [*map(_record, registry.plugins), *map(_record, registry.broken)]


def plugin_faults(registry: Registry) -> list[str]:
    """Everything that is wrong, in full: tracebacks, names provided twice, code that is not there.

    Imports what the descriptions name, Keras with it.
    """
    broken = [f"{_title(b)} did not load.\n{_trace(b.cause)}" for b in registry.broken]
    twice = registry.problems[len(registry.broken) :]
    missing = [
        f"{_title(plugin)} names {what}.\n{_trace(cause)}"
        for plugin in registry.plugins
        for what, cause in faults(plugin).items()
    ]
    return [*broken, *twice, *missing]


def _record(plugin: Plugin | BrokenPlugin) -> dict[str, Any]:
    record = {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
    }
    if isinstance(plugin, BrokenPlugin):
        nothing: dict[str, Any] = {"file": None, "api_version": None, "hooks": [], "components": []}
        return {**record, **nothing, "status": "broken", "reason": plugin.reason}
    return {
        **record,
        "file": plugin.file,
        "api_version": plugin.api_version,
        "status": "loaded",
        "hooks": list(plugin.hooks),
        "components": [
            {"kind": KINDS[type(c)], "name": c.name, "summary": c.summary}
            for c in plugin.components
        ],
    }


def _title(plugin: Plugin | BrokenPlugin) -> str:
    return f"plugin '{plugin.name}' of '{plugin.distribution}' {plugin.version}"


def _trace(cause: BaseException) -> str:
    return "".join(traceback.format_exception(cause)).rstrip()
