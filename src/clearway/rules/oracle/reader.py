"""Records and registers, and what expressions and conditions say of one record.

In:     a lake
Out:    Reader: rows, attributes of units, truth of conditions
Not:    figures (measurer.py)
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from clearway.records import Lake, RecordType, places_above
from clearway.rules import expressions as ex
from clearway.rules.conditions import Condition, Needs, Neither, Related, Span, Where
from clearway.rules.declared import Packs
from clearway.rules.figures import Window
from clearway.rules.oracle.small import (
    DAY,
    TEST,
    Row,
    alike,
    as_moment,
    coded_places,
    is_district,
    moment_of,
    place_above,
)  # fmt: skip
from clearway.rules.resolving import PLACE_ATTRIBUTES, Names


class Reader:
    """What is known, one record at a time."""

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
                row["_time"] = moment_of(row[rtype.time], rtype[rtype.time].kind)
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
        ended = row["to"] is not None and at >= datetime.combine(row["to"] + DAY, time())
        return None if ended else row

    def attribute(self, unit: Any, name: str, at: datetime) -> Any:
        """A field of a unit's row, or of its place."""
        row = self.unit_row(unit, at)
        if row is None:
            return None
        if name in PLACE_ATTRIBUTES:
            return place_above(row["place"], name)
        if name == "district":
            return None if row["place"] is None else is_district(row["place"])
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
                        return None if held is None or held not in coded_places() else place_above(held, tail)
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
                return bool(TEST[sign](*alike(a, b)))
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
                lasted = as_moment(row[end]) - as_moment(row[start])
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
        here, found = row["_time"], 0
        for other in near:
            gap = other["_time"] - here
            if one.side == "before" and not -one.within <= gap <= timedelta(0):
                continue
            if one.side == "after" and not timedelta(0) <= gap <= one.within:
                continue
            if abs(gap) > one.within or not self.holds(one.where, other, rtype):
                continue
            low, high = sorted((here, other["_time"]))
            barred = one.between is not None and any(
                low < r["_time"] < high and self.holds(one.between, r, rtype) for r in near
            )
            found += not barred
        return found >= one.count
