"""Built-in forward maps, named as NNPDF names the operations on FK tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicafit.components import ForwardMap
from replicafit.hookspecs import hookimpl


def _ratio(numerator: Any, denominator: Any) -> Any:
    return numerator / denominator


def _only(prediction: Any) -> Any:
    return prediction


@hookimpl
def replicafit_forward_maps() -> Sequence[ForwardMap]:
    """The forward maps of replicafit itself."""
    return [
        ForwardMap(
            name="NULL", n_tables=1, combine=_only, linear=(1.0,), summary="one table as it is"
        ),
        ForwardMap(
            name="RATIO", n_tables=2, combine=_ratio, summary="the first table over the second"
        ),
    ]
