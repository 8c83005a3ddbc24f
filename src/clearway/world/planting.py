"""Cases of rules planted in a world: on units of their own, on days of the window, in several ways.

In:     packs, a window, a seed
Out:    plants: rows by type, what comes later, the finding they must give
Not:    the usual records around them (usual.py)

Every case of a rule that is breached or met is planted again and again until there are enough: plain, sent twice,
corrected (first with less in it), received later, on the first day of an edition, on a Sunday. Units that report are
also planted silent, and with a nil return.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from clearway.core.places import all_places
from clearway.records import RecordType, code_stood, lies_in, record_types
from clearway.rules import Edition, Packs, Period, Rows, Rule, RuleCase, Stage, build, client_code, period_of
from clearway.world.network import OPERATORS

_DAY = timedelta(days=1)
WAYS = ("plain", "twice", "corrected", "late", "edition-day", "sunday")


@dataclass
class Plant:
    """One case in the world: its rows, those that come later, and the finding asked for."""

    rule: str
    unit: str
    period: str
    state: str
    kind: str
    way: str
    title: str
    rows: Rows
    later: Rows = field(default_factory=dict)
    also: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    day: date = date(2022, 11, 16)


def plants(packs: Packs, first: date, last: date, seed: int, each: int = 20) -> Iterator[Plant]:
    """At least ``each`` violations and near misses of every rule whose periods fit into the window."""
    planter = _Planter(packs, first, last, seed, each)
    for rule in packs.rules.values():
        yield from planter.of_rule(rule)


class _Planter:
    def __init__(self, packs: Packs, first: date, last: date, seed: int, each: int) -> None:
        self.packs, self.first, self.last, self.each = packs, first, last, each
        self.rng = np.random.default_rng(seed + 1)
        self.types = record_types()
        self.number = 0
        years = (first.year - 1, first.year, last.year)
        self.counties = [
            p.code for p in all_places() if p.level == "county" and all(code_stood(p.code, y) for y in years)
        ]
        self._counties: dict[tuple[str, ...], list[str]] = {}
        self.own_place = {c: 0 for c in self.counties}

    def of_rule(self, rule: Rule) -> Iterator[Plant]:
        edition = self.packs.measures[rule.measure].editions[-1]
        if edition.unit_field == "CN" or "province" in edition.unit_field:
            return  # one figure for all: a plant would change every other
        groups = {
            "violation": [c for c in rule.cases if c.state == "breached" and not c.at],
            "near-miss": [c for c in rule.cases if c.state in ("met", "at-risk") and not c.at],
        }
        for kind, cases in groups.items():
            if not cases:
                continue
            for n in range(self.each):
                case, way = cases[n % len(cases)], WAYS[(n // len(cases)) % len(WAYS)]
                plant = self.plant(rule, case, kind, way)
                if plant is not None:
                    yield plant
        yield from self._reports(rule, edition)

    def plant(self, rule: Rule, case: RuleCase, kind: str, way: str) -> Plant | None:
        """A case on a day of the window; ``None`` where none fits."""
        day = self._day(rule, case, way)
        if day is None:
            return None
        measure = self.packs.measures[rule.measure]
        stage = self._stage(rule, case, day)
        rows, unit, period = build(case, rule, measure, self.types, stage)
        self._short_lived(rows, measure.edition_on(day) or measure.editions[-1], day)
        self._as_usual(rows, rule)
        plant = Plant(rule.id, unit, period, case.state, kind, way, case.title, rows, also=case.also, day=day)
        return self._in_its_way(plant)

    def _reports(self, rule: Rule, edition: Edition) -> Iterator[Plant]:
        """Units that are silent, and units that report nothing to report."""
        if edition.expected is None or not edition.expected.kinds or edition.window:
            return
        if edition.expected.where is not None or rule.scope.where is not None:
            return
        if edition.of == "daily_volume":
            return  # not to report it is a breach of a rule of its own
        grows = edition.kind in ("count", "sum", "coverage", "time")
        for way in ("silent", "nil"):
            if way == "nil" and grows:
                continue  # nothing is then a figure, and may be a breach: cases say which
            title, state = (way, "no-data") if way == "silent" else (way, "not-applicable")
            for _ in range(3):
                case = RuleCase(title, date(2022, 11, 16), {}, state, "U", "", "", {}, 0)
                day = self._day(rule, case, "plain")
                if day is None:
                    continue
                stage = self._stage(rule, case, day)
                rows, unit, period = build(case, rule, self.packs.measures[rule.measure], self.types, stage)
                if way == "nil":
                    rows["nil_return"] = [{"type": edition.of, "unit": unit, "day": day}]
                self._short_lived(rows, edition, day)
                yield Plant(rule.id, unit, period, state, "report", way, title, rows, silent=(edition.of,))

    # ------------------------------------------------------------ where and when

    def _day(self, rule: Rule, case: RuleCase, way: str) -> date | None:
        """A day whose period lies in the window, under a value, as far into its period as the case's own day."""
        measure = self.packs.measures[rule.measure]
        edition = measure.edition_on(case.day) or measure.editions[-1]
        if edition.period == "season" or case.period:
            return None
        own = period_of(edition.period, case.day)
        offset = (case.day - own.first).days
        weekly = edition.clock is not None and edition.clock.calendar == "working-days"
        fitting = []
        for n in range((self.last - self.first).days + 1):
            day = self.first + n * _DAY
            period = period_of(edition.period, day)
            begin = period.first - max(0, edition.window - 1) * _DAY
            if begin < self.first or period.last > self.last or measure.edition_on(period.first) is not edition:
                continue
            if (day - period.first).days != offset or (weekly and day.weekday() != case.day.weekday()):
                continue
            if self._value_holds(rule, case, period):
                fitting.append(day)
        if not fitting:
            return None
        starts = {x.first for x in rule.limits}
        if way == "edition-day" and starts & set(fitting):
            return min(starts & set(fitting))
        sundays = [d for d in fitting if d.weekday() == 6]
        if way == "sunday" and sundays:
            fitting = sundays
        return fitting[int(self.rng.integers(len(fitting)))]

    @staticmethod
    def _value_holds(rule: Rule, case: RuleCase, period: Period) -> bool:
        """Whether the value in force is the one that the case was written for."""
        here, there = rule.limit_on(period.first), rule.limit_on(case.day)
        if here is None or rule.limit_on(period.last) is not here:
            return False
        return there is not None and here.cases == there.cases

    def _stage(self, rule: Rule, case: RuleCase, day: date) -> Stage:
        self.number += 1
        name = f"{rule.id}.{self.number}"
        place = self._place(rule, case)
        own = _names_operator(case)
        units = {} if own else {"O": OPERATORS[self.number % len(OPERATORS)]}
        return Stage(name, day, place, units, client_code(100_000 + self.number))

    def _place(self, rule: Rule, case: RuleCase) -> str:
        """A place below the rule's: of its own where registers or the unit judged are told by place."""
        inside = self._inside(rule)
        least = min(self.own_place[c] for c in inside)
        choice = [c for c in inside if self.own_place[c] == least]
        chosen = choice[int(self.rng.integers(len(choice)))]
        by_place = case.unit == "P" or any(n in case.records for n in ("season", "calendar", "weather", "zone"))
        if by_place:
            self.own_place[chosen] += 1
        return chosen

    def _inside(self, rule: Rule) -> list[str]:
        """Counties below the rule's places; else those without a rule of their own over the same records."""
        of = self.packs.measures[rule.measure].editions[-1].of
        key = rule.scope.places or (of,)
        if key not in self._counties:
            if rule.scope.places:
                found = [c for c in self.counties if lies_in(c, rule.scope.places)]
            else:
                same = [r for r in self.packs.rules.values() if self.packs.measures[r.measure].editions[-1].of == of]
                theirs = {place for r in same for place in r.scope.places}
                found = [c for c in self.counties if not lies_in(c, theirs)]
            self._counties[key] = found
        return self._counties[key]

    def _short_lived(self, rows: Rows, edition: Edition, day: date) -> None:
        """Units of a plant are there for its period only, so that no other period judges them."""
        period = period_of(edition.period, day)
        begin = period.first - max(0, edition.window - 1) * _DAY
        kept = []
        for row in rows.get("unit", []):
            if row["id"] in OPERATORS:
                continue
            if edition.of == "unit" and edition.kind == "duration":
                row["to"] = row["from"] + 2 * _DAY
            else:
                row["from"], row["to"] = begin, period.last
            kept.append(row)
        rows["unit"] = kept

    def _as_usual(self, rows: Rows, rule: Rule) -> None:
        """What a case leaves out, as it must be by other rules."""
        for row in rows.get("scan", []):
            if row.get("step") == "accepted":
                row.setdefault("real_name", "yes")
                row.setdefault("inspected", "yes")
            if row.get("step") == "delivered":
                row.setdefault("handed_to", "person")
        if "time-limits" not in rule.topics and rule.id != "sec-prohibited-intercept":
            rows.setdefault("scan", []).extend(_delivered(rows.get("scan", [])))
        if not rows.get("scan"):
            rows.pop("scan", None)
        if rule.id != "flow-indicators":
            for row in rows.get("daily_volume", []):
                for name in ("accepted", "delivered"):
                    row.setdefault(name, 100)

    # ------------------------------------------------------------ in which way

    def _in_its_way(self, plant: Plant) -> Plant:
        returns = {n: r for n, r in plant.rows.items() if self.types[n].family == "return"}
        if plant.way == "twice":
            plant.later = {n: [dict(r) for r in rows] for n, rows in plant.rows.items() if n != "unit"}
        elif plant.way == "late":
            plant.later = {n: rows for n, rows in plant.rows.items() if self.types[n].family != "register"}
            plant.rows = {n: r for n, r in plant.rows.items() if n not in plant.later}
        elif plant.way == "corrected" and returns:
            plant.later = {n: [dict(r) for r in rows] for n, rows in returns.items()}
            plant.rows = {**plant.rows, **{n: [_less(r, self.types[n]) for r in rows] for n, rows in returns.items()}}
        elif plant.way in ("corrected", "edition-day", "sunday"):
            plant.way = plant.way if plant.way != "corrected" else "plain"
        return plant


def _delivered(scans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The delivery of items that are accepted and of which nothing more is told."""
    done = {r["item_id"] for r in scans if r["step"] in ("delivered", "departed", "returned")}
    return [
        {"event_id": f"{r['event_id']}-end", "item_id": r["item_id"], "step": "delivered", "facility": r["facility"],
         "time": r["time"] + timedelta(hours=30), "handed_to": "person"}
        for r in scans
        if r["step"] == "accepted" and r["item_id"] not in done
    ]  # fmt: skip


def _names_operator(case: RuleCase) -> bool:
    return case.unit == "O" or any("O" in r.values() for rows in case.records.values() for r in rows)


def _less(row: dict[str, Any], rtype: RecordType) -> dict[str, Any]:
    """A first version of a return, without what it need not have."""
    return {n: v for n, v in row.items() if rtype[n].key or rtype[n].required}
