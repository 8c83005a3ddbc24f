"""The same declarations, interpreted one record at a time: slow, plain, and a second opinion on the compiled engine.

In:     a lake, packs, a window
Out:    findings as plain rows
Not:    speed; anything of the compiled engine: names, joins, sums and states are said again here

Only the declarations, the periods and the working-day calendar's rows are shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from clearway.records import Lake, RecordType, places_above
from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where, related_in
from clearway.rules.declared import LOOK_BACK, Clock, Edition, Expected, Packs, Rule
from clearway.rules.figures import Window, wilson
from clearway.rules.periods import Period, period_of, periods
from clearway.rules.resolving import PLACE_ATTRIBUTES, Names

Row = dict[str, Any]
_DAY = timedelta(days=1)
_CENT = Decimal("0.000001")
_TEST = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def interpret(lake: Lake, packs: Packs, window: Window, rules: Iterable[Rule], origin: str | None = None) -> list[Row]:
    """Findings of some rules: rows with rule, unit, period, state and figures."""
    oracle = _Oracle(lake, packs, window, origin)
    return [finding for rule in rules for finding in oracle.judge(rule)]


class _Oracle:
    def __init__(self, lake: Lake, packs: Packs, window: Window, origin: str | None) -> None:
        self.lake, self.packs, self.window, self.origin = lake, packs, window, origin
        self.now = window.now
        self._rows: dict[str, list[Row]] = {}
        self._by_subject: dict[tuple[str, str], dict[Any, list[Row]]] = {}
        self.registers = {
            name: lake.read(name).to_dicts()
            for name in ("unit", "season", "zone", "weather", "calendar", "agreement", "headcount")
        }
        self.units: dict[str, list[Row]] = {}
        for row in sorted(self.registers["unit"], key=lambda r: r["from"]):
            self.units.setdefault(row["id"], []).append(row)

    # ------------------------------------------------------------ records

    def records(self, name: str) -> list[Row]:
        """Every current record of a type with its moment and day."""
        if name not in self._rows:
            rtype = self.lake.type(name)
            rows = self.lake.read(name, origin=self.origin).to_dicts()
            for row in rows:
                row["_time"] = _moment(row[rtype.time], rtype[rtype.time].kind)
                row["_day"] = row["_time"].date()
            self._rows[name] = rows
        return self._rows[name]

    def alike(self, name: str, subject: str) -> dict[Any, list[Row]]:
        """Records of a type by subject."""
        key = (name, subject)
        if key not in self._by_subject:
            found: dict[Any, list[Row]] = {}
            for row in self.records(name):
                found.setdefault(row[subject], []).append(row)
            self._by_subject[key] = found
        return self._by_subject[key]

    # ------------------------------------------------------------ registers

    def unit_row(self, unit: Any, at: datetime) -> Row | None:
        """The row of a unit in force at a moment."""
        mine = self.units.get(unit, [])
        begun = [r for r in mine if datetime.combine(r["from"], time()) <= at]
        if not begun:
            return None
        row = begun[-1]
        ended = row["to"] is not None and at >= datetime.combine(row["to"] + _DAY, time())
        return None if ended else row

    def attribute(self, unit: Any, name: str, at: datetime) -> Any:
        """A field of a unit's row, or of its place."""
        row = self.unit_row(unit, at)
        if row is None:
            return None
        if name in PLACE_ATTRIBUTES:
            return _above(row["place"], name)
        if name == "district":
            return None if row["place"] is None else _is_district(row["place"])
        return row[name]

    def chain(self, unit: Any, at: datetime) -> tuple[str, ...]:
        """A unit (or a place) and the places around it."""
        row = self.unit_row(unit, at)
        if row is not None:
            return (unit, *(places_above(row["place"]) if row["place"] else ()))
        known = {p for r in self.registers["unit"] if r["place"] for p in places_above(r["place"])}
        return places_above(unit) if unit in known else ()

    def around(self, unit: Any, head: str, tail: str, at: datetime) -> Any:
        """Season, zone, weather, working day, headcount at a unit."""
        chain = self.chain(unit, at)
        if head == "season":
            return any(
                r["name"] == tail and r["place"] in chain and r["from"] <= at.date() <= r["to"]
                for r in self.registers["season"]
            )
        if head == "headcount":
            latest: dict[str, Row] = {}
            for r in sorted(self.registers["headcount"], key=lambda r: r["from"]):
                if r["facility"] == unit and r["from"] <= at.date():
                    latest[r["post"]] = r
            held = [r["persons"] for r in latest.values() if r["to"] is None or r["to"] >= at.date()]
            return sum(held) if held else None
        for place in chain:
            if head == "zone":
                held = [
                    r for r in self.registers["zone"]
                    if r["target"] == place and r["from"] <= at and (r["to"] is None or r["to"] > at)
                ]  # fmt: skip
                if held:
                    last = max(r["from"] for r in held)
                    return min(r["level"] for r in held if r["from"] == last)
            elif head == "weather":
                held = [r for r in self.registers["weather"] if r["place"] == place and r["time"].date() == at.date()]
                if held:
                    known = [r[tail] for r in sorted(held, key=lambda r: r["time"]) if r[tail] is not None]
                    return (max(known) if tail == "tmax_c" else known[-1]) if known else None
            elif head == "calendar":
                for r in self.registers["calendar"]:
                    if r["place"] == place and r["day"] == at.date():
                        return r["workday"]
        return at.weekday() < 5 if head == "calendar" else None

    def agreement(self, client: Any, facility: Any, tail: str, at: datetime) -> Any:
        rows = [r for r in self.registers["agreement"] if r["client"] == client and r["facility"] == facility]
        begun = sorted((r for r in rows if r["from"] <= at.date()), key=lambda r: r["from"])
        if not begun or (begun[-1]["to"] is not None and begun[-1]["to"] < at.date()):
            return None
        return begun[-1][tail]

    # ------------------------------------------------------------ expressions

    def value(self, operand: ex.Operand, row: Row, rtype: RecordType | None, at: datetime) -> Any:
        """A field, a constant or a rank for one record, or for a unit at a moment."""
        match operand:
            case ex.Constant(value):
                return value
            case ex.Rank(table, of):
                found = self.value(of, row, rtype, at)
                ranks = self.packs.ranks[table]
                return ranks.index(found) if found in ranks else None
            case ex.Field(name):
                head, _, tail = name.partition(".")
                if rtype is None:
                    return self.around(row["unit"], head, tail, at) if tail else self.attribute(row["unit"], head, at)
                if not tail:
                    return row[head]
                if head in rtype.names:
                    held = row[head]
                    if rtype[head].kind == "place":
                        return None if held is None or held not in _coded() else _above(held, tail)
                    return self.attribute(held, tail, at)
                if head == "agreement":
                    return self.agreement(row["agreement_client"], row["facility"], tail, at)
                return self.around(row[str(rtype.unit)], head, tail, at)

    def true(self, tree: ex.Expression, row: Row, rtype: RecordType | None, at: datetime) -> bool:
        """An expression for one record."""
        match tree:
            case ex.Compare(sign, left, right):
                a, b = self.value(left, row, rtype, at), self.value(right, row, rtype, at)
                if a is None or b is None:
                    return False
                return bool(_TEST[sign](*_alike(a, b)))
            case ex.Among(of, values):
                return self.value(of, row, rtype, at) in [v.value for v in values]
            case ex.Present(of):
                return self.value(of, row, rtype, at) is not None
            case ex.Not(of):
                return not self.true(of, row, rtype, at)
            case ex.All(parts):
                return all(self.true(p, row, rtype, at) for p in parts)
            case ex.Any(parts):
                return any(self.true(p, row, rtype, at) for p in parts)

    def holds(self, condition: Condition | None, row: Row, rtype: RecordType) -> bool:
        """A condition for one record."""
        match condition:
            case None:
                return True
            case Where(tree):
                return self.true(Names(rtype, self.lake.types).typed(tree), row, rtype, row["_time"])
            case Needs(count, parts):
                return sum(self.holds(p, row, rtype) for p in parts) >= count
            case Neither(of):
                return not self.holds(of, row, rtype)
            case Span(start, end, least, most):
                if row[start] is None or row[end] is None:
                    return False
                lasted = _whole(row[end]) - _whole(row[start])
                return (least is None or lasted >= least) and (most is None or lasted <= most)
            case Related():
                return self.related(condition, row, rtype) != condition.none

    def related(self, one: Related, row: Row, rtype: RecordType) -> bool:
        """Whether there is another record as asked."""
        subject = one.subject or rtype.subject or str(rtype.unit)
        near = [
            r for r in self.alike(rtype.name, subject).get(row[subject], [])
            if r is not row and row[subject] is not None and all(r[f] == row[f] and r[f] is not None for f in one.same)
        ]  # fmt: skip
        within = one.within or LOOK_BACK * 4
        here, found = row["_time"], 0
        for other in near:
            gap = other["_time"] - here
            if one.side == "before" and not -within <= gap <= timedelta(0):
                continue
            if one.side == "after" and not timedelta(0) <= gap <= within:
                continue
            if abs(gap) > within or not self.holds(one.where, other, rtype):
                continue
            low, high = sorted((here, other["_time"]))
            barred = one.between is not None and any(
                low < r["_time"] < high and self.holds(one.between, r, rtype) for r in near
            )
            found += not barred
        return found >= one.count

    # ------------------------------------------------------------ measures

    def editions(self, name: str) -> Iterator[Edition]:
        yield from self.packs.measures[name].editions

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
                end = day + n * _DAY
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

    def values(self, name: str, first: date, last: date) -> dict[tuple[Any, str], Row]:
        """Values of a measure by unit and period name."""
        found: dict[tuple[Any, str], Row] = {}
        for edition in self.editions(name):
            begins = first
            if edition.change:
                begins = _earlier(first, edition.change)
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
                k: _row(v["period"], v["numerator"], below[k]["numerator"] if k in below else 0.0, edition.scale)
                for k, v in above.items()
            }
        if edition.kind == "register":
            return self.register(edition, first, last)
        if edition.kind == "coverage":
            return self.coverage(edition, first, last)
        grouped: dict[tuple[Any, str], tuple[Period, list[Row]]] = {}
        reach = first - edition.window * _DAY if edition.window else first
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
                return _row(period, len({r[field] for r in rows if r[field] is not None}), None, edition.scale)
            return _row(period, len(rows), None, edition.scale)
        if edition.kind == "share":
            waits = [r.within for r in related_in(edition.match) if r.side in ("after", "around") and r.within]
            due = [r for r in rows if not waits or r["_time"] + max(waits) <= self.now]
            if edition.ripe:
                due = [r for r in rows if r[edition.ripe] is not None and _whole(r[edition.ripe]) <= self.now]
            value = _row(period, sum(self.holds(edition.match, r, rtype) for r in due), len(due), edition.scale)
            value["left_out"] = len(rows) - len(due)
            return value
        if edition.kind in ("sum", "ratio"):
            above = _sum(r[edition.value] for r in rows)
            below = _sum(r[edition.over] for r in rows) if edition.over else None
            value = _row(period, above, below, edition.scale)
            if edition.sampled:
                size = sum(r[edition.sampled] or 0 for r in rows)
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
            return _row(
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
        end = min(datetime.combine(period.last + _DAY, time()), self.now)
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
        return _row(period, min(gaps) if edition.take == "shortest" else max(gaps), None, edition.scale)

    def hours(
        self, edition: Edition, grouped: dict[tuple[Any, str], tuple[Period, list[Row]]]
    ) -> dict[tuple[Any, str], Row]:
        spans: dict[Any, list[tuple[datetime, datetime]]] = {}
        for unit, row in self.base(edition):
            if row[edition.start] is not None:
                spans.setdefault(unit, []).append((row[edition.start], row[edition.end] or self.now))
        found = {}
        for (unit, name), (period, _) in grouped.items():
            begins, ends = datetime.combine(period.first, time()), datetime.combine(period.last + _DAY, time())
            held, at = timedelta(0), begins
            for start, end in sorted(spans.get(unit, ())):
                start, end = max(start, at), min(end, ends)
                if end > start:
                    held, at = held + (end - start), end
            asked = ((period.last - period.first).days + 1) * edition.hours
            found[unit, name] = _row(period, held.total_seconds() / 3600, asked, edition.scale)
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
                found[unit, period.name] = _row(period, there, None, edition.scale)
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
        return {k: _row(p, n, d, edition.scale) for k, (p, n, d) in sums.items()}

    def register(self, edition: Edition, first: date, last: date) -> dict[tuple[Any, str], Row]:
        if not edition.held:
            counts: dict[tuple[Any, str], list[Any]] = {}
            for _, group, period in self.members(edition, first, last):
                counts.setdefault((group, period.name), [period, 0])[1] += 1
            return {k: _row(p, n, None, edition.scale) for k, (p, n) in counts.items()}
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
                and _moment(r[rtype.time], rtype[rtype.time].kind).date() <= period.first
                and (r.get("to") is None or r["to"] >= period.first)
                for r in rows
            )
            mine = sums.setdefault((group, period.name), [period, 0, 0])
            mine[1] += there
            mine[2] += 1
        return {k: _row(p, n, d, edition.scale) for k, (p, n, d) in sums.items()}

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
            begin = period.first - (edition.window - 1) * _DAY if edition.window else period.first
            days = (period.last - begin).days + 1
            asked = {"day": days, "week": (days + 6) // 7, "month": (days + 27) // 31 + (days < 4)}[expected.every]
            there = {period_of(expected.every, d).name for d in came.get(unit, ()) if begin <= d <= period.last}
            value = found.get((unit, period.name)) or _row(period, None, None, 1.0)
            if value["value"] is None and there and edition.kind in ("count", "sum") and not edition.change:
                value |= {"numerator": 0.0, "value": 0.0}
            found[unit, period.name] = {**value, "expected": asked, "reported": len(there)}
        return found

    def changed(self, values: dict[tuple[Any, str], Row], edition: Edition, first: date) -> dict[tuple[Any, str], Row]:
        found = {}
        for (unit, name), row in values.items():
            if row["period"].first < first:
                continue
            before = values.get((unit, period_of(edition.period, _earlier(row["period"].first, edition.change)).name))
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
            if start is None or _whole(start) > self.now:
                continue
            start = _whole(start)
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
            return None if row[clock.stop] is None else _whole(row[clock.stop])
        other = self.lake.type(clock.stop_type)
        subject = row[rtype.subject or str(rtype.unit)]
        times = [
            _whole(r[clock.stop]) for r in self.alike(clock.stop_type, clock.stop_on).get(subject, [])
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
            days = [first + n * _DAY for n in range((last - first).days + 1)]
            counted = days if clock.first_day else days[1:]
            return float(sum(self.works(unit, d) for d in counted))
        if clock.move == "next-working-day":
            while last > first and not self.works(unit, last - _DAY) and last - _DAY > first:
                last -= _DAY
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

    # ------------------------------------------------------------ judging

    def judge(self, rule: Rule) -> Iterator[Row]:
        measure = self.packs.measures[rule.measure]
        first, last = self.window.first, self.window.last
        if rule.judge != "each-period":
            kind = measure.editions[-1].period
            if kind == "season":
                first, last = first - 366 * _DAY, last + 366 * _DAY
            else:
                first, last = period_of(kind, first).first, period_of(kind, last).last
        for edition in measure.editions:
            if edition.kind == "duration":
                for (unit, name), (period, clocks) in self.clocks(edition, first, last).items():
                    if edition.first <= period.first <= edition.last:
                        yield from self.judge_clocks(rule, edition, unit, name, period, clocks)
        if measure.editions[-1].kind == "duration":
            return
        for (unit, name), value in self.values(rule.measure, first, last).items():
            edition = next(e for e in measure.editions if e.first <= value["period"].first <= e.last)
            case = self.case(rule, edition, unit, value["period"])
            if case is not None:
                yield from self.judge_value(rule, edition, unit, name, value, case)

    def case(self, rule: Rule, edition: Edition, unit: Any, period: Period) -> int | None:
        """Which case decides for a unit; -1 none of them; ``None`` where it is out of scope."""
        at = datetime.combine(period.first, time())
        if unit not in self.units:
            if rule.scope.kinds or rule.scope.where is not None or rule.enterprise or self.replaced(rule, unit):
                return None
            if rule.scope.places and not set(places_above(str(unit))) & set(rule.scope.places):
                return None
            for limit in rule.limits:
                for n, case in enumerate(limit.cases):
                    if case.when is None:
                        return n
            return -1
        begin = self.unit_row(unit, at)
        if begin is None or begin is not self.unit_row(unit, datetime.combine(period.last, time())):
            return None
        if rule.scope.kinds and begin["kind"] not in rule.scope.kinds:
            return None
        if rule.scope.places and not (begin["place"] and set(places_above(begin["place"])) & set(rule.scope.places)):
            return None
        if self.replaced(rule, begin["place"]) or (rule.enterprise and rule.authority not in (begin["operator"], unit)):
            return None
        if rule.scope.where is not None and not self.unit_true(rule.scope.where, unit, at):
            return None
        if not any(c.when is not None for x in rule.limits for c in x.cases):
            return 0
        held = next((x for x in rule.limits if x.first <= period.first <= x.last), None)
        for n, case in enumerate(held.cases if held else ()):
            if case.when is None or self.unit_true(case.when, unit, at):
                return n
        return -1

    def replaced(self, rule: Rule, place: Any) -> bool:
        """Whether a lower authority set another value for a place."""
        return place is not None and any(
            r.replaces == rule.id and set(places_above(str(place))) & set(r.scope.places)
            for r in self.packs.rules.values()
        )

    def bounds(
        self, rule: Rule, first: date, last: date, case: int
    ) -> tuple[str, float | None, float | None, bool] | None:
        """Edition, at least, at most and whether exempt, over some days."""
        begin, end = rule.limit_on(first), rule.limit_on(last)
        if begin is None or end is None:
            return None

        def of(limit: Any) -> tuple[float | None, float | None, bool]:
            if not 0 <= case < len(limit.cases):
                return None, None, True
            c = limit.cases[case]
            return c.at_least, c.at_most, c.exempt

        if begin is end:
            return (begin.first.isoformat(), *of(begin))
        if rule.anchor == "end":
            return (end.first.isoformat(), *of(end))
        (la, ma, xa), (lb, mb, xb) = of(begin), of(end)
        least = None if la is None or lb is None else min(la, lb)
        most = None if ma is None or mb is None else max(ma, mb)
        return begin.first.isoformat(), least, most, xa or xb

    def judge_clocks(
        self, rule: Rule, edition: Edition, unit: Any, name: str, period: Period, clocks: list[Row]
    ) -> Iterator[Row]:
        case = self.case(rule, edition, unit, period)
        if case is None:
            return
        states, spent, editions, least_any = [], [], [], False
        for one in clocks:
            bound = self.bounds(rule, one["day"], one["day"], case)
            if bound is None:
                continue
            first, least, most, exempt = bound
            editions.append(first)
            least_any |= least is not None
            if exempt or case < 0:
                states.append("not-applicable")
                continue
            spent.append(one["elapsed"])
            late = most is not None and one["elapsed"] > most
            early = least is not None and one["elapsed"] < least
            if late or (early and not one["open"]):
                states.append("breached")
            elif one["open"] and (early or least is None):
                states.append("pending")
            elif rule.warn is not None and (
                one["elapsed"] > rule.warn if most is not None else one["elapsed"] < rule.warn
            ):
                states.append("at-risk")
            else:
                states.append("met")
        if not states:
            return
        state = next((s for s in ("breached", "pending", "at-risk", "met") if s in states), "not-applicable")
        value = (min(spent) if least_any else max(spent)) if spent else None
        yield {
            "rule": rule.id, "unit": unit, "period": name, "state": state, "value": value,
            "numerator": float(sum(s in ("met", "at-risk") for s in states)), "denominator": float(len(spent)),
            "expected": None, "reported": None, "left_out": 0, "edition": min(editions), "advisory": rule.advisory,
        }  # fmt: skip

    def judge_value(self, rule: Rule, edition: Edition, unit: Any, name: str, row: Row, case: int) -> Iterator[Row]:
        period = row["period"]
        bound = self.bounds(rule, period.first, period.last, case)
        if bound is None:
            return
        first, least, most, exempt = bound
        value, expected, reported = row["value"], row["expected"], row["reported"]
        over = datetime.combine(period.last + _DAY, time()) <= self.now
        low = high = doubtful = False
        if value is not None:
            doubtful = (least is not None and value < least) or (most is not None and value > most)
            top = row["high"] if row["high"] is not None else value
            bottom = row["low"] if row["low"] is not None else value
            low, high = least is not None and top < least, most is not None and bottom > most
        beyond = low or high
        above, below = row["numerator"], row["denominator"]
        proven = False
        if not edition.change and value is not None:
            if edition.kind in ("count", "sum") or (edition.kind == "level" and edition.take == "highest"):
                proven = high
            elif edition.kind == "share":
                proven = beyond and (
                    (least is not None and least >= 1 and above < below)
                    or (most is not None and most <= 0 and above > 0)
                )
        if exempt or case < 0:
            state = "not-applicable"
        elif expected and not reported:
            state = "no-data" if over else "pending"
        elif value is None:
            state = "pending" if row["left_out"] else "not-applicable"
        elif not over and (proven or (edition.kind == "interval" and beyond)):
            state = "breached"
        elif not over:
            state = "at-risk" if self.behind(rule, edition, period, value, least) else "pending"
        elif expected is not None and reported < rule.min_coverage * expected and not proven:
            state = "no-data"
        elif beyond:
            state = "breached"
        elif doubtful or (
            rule.warn is not None
            and ((least is not None and value < rule.warn) or (most is not None and value > rule.warn))
        ):
            state = "at-risk"
        else:
            state = "met"
        yield {
            "rule": rule.id, "unit": unit, "period": name, "state": state, "value": value, "numerator": above,
            "denominator": below, "expected": expected, "reported": reported, "left_out": row["left_out"],
            "edition": first, "advisory": rule.advisory,
        }  # fmt: skip

    def behind(self, rule: Rule, edition: Edition, period: Period, value: float, least: float | None) -> bool:
        if rule.judge == "each-period" or least is None:
            return False
        passed = (self.now - datetime.combine(period.first, time())).total_seconds() / 86_400
        length = (period.last - period.first).days + 1
        pace = min(1.0, passed / length) if edition.kind in ("count", "sum") else 1.0
        return value < least * pace


def _row(period: Period, above: Any, below: Any, scale: float) -> Row:
    """A value formed once from what it is made of."""
    n = None if above is None else float(above)
    d = None if below is None else float(below)
    value = None if n is None or d == 0 else n * scale if d is None else n / d * scale
    return {"period": period, "numerator": n, "denominator": d, "value": value, "expected": None, "reported": None,
            "left_out": 0, "low": None, "high": None}  # fmt: skip


def _sum(values: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(v)).quantize(_CENT) for v in values if v is not None), Decimal(0))


def _whole(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _moment(value: Any, kind: str) -> datetime:
    if kind == "month":
        return datetime.combine(date.fromisoformat(f"{value}-01"), time())
    return datetime(value, 1, 1) if kind == "year" else _whole(value)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """A day beside a moment is the moment it begins."""
    if isinstance(a, date) and isinstance(b, date) and isinstance(a, datetime) != isinstance(b, datetime):
        return _whole(a), _whole(b)
    return a, b


def _coded() -> set[str]:
    from clearway.core.places import all_places

    return {p.code for p in all_places()}


def _is_district(place: str) -> bool:
    from clearway.core.places import all_places

    return any(p.code == place and p.level == "county" and p.name.endswith("区") for p in all_places())


def _above(place: Any, level: str) -> str | None:
    """The city or province of a place."""
    if place is None:
        return None
    for code in places_above(place):
        if level == "province" and code.endswith("0000"):
            return code
        if level == "city" and code.endswith("00"):
            return None if code.endswith("0000") else code
    return None


def _earlier(day: date, change: str) -> date:
    if change in ("day", "week"):
        return day - timedelta(days=1 if change == "day" else 7)
    if change == "month":
        return (day.replace(day=1) - _DAY).replace(day=1)
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 2, 28)
