"""The command ``plugins``: what is installed, for people and for programs."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import replace
from itertools import groupby
from typing import Any

import click

from replicafit.cli.terminal import FAILED, page, warn_of, write_names
from replicafit.components import KINDS
from replicafit.execution.starting import import_engine_quietly
from replicafit.plugins import Choice, Plugin, Registry, faults, load_registry


@click.command()
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For programs: name, distribution, version, module, file, api_version, hooks, components, "
    "and status: loaded, or broken, then with reason.",
)
@click.option(
    "--check",
    "checked",
    is_flag=True,
    help="Show in full, with tracebacks, what is wrong; also import all code that descriptions "
    "name. Exit code 1 if anything is.",
)
def plugins(as_json: bool, checked: bool) -> None:
    """Lists the plugins and the components they provide."""
    registry = load_registry(choice=replace(Choice.from_environment(), strict=False))
    if as_json:
        records = [*map(_record, registry.plugins), *map(_record, registry.broken)]
        click.echo(json.dumps(records, indent=1))
    else:
        click.echo(_page(registry), nl=False)
    if not checked:
        warn_of(registry)
        return
    import_engine_quietly()
    found = _faults(registry)
    for fault in found:
        click.echo(f"\n{fault}", err=True)
    if found:
        sys.exit(FAILED)


def _page(registry: Registry) -> str:
    """Each plugin and its components, by kind."""
    shown = page()
    for plugin in registry.plugins:
        with shown.section(f"{plugin.name} ({plugin.distribution} {plugin.version})"):
            for kind, components in groupby(plugin.components, type):
                shown.write_text(KINDS[kind])
                with shown.indentation():
                    write_names(shown, [(c.name, c.summary) for c in components])
    return shown.getvalue()


def _faults(registry: Registry) -> list[str]:
    """Everything that is wrong, in full: tracebacks, names provided twice, code that is not there.

    Imports what the descriptions name, Keras with it.
    """
    wrong = [(plugin, "did not load", plugin.cause) for plugin in registry.broken]
    for plugin in registry.plugins:
        wrong += [(plugin, f"names {what}", cause) for what, cause in faults(plugin).items()]
    traced = [
        f"plugin '{plugin.name}' of '{plugin.distribution}' {plugin.version} {what}.\n"
        + "".join(traceback.format_exception(cause)).rstrip()
        for plugin, what, cause in wrong
    ]
    n_broken = len(registry.broken)
    return [*traced[:n_broken], *registry.problems[n_broken:], *traced[n_broken:]]


def _record(plugin: Plugin) -> dict[str, Any]:
    """It as plain JSON data."""
    known = ("name", "distribution", "version", "module", "file", "api_version")
    record: dict[str, Any] = {
        **{name: getattr(plugin, name) for name in known},
        "status": "loaded",
        "hooks": list(plugin.hooks),
        "components": [
            {"kind": KINDS[type(c)], "name": c.name, "summary": c.summary}
            for c in plugin.components
        ],
    }
    return (
        record if plugin.cause is None else {**record, "status": "broken", "reason": plugin.reason}
    )
