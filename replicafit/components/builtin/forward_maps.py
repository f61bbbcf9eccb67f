"""Built-in forward maps, named and defined as NNPDF does for operations on FK tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from replicafit.components import ForwardMap
from replicafit.components.hookspecs import hookimpl


def _sum(first: Any, *others: Any) -> Any:
    """From left to right; the builtin begins with an integer, which tensors do not like."""
    for other in others:
        first = first + other
    return first


def _ratio(numerator: Any, denominator: Any) -> Any:
    return numerator / denominator


def _asymmetry(first: Any, second: Any) -> Any:
    return (first - second) / (first + second)


def _ratio_of_sums(*predictions: Any) -> Any:
    """The sum of the first half over that of the second."""
    half = len(predictions) // 2
    return _sum(*predictions[:half]) / _sum(*predictions[half:])


@hookimpl
def replicafit_forward_maps() -> Sequence[ForwardMap]:
    """The forward maps of replicafit itself."""
    return [
        _linear("NULL", 1, "one table as it is"),
        _linear("ADD", 2, "T_0 + T_1, the sum of two tables"),
        _linear("SMT", 10, "T_0 + ... + T_9, the sum of ten tables"),
        _general("RATIO", 2, _ratio, "T_0 / T_1, the first table over the second"),
        _general("ASY", 2, _asymmetry, "(T_0 - T_1) / (T_0 + T_1), an asymmetry"),
        _general("SMN", 4, _ratio_of_sums, "(T_0 + T_1) / (T_2 + T_3), a ratio of sums of two"),
        _general(
            "COM", 20, _ratio_of_sums, "(T_0 + ... + T_9) / (T_10 + ... + T_19), of sums of ten"
        ),
    ]


def _linear(name: str, n_tables: int, summary: str) -> ForwardMap:
    """The sum of all tables."""
    ones = (1.0,) * n_tables
    return ForwardMap(name=name, n_tables=n_tables, combine=_sum, linear=ones, summary=summary)


def _general(name: str, n_tables: int, combine: Any, summary: str) -> ForwardMap:
    return ForwardMap(name=name, n_tables=n_tables, combine=combine, summary=summary)
