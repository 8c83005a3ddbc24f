"""Expressions and conditions as Ibis columns.

In:     trees with typed constants (resolving.py), a table with a column for every name they use
Out:    boolean columns, never null
Not:    the joins and windows behind the names (bench.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import ibis

from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where

Ranks = Mapping[str, tuple[str, ...]]
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
        case ex.Compare(sign, left, right):
            return _SIGNS[sign](_operand(left, table, ranks), _operand(right, table, ranks)).fill_null(False)
        case ex.Among(of, values):
            return _operand(of, table, ranks).isin([v.value for v in values]).fill_null(False)
        case ex.Present(of):
            return _operand(of, table, ranks).notnull()
        case ex.Not(of):
            return ~boolean(of, table, ranks)
        case ex.All(parts):
            return _folded([boolean(p, table, ranks) for p in parts], all_of=True)
        case ex.Any(parts):
            return _folded([boolean(p, table, ranks) for p in parts], all_of=False)


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


def related_column(one: Related, table: Any, ranks: Ranks, window_of: Any, none_known: Mapping[Related, str]) -> Any:
    """Whether there is another record as asked; ``window_of(first, last)`` frames records by time around each.

    The record itself is inside every frame that reaches its own moment; where it is as asked, it is taken off.
    """
    wanted = holds(one.where, table, ranks, none_known)
    back = one.within if one.within is not None else None
    own = wanted.cast("int64")
    frames = {"before": (back, timedelta(0)), "after": (timedelta(0), back), "around": (back, back)}
    if one.between is None:
        first, last = frames[one.side]
        return own.sum().over(window_of(first, last)) - own >= one.count
    between = holds(one.between, table, ranks, none_known)
    tick = timedelta(microseconds=1)
    at_once = own.sum().over(window_of(timedelta(0), timedelta(0))) - own > 0
    time = table["_time"]
    if one.side == "before":
        nearest = wanted.ifelse(time, None).max().over(window_of(back, -tick))
        barrier = between.ifelse(time, None).max().over(window_of(back, -tick))
        return at_once | (nearest.notnull() & (barrier.isnull() | (nearest >= barrier)))
    nearest = wanted.ifelse(time, None).min().over(window_of(-tick, back))
    barrier = between.ifelse(time, None).min().over(window_of(-tick, back))
    return at_once | (nearest.notnull() & (barrier.isnull() | (nearest <= barrier)))
