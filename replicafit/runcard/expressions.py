"""Conditions on named columns, such as ``q2 >= 3.49`` or ``x < 0.1 and q2 > 10``.

Numbers, names, ``+ - * / **``, ``log``, ``exp``, ``sqrt``, ``abs``, ``min`` and ``max``,
comparisons (also ``0.1 < x < 0.7``), ``and``, ``or``, ``not`` and brackets, with Python's
precedence. The text is parsed with ``ast`` and never evaluated by Python.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

Columns = Mapping[str, np.ndarray]
Part = Callable[[Columns], Any]

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
}
_OF_ONE: Mapping[str, Callable[..., Any]] = {
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
_OF_SEVERAL: Mapping[str, Callable[..., Any]] = {"min": np.minimum, "max": np.maximum}
_LONGEST = 200
"""Terms of a condition."""


@dataclass(frozen=True)
class Expression:
    """A condition, true or false, or a number for every row of some columns.

    Attributes:
        text: as the runcard gives it.
        names: the columns it needs.
    """

    text: str
    names: frozenset[str]
    value: Part

    def __call__(self, columns: Columns) -> np.ndarray:
        """Its values (d,), for columns (d,) that have all ``names``. Where there is a NaN, a
        condition does not hold, and a number is NaN.
        """
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.value(columns), len(next(iter(columns.values()))))


def condition(text: str) -> Expression:
    """The condition that ``text`` writes.

    Raises:
        ValueError: it is not one; says what is allowed.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(_not_a_condition(text)) from None
    nodes = list(ast.walk(tree))
    if sum(isinstance(node, ast.expr) for node in nodes) > _LONGEST:
        raise ValueError(f"'{text[:60]} ...' has more than {_LONGEST} terms; write several cuts")
    holds = _truth(tree, text)
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in functions}
    if not names:
        raise ValueError(f"'{text}' names no variable; write a condition such as q2 >= 3.49")
    return Expression(text, frozenset(names), holds)


def quantity(text: str) -> Expression:
    """The number that ``text`` computes from columns, such as ``q2 / x``.

    Raises:
        ValueError: it computes none; says what is allowed.
    """
    try:  # as part of a condition, which knows all limits
        names = condition(f"({text}) == 0").names
        return Expression(text, names, _number(ast.parse(text.strip(), mode="eval").body, text))
    except (ValueError, SyntaxError):
        raise ValueError(
            f"'{text[:60]}' computes no number from columns; write names and numbers with "
            "+ - * / ** and functions, such as q2 * (1 - x) / x"
        ) from None


def _truth(node: ast.AST, text: str) -> Part:
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_truth(value, text) for value in values]
            return lambda columns: reduce(_OPERATORS[type(op)], [p(columns) for p in parts])
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            part = _truth(inner, text)
            return lambda columns: np.logical_not(part(columns))
        case ast.Compare(left=first, ops=ops, comparators=rest) if all(
            type(op) in _OPERATORS for op in ops
        ):
            parts = [_number(each, text) for each in (first, *rest)]

            def holds(columns: Columns) -> Any:
                values = [part(columns) for part in parts]
                pairs = zip(ops, values[:-1], values[1:], strict=True)
                return reduce(np.logical_and, [_OPERATORS[type(op)](a, b) for op, a, b in pairs])

            return holds
    raise ValueError(_not_a_condition(text))


def _number(node: ast.AST, text: str) -> Part:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            try:
                number = np.float64(value)
            except OverflowError:
                raise ValueError(_not_a_condition(text)) from None
            return lambda columns: number
        case ast.Name(id=name):
            return lambda columns: columns[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            a, b = _number(left, text), _number(right, text)
            return lambda columns: _OPERATORS[type(op)](a(columns), b(columns))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=inner):
            part = _number(inner, text)
            return lambda columns: _OPERATORS[type(op)](part(columns))
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in _OF_ONE:
            part = _number(inner, text)
            return lambda columns: _OF_ONE[name](part(columns))
        case ast.Call(func=ast.Name(id=name), args=[_, _, *_] as given, keywords=[]) if (
            name in _OF_SEVERAL
        ):
            parts = [_number(each, text) for each in given]
            return lambda columns: reduce(_OF_SEVERAL[name], [part(columns) for part in parts])
    raise ValueError(_not_a_condition(text))


def _not_a_condition(text: str) -> str:
    shown = text if len(text) <= 60 else f"{text[:60]} ..."
    return (
        f"'{shown}' is no condition; write comparisons (< <= > >= == !=) of variables and numbers, "
        "with + - * / **, log, exp, sqrt, abs, min, max, joined by and, or, not: q2 >= 3.49, "
        "x < 0.1 and q2 > 10, abs(y) <= 0.6 * log(sqrts / m_ll)"
    )
