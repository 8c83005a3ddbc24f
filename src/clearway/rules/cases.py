"""Cases of rules as records: what stands in a pack becomes rows of record types, for tests and for worlds.

In:     a case, its rule and measure, names for its units, items and place, its day
Out:    rows by record type; the unit and period whose finding is told
Not:    keeping records (records), judging

    U V W        units of the case; U is the one judged, of the rule's kind at place P, registered for years
    O            the operator of the units
    P            a place of its own, below the rule's place
    C            an organisation client
    I I1 I2 …    items
    D D+1 D-3    the day of the case, the next, three before; "D 10:00" a moment
    _times: 3    the row three times (with names of their own)
    _days: 3     the row on three days, from its time on
    _days: 3     the row on three days, from its time on

Fields that are left out: units are U, operators O, places P, times noon of D, names and items new ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from clearway.records import RecordType
from clearway.rules.declared import Measure, Rule, RuleCase
from clearway.rules.periods import period_of

_WHEN = re.compile(r"D(?P<days>[+-]\d+)?(?: (?P<clock>\d{2}:\d{2}(?::\d{2})?))?")
_ITEM = re.compile(r"I\d*")
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Stage:
    """Names for one case: what U, V, W, O, P and C stand for, and the day."""

    name: str
    day: date
    place: str
    units: dict[str, str] = field(default_factory=dict)
    client: str = ""
    registered: bool = False

    def unit(self, letter: str) -> str:
        """A unit by its letter."""
        return self.units.get(letter, f"{self.name}-{letter}")


def kind_for(rule: Rule, measure: Measure) -> str:
    """A kind of unit that the rule holds for."""
    if rule.scope.kinds:
        return rule.scope.kinds[0]
    expected = measure.editions[-1].expected
    if expected is not None and expected.kinds:
        return expected.kinds[0]
    return "operator" if measure.editions[-1].unit_field == "operator" else "sorting-centre"


def build(
    case: RuleCase, rule: Rule, measure: Measure, types: Mapping[str, RecordType], stage: Stage
) -> tuple[Rows, str, str]:
    """The rows of a case, and the unit and period judged."""
    rows: Rows = {}
    for name, given in case.records.items():
        rtype = types[name]
        for n, raw in enumerate(given):
            raw = dict(raw)
            times, days = int(raw.pop("_times", 1)), int(raw.pop("_days", 1))
            for again in range(times * days):
                made = {f: _value(v, f, rtype, stage) for f, v in raw.items()}
                row = _filled(made, rtype, stage, f"{n}-{again}")
                row[rtype.time] = _later(row[rtype.time], again // times)
                rows.setdefault(name, []).append(row)
    if not stage.registered:
        _register(rows, rule, measure, stage, case.unit)
    unit = _value(case.unit, "", None, stage)
    edition = measure.editions[-1]
    for candidate in measure.editions:
        if candidate.first <= stage.day <= candidate.last:
            edition = candidate
    kind = edition.period
    period = case.period or (edition.season if kind == "season" else period_of(kind, stage.day).name)
    if period.startswith("D"):
        period = moment_of(period, stage).date().isoformat()
    return rows, unit, period


def _register(rows: Rows, rule: Rule, measure: Measure, stage: Stage, judged: str) -> None:
    """Units that the case names and does not register itself."""
    mine = rows.setdefault("unit", [])
    there = {r["id"] for r in mine}
    long_ago, operator = stage.day - timedelta(days=900), stage.unit("O")
    kind = kind_for(rule, measure)
    wanted: list[tuple[str, str, str | None]] = [("O", "operator", None)]
    for letter in "UVW":
        if letter == judged or any(stage.unit(letter) in r.values() for part in rows.values() for r in part):
            wanted.append((letter, kind, operator))
    for letter, what, owner in wanted:
        name = stage.unit(letter)
        if name not in there:
            mine.append({"id": name, "kind": what, "operator": owner, "place": stage.place, "from": long_ago})


def moment_of(text: str, stage: Stage) -> datetime:
    """A moment such as ``D+1 10:00``; raises ``ValueError``."""
    found = _WHEN.fullmatch(text)
    if not found:
        raise ValueError(text)
    day = stage.day + timedelta(days=int(found["days"] or 0))
    return datetime.combine(day, time.fromisoformat(found["clock"]) if found["clock"] else time(12))


def _later(moment: Any, days: int) -> Any:
    return moment + timedelta(days=days) if days else moment


def _value(value: Any, name: str, rtype: RecordType | None, stage: Stage) -> Any:
    """What a value of a case stands for."""
    if not isinstance(value, str):
        return value
    if value in ("U", "V", "W", "O"):
        return stage.unit(value)
    if value == "P":
        return stage.place
    if value == "C":
        return stage.client
    if _ITEM.fullmatch(value):
        return f"{stage.name}-{value}"
    if _WHEN.fullmatch(value) and rtype is not None:
        moment = moment_of(value, stage)
        kind = rtype[name].kind
        return {"date": moment.date(), "month": f"{moment:%Y-%m}", "year": moment.year}.get(kind, moment)
    return value


def _filled(row: dict[str, Any], rtype: RecordType, stage: Stage, number: str) -> dict[str, Any]:
    """With what is left out and needed."""
    for one in rtype.fields:
        if one.name in row or not (one.required or one.key):
            continue
        if one.kind == "unit":
            row[one.name] = stage.unit("O" if one.name == "operator" else "U")
        elif one.kind in ("place", "place or unit"):
            row[one.name] = stage.place
        elif one.kind in ("timestamp", "date", "month", "year"):
            row[one.name] = _value("D", one.name, rtype, stage)
        elif one.kind == "USCC":
            row[one.name] = stage.client
        elif one.choices:
            row[one.name] = one.choices[0]
        elif one.kind in ("text", "one of"):
            row[one.name] = f"{stage.name}-{rtype.name}-{number}"
    return row
