"""Figures of measures from single records, and the clocks.

In:     editions, days
Out:    Measurer: values by unit and period
Not:    states (judge.py)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from clearway.rules.conditions import related_in
from clearway.rules.declared import Edition
from clearway.rules.figures import wilson
from clearway.rules.oracle.reports import Reporter
from clearway.rules.oracle.small import (
    DAY,
    Row,
    as_moment,
    exact_sum,
    moment_of,
    value_row,
)  # fmt: skip
from clearway.rules.periods import Period, earlier, periods
from clearway.rules.resolving import Names


class Measurer(Reporter):
    """What measures come to."""

    # ------------------------------------------------------------ measures

    def values(self, name: str, first: date, last: date) -> dict[tuple[Any, str], Row]:
        """Values of a measure by unit and period name."""
        found: dict[tuple[Any, str], Row] = {}
        for edition in self.packs.measures[name].editions:
            begins = first
            if edition.change:
                begins = earlier(first, edition.change)
            mine = self.edition_values(edition, begins, last)
            mine = {k: v for k, v in mine.items() if edition.first <= v["period"].first <= edition.last}
            if edition.change:
                mine = self.changed(mine, edition, first)
            if edition.expected is not None:
                mine = self.reported(mine, edition, edition.expected, first, last)
            found |= mine
        return found

    def edition_values(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], Row]:
        if edition.value_of:
            above, below = self.values(edition.value_of, first, last), self.values(edition.over_of, first, last)
            return {
                k: value_row(v["period"], v["numerator"], below[k]["numerator"] if k in below else 0.0, edition.scale)
                for k, v in above.items()
            }
        if edition.kind == "register":
            return self.register(edition, first, last)
        if edition.kind == "coverage":
            return self.coverage(edition, first, last)
        grouped: dict[tuple[Any, str], tuple[Period, list[Row]]] = {}
        reach = first - edition.window * DAY if edition.window else first
        for unit, row in self.base(edition):
            if not reach <= row["_day"] <= last or not edition.first <= row["_day"]:
                continue
            if not edition.window and edition.period == "day" and row["_day"] > edition.last:
                continue
            if edition.window and row["_day"] > edition.last:
                continue
            for period in self.spread(edition, unit, row["_day"], first, last):
                grouped.setdefault((unit, period.name), (period, []))[1].append(row)
        if edition.kind in ("interval", "time") and edition.expected is not None:
            for unit, period in self.expected_units(edition, edition.expected, first, last):
                grouped.setdefault((unit, period.name), (period, []))
        if edition.kind == "time":
            return self.hours(edition, grouped)
        if edition.kind == "level" and edition.adds is not None:
            return self.stock(edition, first, last)
        found = {}
        for (unit, name), (period, rows) in grouped.items():
            value = self.single(edition, period, rows)
            if value is not None:
                found[unit, name] = value
        return found

    def single(self, edition: Edition, period: Period, rows: list[Row]) -> Row | None:
        rtype = self.lake.type(edition.of)
        if edition.kind == "count":
            if edition.distinct:
                field = "_day" if edition.distinct == "day" else edition.distinct
                return value_row(period, len({r[field] for r in rows if r[field] is not None}), None, edition.scale)
            return value_row(period, len(rows), None, edition.scale)
        if edition.kind == "share":
            waits = [r.within for r in related_in(edition.match) if r.side in ("after", "around")]
            due = [r for r in rows if not waits or r["_time"] + max(waits) <= self.now]
            if edition.ripe:
                due = [r for r in rows if r[edition.ripe] is not None and as_moment(r[edition.ripe]) <= self.now]
            value = value_row(period, sum(self.holds(edition.match, r, rtype) for r in due), len(due), edition.scale)
            value["left_out"] = len(rows) - len(due)
            return value
        if edition.kind in ("sum", "ratio"):
            above = exact_sum(r[edition.value] for r in rows)
            below = exact_sum(r[edition.over] for r in rows) if edition.over else None
            value = value_row(period, above, below, edition.scale)
            if edition.sampled:
                size = sum(r[edition.sampled] or 0 for r in rows)
                value["sample"] = float(size)
                if below and size:
                    value["low"], value["high"] = wilson(float(above), float(below), float(size))
            return value
        if edition.kind == "level":
            known = [r for r in rows if r[edition.value] is not None]
            if not known:
                return None
            numbers = [r[edition.value] for r in known]
            latest = max(r["_time"] for r in known)
            last = max(r[edition.value] for r in known if r["_time"] == latest)
            return value_row(
                period, {"highest": max(numbers), "lowest": min(numbers)}.get(edition.take, last), None, edition.scale
            )
        return self.interval(edition, period, rows)

    def interval(self, edition: Edition, period: Period, rows: list[Row]) -> Row | None:
        rtype = self.lake.type(edition.of)
        subject = edition.subject or rtype.subject or rtype.unit
        times: dict[Any, list[datetime]] = {}
        for row in rows:
            times.setdefault(row[subject] if subject else "", []).append(row["_time"])
        start = datetime.combine(period.first, time())
        end = min(datetime.combine(period.last + DAY, time()), self.now)
        counted = edition.edges == "counted" and edition.take != "shortest"
        gaps: list[float] = []
        for moments in times.values():
            marks = sorted(moments)
            if counted:
                marks = [start, *marks, max(end, marks[-1])]
            gaps += [(b - a).total_seconds() / 3600 for a, b in pairwise(marks)]
        if not times and counted and end > start:
            gaps = [(end - start).total_seconds() / 3600]
        if not gaps:
            return None
        return value_row(period, min(gaps) if edition.take == "shortest" else max(gaps), None, edition.scale)

    def hours(
        self, edition: Edition, grouped: dict[tuple[Any, str], tuple[Period, list[Row]]]
    ) -> dict[tuple[Any, str], Row]:
        spans: dict[Any, list[tuple[datetime, datetime]]] = {}
        for unit, row in self.base(edition):
            if row[edition.start] is not None:
                spans.setdefault(unit, []).append((row[edition.start], row[edition.end] or self.now))
        found = {}
        for (unit, name), (period, _) in grouped.items():
            begins, ends = datetime.combine(period.first, time()), datetime.combine(period.last + DAY, time())
            held, at = timedelta(0), begins
            for start, end in sorted(spans.get(unit, ())):
                start, end = max(start, at), min(end, ends)
                if end > start:
                    held, at = held + (end - start), end
            asked = ((period.last - period.first).days + 1) * edition.hours
            found[unit, name] = value_row(period, held.total_seconds() / 3600, asked, edition.scale)
        return found

    def stock(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], Row]:
        rtype = self.lake.type(edition.of)
        moves: dict[Any, dict[date, int]] = {}
        for unit, row in self.base(edition):
            if first <= row["_day"] <= last:
                change = self.holds(edition.adds, row, rtype) - self.holds(edition.takes, row, rtype)
                mine = moves.setdefault(unit, {})
                mine[row["_day"]] = mine.get(row["_day"], 0) + change
        found = {}
        for unit, mine in moves.items():
            for period in periods(edition.period, first, last):
                there = sum(n for d, n in mine.items() if d <= period.last)
                found[unit, period.name] = value_row(period, there, None, edition.scale)
        return found

    def members(self, edition: Edition, first: date, last: date) -> Iterator[tuple[Any, Any, Period]]:
        """Units of the register that count, the group they count for, and the period."""
        rtype = self.lake.type(edition.of)
        for unit, period in self.unit_periods(edition, first, last):
            at = datetime.combine(period.first, time())
            if edition.among is not None and not self.unit_true(edition.among, unit, at):
                continue
            if edition.unit_field == "CN":
                yield unit, "CN", period
            elif edition.unit_field in (rtype.unit, "unit", "id"):
                yield unit, unit, period
            else:
                group = self.attribute(unit, edition.unit_field, at)
                if group is not None:
                    yield unit, group, period

    def coverage(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], Row]:
        rtype = self.lake.type(edition.of)
        grouped: dict[tuple[Any, str], list[Row]] = {}
        for row in self.records(edition.of):
            if edition.first <= row["_day"] <= edition.last and self.holds(edition.base, row, rtype):
                for period in self.spread(edition, row[str(rtype.unit)], row["_day"], first, last):
                    grouped.setdefault((row[str(rtype.unit)], period.name), []).append(row)
        times: dict[tuple[Any, str], int] = {}
        for key, rows in grouped.items():
            field = "_day" if edition.distinct == "day" else edition.distinct
            times[key] = len({r[field] for r in rows}) if field else len(rows)
        sums: dict[tuple[Any, str], list[Any]] = {}
        for unit, group, period in self.members(edition, first, last):
            mine = sums.setdefault((group, period.name), [period, 0, 0])
            mine[1] += times.get((unit, period.name), 0) >= edition.at_least
            mine[2] += 1
        return {k: value_row(p, n, d, edition.scale) for k, (p, n, d) in sums.items()}

    def register(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], Row]:
        if not edition.held:
            counts: dict[tuple[Any, str], list[Any]] = {}
            for _, group, period in self.members(edition, first, last):
                counts.setdefault((group, period.name), [period, 0])[1] += 1
            return {k: value_row(p, n, None, edition.scale) for k, (p, n) in counts.items()}
        rtype = self.lake.type(edition.held)
        names = Names(rtype, self.lake.types)
        rows = self.lake.read(edition.held).to_dicts()
        if edition.held_where is not None:
            tree = names.typed(edition.held_where)
            rows = [r for r in rows if self.true(tree, r, rtype, self.now)]
        who = str(edition.held_by or rtype.unit or rtype.subject)
        sums: dict[tuple[Any, str], list[Any]] = {}
        for unit, group, period in self.members(edition, first, last):
            there = any(
                r[who] == unit
                and moment_of(r[rtype.time], rtype[rtype.time].kind).date() <= period.first
                and (r.get("to") is None or r["to"] >= period.first)
                for r in rows
            )
            mine = sums.setdefault((group, period.name), [period, 0, 0])
            mine[1] += there
            mine[2] += 1
        return {k: value_row(p, n, d, edition.scale) for k, (p, n, d) in sums.items()}
