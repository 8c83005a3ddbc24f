"""Kinds whose figures need single records: distinct counts, levels, gaps, clocks, hours, coverage, registers.

In:     records of a measure's base, of its days (Polars)
Out:    values, clocks
Not:    which records these are (bench.py, values.py)
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from clearway.core.timegrid import midnight
from clearway.rules.compiled.sums import shaped, with_values
from clearway.rules.declared import Clock, Edition
from clearway.rules.figures import CLOCKS, no_values

KEYS = ["unit", "period", "first", "last"]
_DAY = timedelta(days=1)
Spread = Callable[[pl.DataFrame], pl.DataFrame]


def distinct(rows: pl.DataFrame, edition: Edition, spread: Spread) -> pl.DataFrame:
    """How many different values of a field, or days, the records of a unit and period have."""
    column = "_day" if edition.distinct == "day" else edition.distinct
    # an aggregate's name may not clash with the field's
    frame = (
        spread(rows).group_by(KEYS).agg(n=pl.col(column if column == "_day" else f"f.{column}").drop_nulls().n_unique())
    )
    return with_values(frame, edition)


def level(rows: pl.DataFrame, edition: Edition, spread: Spread) -> pl.DataFrame:
    """The last, highest or lowest value of a field; of several at the last moment the highest."""
    rows = spread(rows).drop_nulls("_value")
    pick = {
        "highest": pl.col("_value").max(),
        "lowest": pl.col("_value").min(),
    }.get(edition.take, pl.col("_value").filter(pl.col("_time") == pl.col("_time").max()).max())
    return with_values(rows.group_by(KEYS).agg(n=pick), edition)


def interval(rows: pl.DataFrame, edition: Edition, periods: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Hours of the longest or shortest gap of a unit and period.

    ``periods`` are the units and periods looked at: KEYS. With counted edges the longest gap may begin with the
    period and end with it (or now); without, gaps lie between records of the period.
    """
    if not len(periods):
        return no_values()
    joined = periods.join(rows.select("unit", "_time", "_day", "subject"), on="unit", how="left")
    joined = joined.filter(pl.col("_day").is_null() | pl.col("_day").is_between(pl.col("first"), pl.col("last")))
    by_subject: dict[tuple[Any, ...], list[datetime]] = {}
    for unit, period, subject, time in joined.select("unit", "period", "subject", "_time").iter_rows():
        if time is not None:
            by_subject.setdefault((unit, period, subject), []).append(time)
    gaps: dict[tuple[str, str], list[float]] = {}
    ends = {
        (u, p): (midnight(f), min(midnight(last + _DAY), now)) for u, p, f, last in periods.select(KEYS).iter_rows()
    }
    counted = edition.edges == "counted" and edition.take != "shortest"
    for (unit, period, _), times in by_subject.items():
        marks = sorted(times)
        if counted:
            start, end = ends[unit, period]
            marks = [start, *marks, max(end, marks[-1])]
        gaps.setdefault((unit, period), []).extend((b - a).total_seconds() / 3600 for a, b in pairwise(marks))
    out = []
    for unit, period, first, last in periods.select(KEYS).iter_rows():
        mine = gaps.get((unit, period), [])
        if (unit, period) not in gaps and counted:
            start, end = ends[unit, period]
            mine = [(end - start).total_seconds() / 3600] if end > start else []
        if mine:
            value = min(mine) if edition.take == "shortest" else max(mine)
            out.append((unit, period, first, last, value))
    schema = {**_SCHEMA, "n": pl.Float64}
    return with_values(pl.DataFrame(out, schema=schema, orient="row"), edition)


