"""Fits for human eyes: one self-contained HTML file, drawn with matplotlib, no Keras."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from replicafit.components import Command, ObserverType
from replicafit.components.hookspecs import hookimpl
from replicafit.errors import OutputError

NEEDED = ("matplotlib", "jinja2")


def require_libraries() -> None:
    """Raises OutputError if a library that reports need is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise OutputError(
            f"A report needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            "not installed: pip install 'replicafit[report]'"
        )


@hookimpl
def replicafit_commands() -> Sequence[Command]:
    """What people do with fits."""
    return [
        Command(
            name="report",
            command="replicafit_report.commands:report",
            summary="writes a page about a fit",
        ),
        Command(
            name="compare",
            command="replicafit_report.commands:compare",
            summary="writes a page that compares fits",
        ),
        Command(
            name="closure",
            command="replicafit_report.commands:closure",
            summary="tells how well closure tests recover their truth",
        ),
    ]


@hookimpl
def replicafit_observers() -> Sequence[ObserverType]:
    """Who watches fits."""
    return [
        ObserverType(
            name="tensorboard",
            build="replicafit_report.tensorboard:build",
            summary="writes event files for TensorBoard",
        )
    ]
