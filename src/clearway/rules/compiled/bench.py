"""Record types prepared for their measures: one relation each, with a column for every name that is used.

In:     a lake, the conditions of all measures of a type
Out:    an Ibis table: the fields, register fields as of each record's time, _time and _day
Not:    related records (nearby.py), sums (sums.py), kinds that need single records (kinds.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

import ibis
import polars as pl

from clearway.records import Lake, RecordType
from clearway.rules.compiled.terms import Ranks
from clearway.rules.conditions import Condition, Related, fields_in, related_in
from clearway.rules.surroundings import Surroundings
from clearway.scale import RecordEngine


@dataclass(frozen=True)
class Prepared:
    """A type's relation: ``table`` the records of the days judged, ``around`` also those that may be related to them.

    ``key`` tells records apart; ``related`` names the columns of related records that were looked up.
    """

    table: Any
    around: Any
    key: tuple[str, ...]
    related: dict[Related, str] = field(default_factory=dict)


class Bench:
    """One engine for one evaluation."""

    def __init__(self, lake: Lake, around: Surroundings, ranks: Ranks, origin: str | None) -> None:
        self.lake, self.around, self.ranks, self.origin = lake, around, ranks, origin
        self.engine = RecordEngine(memory="1500MB")
        self._frames: dict[str, Any] = {}
        self._views = count()

    def frame(self, name: str, frame: pl.DataFrame) -> Any:
        """A small frame as a table of the engine, once for each name."""
        if name not in self._frames:
            self._frames[name] = self.engine.frame(name, frame)
        return self._frames[name]

    def prepare(
        self,
        rtype: RecordType,
        first: date,
        last: date,
        conditions: Iterable[Condition | None],
        names: Iterable[str],
    ) -> Prepared:
        """The records of some days, and of the days around them as far as related records may lie."""
        conditions = [c for c in conditions if c is not None]
        related = [r for c in conditions for r in related_in(c)]
        back, ahead = _reach(related)
        view = f"_{rtype.name}_{next(self._views)}"  # its own: an earlier expression may not have run yet
        table = self.lake.table(
            rtype.name, first - back, last + ahead, origin=self.origin, engine=self.engine, name=view
        )
        used = (
            set(names)
            | (set(rtype.key) if related else set())
            | {f.name for c in conditions for f in fields_in(c)}
            | {rtype.time}
        )
        if rtype.unit:
            used.add(rtype.unit)
        heads = {n.split(".", 1)[0] for n in used}
        if "agreement" in heads:
            heads |= {"agreement_client", "facility"}
        own = [n for n in rtype.names if n in heads]
        table = table.select(*own, *(n for n in ("_batch", "_row") if n in used))
        table = table.mutate(_time=time_of(table, rtype))
        table = table.mutate(_day=table["_time"].date())
        table = self._named(table, rtype, sorted(n for n in used if "." in n))
        days = (table["_day"] >= first) & (table["_day"] <= last)
        return Prepared(table.filter(days), table, rtype.key)

    # ------------------------------------------------------------ register fields

    def _named(self, table: Any, rtype: RecordType, dotted: list[str]) -> Any:
        """With a column for each name that goes through a register."""
        heads: dict[str, list[str]] = {}
        for name in dotted:
            head, tail = name.split(".", 1)
            heads.setdefault(head, []).append(tail)
        for head, tails in heads.items():
            if head in rtype.names:
                table = self._through(table, rtype, head, tails)
            elif head == "agreement":
                table = self._agreement(table, tails)
            else:
                table = self.surrounded(table, head, tails, rtype.unit)
        return table

    def _through(self, table: Any, rtype: RecordType, head: str, tails: list[str]) -> Any:
        if rtype[head].kind == "place":
            side = self.frame("_places", self.around.places)
            side = side.select(_key=side["code"], **{f"{head}.{t}": side[t] for t in tails})
            return _joined(table, side, [table[head] == side["_key"]])
        side = self.frame("_units", self.around.units)
        side = side.select(
            _key=side["id"], _since=side["since"], _until=side["until"], **{f"{head}.{t}": side[t] for t in tails}
        )
        return _joined(table, side, [table[head] == side["_key"], *_during(table, side)])

    def _agreement(self, table: Any, tails: list[str]) -> Any:
        side = self.frame("_agreements", self.around.agreement)
        side = side.select(
            _key=side["client"], _at=side["facility"], _since=side["since"], _until=side["until"],
            **{f"agreement.{t}": side[t] for t in tails},
        )  # fmt: skip
        on = [table["agreement_client"] == side["_key"], table["facility"] == side["_at"], *_during(table, side)]
        return _joined(table, side, on)

    def surrounded(self, table: Any, head: str, tails: list[str], unit: str | None) -> Any:
        """With what holds around a unit: season, zone, weather, calendar, headcount."""
        if head == "season":
            for tail in tails:
                side = self.frame(f"_season_{tail.replace('-', '_')}", self.around.season(tail))
                name = f"season.{tail}"
                side = side.select(
                    _key=side["key"], _since=side["since"], _until=side["until"], **{name: side["value"]}
                )
                table = _joined(table, side, [table[unit] == side["_key"], *_during(table, side)])
                table = table.mutate(**{name: table[name].fill_null(False)})
            return table
        side = self.frame(f"_{head}", getattr(self.around, head))
        columns = {f"{head}.{t}": side[t] for t in tails}
        side = side.select(_key=side["key"], _since=side["since"], _until=side["until"], **columns)
        table = _joined(table, side, [table[unit] == side["_key"], *_during(table, side)])
        if head == "calendar":
            usual = table["_time"].day_of_week.index() < 5
            table = table.mutate(**{"calendar.workday": table["calendar.workday"].fill_null(usual)})
        return table


def time_of(table: Any, rtype: RecordType) -> Any:
    """The time of record as a moment: days at midnight, months and years on their first day."""
    column, kind = table[rtype.time], rtype[rtype.time].kind
    if kind == "month":
        return (column + "-01").cast("date").cast("timestamp")
    if kind == "year":
        return ibis.date(column, 1, 1).cast("timestamp")
    return column.cast("timestamp")


def _joined(table: Any, side: Any, on: list[Any]) -> Any:
    extra = [c for c in side.columns if not c.startswith("_")]
    joined = table.left_join(side, on)
    return joined.select(*(table[c] for c in table.columns), *(side[c] for c in extra))


def _during(table: Any, side: Any) -> list[Any]:
    return [table["_time"] >= side["_since"], table["_time"] < side["_until"]]


def _reach(related: list[Related]) -> tuple[timedelta, timedelta]:
    """How far before and after the days judged records are read, in whole days."""
    back = ahead = timedelta(0)
    for one in related:
        if one.side in ("before", "around"):
            back = max(back, one.within)
        if one.side in ("after", "around"):
            ahead = max(ahead, one.within)
    day = timedelta(days=1)
    return -(-back // day) * day, -(-ahead // day) * day
