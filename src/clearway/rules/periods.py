"""Periods: days, ISO weeks, months, quarters, years; their names and ends.

In:     a kind of period, days
Out:    Period; the period of a day
Not:    seasons, which registers declare (units.py)
Words:  2022-11-18, 2022-W46, 2022-11, 2022-Q4, 2022
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

KINDS = ("day", "week", "month", "quarter", "half", "year", "season")


@dataclass(frozen=True)
class Period:
    """A named stretch of days, both included."""

    name: str
    first: date
    last: date


def period_of(kind: str, day: date) -> Period:
    """The period of a kind that a day belongs to.

    >>> period_of("week", date(2022, 11, 18)).name
    '2022-W46'
    """
    if kind == "day":
        return Period(day.isoformat(), day, day)
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return Period(f"{year}-W{week:02d}", monday, monday + timedelta(days=6))
    months = {"month": 1, "quarter": 3, "half": 6, "year": 12}[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    last = date(first.year + (first.month + months > 12), (first.month + months - 1) % 12 + 1, 1) - timedelta(days=1)
    number = (day.month - 1) // months + 1
    name = {"month": f"{first:%Y-%m}", "quarter": f"{day.year}-Q{number}", "half": f"{day.year}-H{number}"}.get(
        kind, str(day.year)
    )
    return Period(name, first, last)


def periods(kind: str, first: date, last: date, *, whole: bool = True) -> Iterator[Period]:
    """Periods of a stretch of days in order: those wholly within it, or all that touch it."""
    day = first
    while day <= last:
        period = period_of(kind, day)
        if not whole or (period.first >= first and period.last <= last):
            yield period
        day = period.last + timedelta(days=1)


def period_table(kind: str, first: date, last: date) -> pl.DataFrame:
    """Each day of the whole periods of a stretch of days, with the period's name: day, period, first, last."""
    rows = [
        (p.first + timedelta(days=n), p.name, p.first, p.last)
        for p in periods(kind, first, last)
        for n in range((p.last - p.first).days + 1)
    ]
    schema = {"day": pl.Date, "period": pl.String, "first": pl.Date, "last": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def earlier(day: date, change: str) -> date:
    """The same day a day, week, month (its first day) or year before."""
    if change in ("day", "week"):
        return day - timedelta(days={"day": 1, "week": 7}[change])
    if change == "month":
        return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    return day.replace(year=day.year - 1) if (day.month, day.day) != (2, 29) else date(day.year - 1, 2, 28)