def hours(rows: pl.DataFrame, edition: Edition, periods: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Hours a condition held ÷ hours expected: intervals of a unit united and cut at the period's ends."""
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for unit, start, end in rows.select("unit", "_start", "_end").iter_rows():
        if start is not None:
            spans.setdefault(unit, []).append((start, end if end is not None else now))
    out = []
    for unit, period, first, last in periods.select(KEYS).iter_rows():
        begins, ends = midnight(first), midnight(last + _DAY)
        held, at = timedelta(0), begins
        for start, end in sorted(spans.get(unit, ())):
            start, end = max(start, at), min(end, ends)
            if end > start:
                held += end - start
                at = end
        asked = ((last - first).days + 1) * edition.hours
        out.append((unit, period, first, last, held.total_seconds() / 3600, asked))
    schema = {**_SCHEMA, "n": pl.Float64, "d": pl.Float64}
    return with_values(pl.DataFrame(out, schema=schema, orient="row"), edition)


_SCHEMA = {"unit": pl.String, "period": pl.String, "first": pl.Date, "last": pl.Date}


def coverage(rows: pl.DataFrame, edition: Edition, spread: Spread, among: pl.DataFrame) -> pl.DataFrame:
    """Units with enough matching records (or distinct days of them) ÷ units of the register.

    ``among`` has ``member``, the unit a record names, beside KEYS of the group it counts for.
    """
    column = "_day" if edition.distinct in ("day", "") else f"f.{edition.distinct}"
    count = pl.col(column).n_unique() if edition.distinct else pl.len()
    reached = spread(rows).group_by("unit", "period").agg(times=count).rename({"unit": "member"})
    joined = among.join(reached, on=["member", "period"], how="left")
    frame = joined.group_by(KEYS).agg(n=(pl.col("times").fill_null(0) >= edition.at_least).sum(), d=pl.len())
    return with_values(frame, edition)


def clocks(rows: pl.DataFrame, clock: Clock, now: datetime, days_off: DaysOff) -> pl.DataFrame:
    """Each clock with what has passed: until it stopped, or until now where it runs.

    ``rows`` has KEYS, ``subject``, ``_start``, ``_stop``, ``_pause``, ``_resume``.
    """
    out = []
    for row in rows.iter_rows(named=True):
        start, stop = row["_start"], row["_stop"]
        if start is None or start > now:
            continue
        running = stop is None or stop > now
        end = max(start, now if running else stop)
        if clock.calendar == "hours":
            passed = end - start
            if row["_pause"] is not None:
                stood = min(row["_resume"] or end, end) - max(row["_pause"], start)
                passed -= max(stood, timedelta(0))
            elapsed = passed.total_seconds() / 3600
        else:
            elapsed = float(days_off.passed(row["unit"], start.date(), end.date(), clock))
        out.append((*(row[k] for k in KEYS), row["subject"], start.date(), elapsed, running))
    return pl.DataFrame(out, schema=CLOCKS, orient="row").sort("unit", "first", "subject")


class DaysOff:
    """Working days by unit: Monday to Friday, but for what the register says."""

    def __init__(self, calendar: pl.DataFrame) -> None:
        self._said: dict[str, dict[date, bool]] = {}
        for key, since, workday in calendar.select("key", "since", "workday").iter_rows():
            self._said.setdefault(key, {})[since.date()] = workday

    def works(self, unit: str, day: date) -> bool:
        """Whether a day is a working day at a unit."""
        return self._said.get(unit, {}).get(day, day.weekday() < 5)

    def passed(self, unit: str, start: date, end: date, clock: Clock) -> int:
        """Days or working days that have passed by ``end``."""
        if clock.calendar == "working-days":
            if unit not in self._said:
                counted = int(np.busday_count(start + _DAY, end + _DAY))
            else:
                counted = sum(self.works(unit, start + i * _DAY) for i in range(1, (end - start).days + 1))
            return counted + (clock.first_day and self.works(unit, start))
        if clock.move == "next-working-day":
            # a limit on a day off moves on: days off just before the end do not count
            before = end - _DAY
            while before > start and not self.works(unit, before):
                before -= _DAY
            end = min(end, before + _DAY)
        return (end - start).days + clock.first_day


def ratio_of_values(above: pl.DataFrame, below: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """One measure's numerators over another's, by unit and period."""
    joined = above.select(*KEYS, n="numerator").join(
        below.select("unit", "period", d="numerator"), on=["unit", "period"], how="left"
    )
    return with_values(joined.with_columns(pl.col("d").fill_null(0.0)), edition)


def change(values: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Each value over the one of the earlier period; ``earlier`` has unit, period and ``before``."""
    joined = values.join(earlier, on=["unit", "period"], how="left")
    quotient = pl.when(pl.col("before") != 0).then(pl.col("value") / pl.col("before"))
    return shaped(joined.with_columns(numerator=pl.col("value"), denominator=pl.col("before"), value=quotient))
