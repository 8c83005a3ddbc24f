"""Conditions: an expression, and what a pack may put around it.

In:     a text or a mapping of a pack
Out:    a tree of Where, Related, Span, Both, Either, Neither, Needs
Not:    reading the pack (reading.py), evaluating (compiled, oracle)
Words:  related = another record of the same subject: before or after, within a time, none of a kind between;
        span = the time from one field of a record to another
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from clearway.rules.expressions import Expression, Field, fields_of

_LASTS = re.compile(r"(\d+(?:\.\d+)?) (second|minute|hour|day)s?")


def parse_span(text: str) -> timedelta:
    """A stretch of time such as ``72 hours``. Raises ``ValueError``."""
    found = _LASTS.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return timedelta(**{f"{found[2]}s": float(found[1])})


@dataclass(frozen=True)
class Where:
    """An expression over the record."""

    tree: Expression


@dataclass(frozen=True)
class Related:
    """Whether another record of the same subject stands near.

    ``side`` is ``before`` (at the same moment or earlier), ``after`` (at the same moment or later) or ``around``.
    ``within`` includes its end. ``between`` is a condition that no record between the two may meet. ``none`` turns
    the whole round. ``same`` are fields that must be alike, ``count`` is how many such records there must be.
    """

    where: Condition
    side: str
    within: timedelta
    subject: str
    same: tuple[str, ...] = ()
    between: Condition | None = None
    none: bool = False
    count: int = 1


@dataclass(frozen=True)
class Span:
    """Whether the time from one field to another is within bounds, both included; false where one is missing."""

    start: str
    end: str
    at_least: timedelta | None
    at_most: timedelta | None


@dataclass(frozen=True)
class Needs:
    """Whether at least ``count`` of several conditions hold."""

    count: int
    of: tuple[Condition, ...]


@dataclass(frozen=True)
class Neither:
    """None of them."""

    of: Condition


Condition = Where | Related | Span | Needs | Neither


def both(parts: tuple[Condition, ...]) -> Condition:
    """All of several conditions."""
    return parts[0] if len(parts) == 1 else Needs(len(parts), parts)


def related_in(condition: Condition | None) -> Iterator[Related]:
    """Every related record a condition looks for."""
    match condition:
        case Related():
            yield condition
        case Needs(_, parts):
            for part in parts:
                yield from related_in(part)
        case Neither(of):
            yield from related_in(of)


def fields_in(condition: Condition | None) -> Iterator[Field]:
    """Every field a condition reads, those of related records too."""
    match condition:
        case Where(tree):
            yield from fields_of(tree)
        case Related(where, _, _, subject, same, between):
            yield Field(subject)
            yield from (Field(name) for name in same)
            yield from fields_in(where)
            yield from fields_in(between)
        case Span(start, end, _, _):
            yield Field(start)
            yield Field(end)
        case Needs(_, parts):
            for part in parts:
                yield from fields_in(part)
        case Neither(of):
            yield from fields_in(of)
