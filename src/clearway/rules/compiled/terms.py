"""Expressions and conditions as Ibis columns.

In:     trees with typed constants (resolving.py), a table with a column for every name they use
Out:    boolean columns, never null
Not:    the joins behind the names (bench.py) and behind related records (nearby.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import ibis

from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where
from clearway.rules.expressions import Expression
from clearway.rules.resolving import Ranks

_SIGNS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def boolean(tree: ex.Expression, table: Any, ranks: Ranks) -> Any:
    """An expression over the columns of a table."""
    match tree:
        case ex.Compare() | ex.Among():
            return _met(tree, table, ranks).fill_null(False)
        case ex.Present(of):
            return _operand(of, table, ranks).notnull()
        case ex.Not(of):
            return ~boolean(of, table, ranks)
        case ex.All(parts):
            return _folded([boolean(p, table, ranks) for p in parts], all_of=True)
        case ex.Any(parts):
            return _folded([boolean(p, table, ranks) for p in parts], all_of=False)


def _met(tree: ex.Expression, table: Any, ranks: Ranks) -> Any:
    """An expression as a filter, for which missing is as good as false: so the engine may look while it reads."""
    match tree:
        case ex.Compare(sign, left, right):
            return _SIGNS[sign](_operand(left, table, ranks), _operand(right, table, ranks))
        case ex.Among(of, values):
            return _operand(of, table, ranks).isin([v.value for v in values])
        case ex.All(parts):
            return _folded([_met(p, table, ranks) for p in parts], all_of=True)
        case ex.Any(parts):
            return _folded([_met(p, table, ranks) for p in parts], all_of=False)
        case _:
            return boolean(tree, table, ranks)


def filtered(
    table: Any, condition: Condition | Expression | None, ranks: Ranks, related: Mapping[Related, str] | None = None
) -> Any:
    """The rows that meet a condition; ``related`` names the columns of related records."""
    match condition:
        case None:
            return table
        case Where(tree):
            return table.filter(_met(tree, table, ranks))
        case Needs(count, of) if count == len(of):
            for part in of:
                table = filtered(table, part, ranks, related)
            return table
        case Related() | Span() | Neither() | Needs():
            return table.filter(holds(condition, table, ranks, related or {}))
        case _:
            return table.filter(_met(condition, table, ranks))


def _folded(parts: list[Any], *, all_of: bool) -> Any:
    found = parts[0]
    for part in parts[1:]:
        found = (found & part) if all_of else (found | part)
    return found


def _operand(operand: ex.Operand, table: Any, ranks: Ranks) -> Any:
    match operand:
        case ex.Field(name):
            return table[name]
        case ex.Constant(value):
            return ibis.literal(value)
        case ex.Rank(name, of):
            column = _operand(of, table, ranks)
            return ibis.cases(*((column == word, i) for i, word in enumerate(ranks[name])))


def holds(condition: Condition | None, table: Any, ranks: Ranks, related: Mapping[Related, str]) -> Any:
    """A condition over the columns of a table; ``related`` names the columns of related records."""
    match condition:
        case None:
            return table["_day"].notnull()  # every record has one
        case Where(tree):
            return boolean(tree, table, ranks)
        case Related():
            found = table[related[condition]]
            return ~found if condition.none else found
        case Span(start, end, least, most):
            lasted = table[end].cast("timestamp").epoch_seconds() - table[start].cast("timestamp").epoch_seconds()
            parts = [lasted.notnull()]
            if least is not None:
                parts.append((lasted >= _seconds(least)).fill_null(False))
            if most is not None:
                parts.append((lasted <= _seconds(most)).fill_null(False))
            return _folded(parts, all_of=True)
        case Neither(of):
            return ~holds(of, table, ranks, related)
        case Needs(count, of):
            parts = [holds(p, table, ranks, related) for p in of]
            if not parts:
                return ibis.literal(True)
            if count in (1, len(parts)):
                return _folded(parts, all_of=count == len(parts))
            return sum(p.cast("int64") for p in parts) >= count


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
