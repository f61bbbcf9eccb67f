"""Which functions there are along the layers of a model."""

from __future__ import annotations

from replicafit.components import LayerType
from replicafit.plugins import Registry
from replicafit.runcard import NetworkSettings


def flavours_along(model: NetworkSettings, registry: Registry) -> tuple[tuple[str, ...], ...]:
    """Names of the functions that reach each layer, and at the end of those that leave the model.

    Before the last network layer these are ``model.flavours``, which must be known: a card may
    leave them to the data (``NetworkSettings.of``).

    Raises:
        ModelError: a layer cannot take the names that reach it, or what comes before it.
    """
    assert model.flavours is not None
    names = [model.flavours]
    for position, item in enumerate(model.layers):
        kind = registry.get(LayerType, item.type)
        if kind.check:
            kind.check(item, names[-1], list(zip(model.layers[:position], names, strict=False)))
        names.append(kind.flavours(item, names[-1]) if kind.flavours else names[-1])
    return tuple(names)


def output_flavours(model: NetworkSettings, registry: Registry) -> tuple[str, ...]:
    """Names of the functions that leave the model, length f.

    Raises:
        ModelError: a layer cannot take the names that reach it.
    """
    return flavours_along(model, registry)[-1]
