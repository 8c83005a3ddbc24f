"""Units in force by period, what was expected of them, changes, clocks.

In:     editions, days
Out:    Reporter: units, reports, clocks
Not:    figures over records (measurer.py)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from clearway.records import RecordType, places_above
from clearway.rules import expressions as ex
from clearway.rules.declared import Clock, Edition, Expected
from clearway.rules.oracle.reader import Reader
from clearway.rules.oracle.small import (
    DAY,
    Row,
    as_moment,
    value_row,
)  # fmt: skip
from clearway.rules.periods import Period, earlier, period_of, periods
from clearway.rules.resolving import Names


class Reporter(Reader):
    """Who was to report, and clocks."""

    def base(self, edition: Edition) -> list[tuple[Any, Row]]:
        """Records that count, with their unit."""
        rtype = self.lake.type(edition.of)
        found = []
        for row in self.records(edition.of):
            unit = self.unit_of(edition, row, rtype)
            if unit is not None and self.holds(edition.base, row, rtype):
                found.append((unit, row))
        return found

    def unit_of(self, edition: Edition, row: Row, rtype: RecordType) -> Any:
        if edition.unit_field == "CN":
            return "CN"
        return self.value(ex.Field(edition.unit_field), row, rtype, row["_time"])

    def spread(self, edition: Edition, unit: Any, day: date, first: date, last: date) -> Iterator[Period]:
        """Periods a record of a day counts for."""
        if edition.window:
            for n in range(edition.window):
                end = day + n * DAY
                if first <= end <= last:
                    yield Period(end.isoformat(), end, end)
        elif edition.period == "season":
            at = datetime.combine(day, time())
            held = [
                r for r in self.registers["season"]
                if r["name"] == edition.season and r["place"] in self.chain(unit, at) and r["from"] <= day <= r["to"]
            ]  # fmt: skip
            for r in sorted(held, key=lambda r: (r["from"], r["to"]))[:1]:
                yield Period(edition.season, r["from"], r["to"])
        else:
            period = period_of(edition.period, day)
            if first <= period.first and period.last <= last:
                yield period

    # ------------------------------------------------------------ units, reports

    def unit_true(self, tree: ex.Expression, unit: Any, at: datetime) -> bool:
        return self.true(Names(None, self.lake.types).typed(tree), {"unit": unit}, None, at)

    def unit_periods(self, edition: Edition, first: date, last: date) -> Iterator[tuple[Any, Period]]:
        """Units in force at both ends of each period under one row."""
        for unit in self.units:
            if edition.period == "season":
                at_all = [
                    (r["from"], r["to"]) for r in self.registers["season"] if r["name"] == edition.season
                ]  # fmt: skip
                spans = [
                    Period(edition.season, f, t) for f, t in at_all
                    if first <= t <= last and self.around(unit, "season", edition.season, datetime.combine(f, time()))
                ]  # fmt: skip
            else:
                spans = list(periods(edition.period, first, last))
            for period in spans:
                begin = self.unit_row(unit, datetime.combine(period.first, time()))
                end = self.unit_row(unit, datetime.combine(period.last, time()))
                if begin is not None and begin is end:
                    yield unit, period

    def expected_units(
        self, edition: Edition, expected: Expected, first: date, last: date
    ) -> Iterator[tuple[Any, Period]]:
        for unit, period in self.unit_periods(edition, first, last):
            at = datetime.combine(period.first, time())
            if expected.kinds and self.attribute(unit, "kind", at) not in expected.kinds:
                continue
            if expected.where is None or self.unit_true(expected.where, unit, at):
                yield unit, period

    def reported(
        self, values: dict[tuple[Any, str], Row], edition: Edition, expected: Expected, first: date, last: date
    ) -> dict[tuple[Any, str], Row]:
        rtype = self.lake.type(edition.of)
        came: dict[Any, set[date]] = {}
        for row in self.records(edition.of):
            came.setdefault(self.unit_of(edition, row, rtype), set()).add(row["_day"])
        for row in self.records("nil_return"):
            if row["type"] == edition.of:
                came.setdefault(row["unit"], set()).add(row["_day"])
        found = dict(values)
        for unit, period in self.expected_units(edition, expected, first, last):
            if not edition.first <= period.first <= edition.last:
                continue
            begin = period.first - (edition.window - 1) * DAY if edition.window else period.first
            days = (period.last - begin).days + 1
            asked = {"day": days, "week": (days + 6) // 7, "month": (days + 27) // 31 + (days < 4)}[expected.every]
            there = {period_of(expected.every, d).name for d in came.get(unit, ()) if begin <= d <= period.last}
            value = found.get((unit, period.name)) or value_row(period, None, None, 1.0)
            if value["value"] is None and there and edition.kind in ("count", "sum") and not edition.change:
                value |= {"numerator": 0.0, "value": 0.0}
            found[unit, period.name] = {**value, "expected": asked, "reported": len(there)}
        return found

    def changed(self, values: dict[tuple[Any, str], Row], edition: Edition, first: date) -> dict[tuple[Any, str], Row]:
        found = {}
        for (unit, name), row in values.items():
            if row["period"].first < first:
                continue
            before = values.get((unit, period_of(edition.period, earlier(row["period"].first, edition.change)).name))
            below = None if before is None else before["value"]
            value = row["value"] / below if below and row["value"] is not None else None
            found[unit, name] = {**row, "numerator": row["value"], "denominator": below, "value": value}
        return found

    # ------------------------------------------------------------ clocks

    def clocks(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], tuple[Period, list[Row]]]:
        clock = edition.clock
        assert clock is not None
        rtype = self.lake.type(edition.of)
        found: dict[tuple[Any, str], tuple[Period, list[Row]]] = {}
        for unit, row in self.base(edition):
            start = row[clock.start]
            if start is None or as_moment(start) > self.now:
                continue
            start = as_moment(start)
            day = row["_day"]
            if not edition.first <= day <= edition.last:
                continue
            for period in self.spread(edition, unit, start.date(), first, last):
                stop = self.stop(clock, row, rtype)
                running = stop is None or stop > self.now
                end = max(start, self.now if stop is None or running else stop)
                one = {"day": start.date(), "open": running, "elapsed": self.passed(clock, unit, row, start, end)}
                found.setdefault((unit, period.name), (period, []))[1].append(one)
        return found

    def stop(self, clock: Clock, row: Row, rtype: RecordType) -> datetime | None:
        if not clock.stop_type:
            return None if row[clock.stop] is None else as_moment(row[clock.stop])
        other = self.lake.type(clock.stop_type)
        subject = row[rtype.subject or str(rtype.unit)]
        times = [
            as_moment(r[clock.stop]) for r in self.alike(clock.stop_type, clock.stop_on).get(subject, [])
            if r[clock.stop] is not None and self.holds(clock.stop_where, r, other)
        ]  # fmt: skip
        return min(times) if times else None

    def passed(self, clock: Clock, unit: Any, row: Row, start: datetime, end: datetime) -> float:
        if clock.calendar == "hours":
            spent = end - start
            if clock.pause and row[clock.pause[0]] is not None:
                stood = min(row[clock.pause[1]] or end, end) - max(row[clock.pause[0]], start)
                spent -= max(stood, timedelta(0))
            return spent.total_seconds() / 3600
        first, last = start.date(), end.date()
        if clock.calendar == "working-days":
            days = [first + n * DAY for n in range((last - first).days + 1)]
            counted = days if clock.first_day else days[1:]
            return float(sum(self.works(unit, d) for d in counted))
        if clock.move == "next-working-day":
            while last > first and not self.works(unit, last - DAY) and last - DAY > first:
                last -= DAY
        return float((last - first).days + clock.first_day)

    def works(self, unit: Any, day: date) -> bool:
        begun = [r for r in self.units.get(unit, []) if r["from"] <= day]
        if not begun:
            return bool(self.around(unit, "calendar", "workday", datetime.combine(day, time())))
        # clocks run on after a unit has ended
        for place in (unit, *(places_above(begun[-1]["place"]) if begun[-1]["place"] else ())):
            for r in self.registers["calendar"]:
                if r["place"] == place and r["day"] == day:
                    return bool(r["workday"])
        return day.weekday() < 5
