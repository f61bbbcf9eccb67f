"""Built-in forward maps, named and defined as NNPDF does for operations on FK tables."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from replicafit.components import ForwardMap
from replicafit.components.hookspecs import hookimpl


def _sum(first: Any, *others: Any) -> Any:
    """From left to right; the builtin begins with an integer, which tensors do not like."""
    for other in others:
        first = first + other
    return first


def _asymmetry(first: Any, second: Any) -> Any:
    return (first - second) / (first + second)


def _ratio_of_sums(*predictions: Any) -> Any:
    """The sum of the first half over that of the second."""
    half = len(predictions) // 2
    return _sum(*predictions[:half]) / _sum(*predictions[half:])


_MAPS: Mapping[str, tuple[int, Any, str]] = {
    "NULL": (1, _sum, "one table as it is"),
    "ADD": (2, _sum, "T_0 + T_1, the sum of two tables"),
    "SMT": (10, _sum, "T_0 + ... + T_9, the sum of ten tables"),
    "RATIO": (2, operator.truediv, "T_0 / T_1, the first table over the second"),
    "ASY": (2, _asymmetry, "(T_0 - T_1) / (T_0 + T_1), an asymmetry"),
    "SMN": (4, _ratio_of_sums, "(T_0 + T_1) / (T_2 + T_3), a ratio of sums of two"),
    "COM": (20, _ratio_of_sums, "(T_0 + ... + T_9) / (T_10 + ... + T_19), of sums of ten"),
}


@hookimpl
def replicafit_forward_maps() -> Sequence[ForwardMap]:
    """The forward maps of replicafit itself."""
    return [
        ForwardMap(
            name=name,
            n_tables=count,
            combine=combine,
            linear=(1.0,) * count if combine is _sum else None,
            summary=summary,
        )
        for name, (count, combine, summary) in _MAPS.items()
    ]
