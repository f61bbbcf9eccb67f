"""Arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

RUNCARD = click.argument("card", metavar="CARD", type=click.Path(path_type=Path, dir_okay=False))


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _several(*decorators: Decorator) -> Decorator:
    """One decorator of several."""
    return lambda command: reduce(lambda made, each: each(made), reversed(decorators), command)


OVERRIDES = _several(
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="A value in place of the runcard's, such as training.max_steps=500; repeatable. KEY "
        "is dotted, a position in a list by its number from 0 (model.layers.1.units); VALUE is "
        "YAML. Relative paths in it are relative to the current folder.",
    ),
    click.option("--seed", metavar="N", help="In place of the runcard's seed."),
    click.option(
        "--replicas",
        metavar="1-10",
        help="A count, or a first and last replica number, in place of the runcard's.",
    ),
)
"""Options that take the place of the runcard's keys."""


def overrides_of(
    settings: tuple[str, ...], seed: str | None, replicas: str | None, t0: str | None = None
) -> list[Any]:
    """What the command line says in place of the runcard."""
    from replicafit.runcard import Override

    found = [Override.setting(given) for given in settings]
    for key, text in (("seed", seed), ("replicas", replicas)):
        found += [] if text is None else [Override.yaml(f"--{key}", key, text)]
    return found + ([] if t0 is None else [Override.text("--t0", "data.t0", t0)])
