"""Which versions a worker must have to write the same replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata

from replicafit.plugin import Registry

PLUGIN = "plugin "
PACKAGES = ("replicafit", "keras")


def versions_of(registry: Registry) -> dict[str, str]:
    """Of replicafit and Keras, and of every plugin that is loaded; not of files beside a runcard.

    Cheap: imports no backend.
    """
    others = (p for p in registry.plugins if p.sha256 is None and p.distribution != PACKAGES[0])
    plugins = {f"{PLUGIN}{plugin.name}": plugin.version for plugin in others}
    return {**{name: metadata.version(name) for name in PACKAGES}, **plugins}


def refusal(wanted: Mapping[str, str], registry: Registry, worker: str) -> str | None:
    """Why a worker with the plugins of ``registry`` may not train, if so.

    Args:
        wanted: the versions of the fit.
        worker: its name, for the message.
    """
    found = versions_of(registry)
    different = list(_differences(wanted, found))
    if not different:
        return None
    return (
        f"The worker on {worker} cannot train for this fit: {'; '.join(different)}. "
        "Install the same there as here and start the worker again."
    )


def _differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name, version in wanted.items():
        own = found.get(name)
        if own is None:
            plugin = name.removeprefix(PLUGIN)
            yield (
                f"it lacks the plugin '{plugin}' {version}, which is loaded here "
                "(REPLICAFIT_PLUGINS chooses what is)"
            )
        elif own != version:
            yield f"it has {name} {own}, and the fit {version}"
