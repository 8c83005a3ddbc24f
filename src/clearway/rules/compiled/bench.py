"""Record types prepared for their measures: one relation each, with a column for every name that is used.

In:     a lake, the conditions of all measures of a type
Out:    an Ibis table: the fields, register fields as of each record's time, related records, _time and _day
Not:    sums over it (sums.py), kinds that need single records (kinds.py)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import polars as pl

from clearway.records import Lake, RecordType
from clearway.rules.compiled.terms import Ranks, related_column
from clearway.rules.conditions import Condition, Related, fields_in, related_in
from clearway.rules.declared import LOOK_BACK
from clearway.rules.surroundings import Surroundings
from clearway.scale import RecordEngine


@dataclass(frozen=True)
class Prepared:
    """A type's relation, and the columns of its related records."""

    table: Any
    related: dict[Related, str]


class Bench:
    """One engine for one evaluation."""

    def __init__(self, lake: Lake, around: Surroundings, ranks: Ranks, origin: str | None) -> None:
        self.lake, self.around, self.ranks, self.origin = lake, around, ranks, origin
        self.engine = RecordEngine(memory="1500MB")
        self._frames: dict[str, Any] = {}

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
        *,
        windows: bool = True,
    ) -> Prepared:
        """The records of some days, with a column for each related record that is looked for.

        Without ``windows`` there are no such columns, but the records of the days around, as far as they may lie.
        """
        conditions = [c for c in conditions if c is not None]
        related = list(dict.fromkeys(r for c in conditions for r in related_in(c)))
        back, ahead = _reach(related)
        table = self.lake.table(
            rtype.name, first - back, last + ahead, origin=self.origin, engine=self.engine, name=f"{rtype.name}_{first}"
        )
        used = set(names) | {f.name for c in conditions for f in fields_in(c)} | {rtype.time}
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
        columns: dict[Related, str] = {}
        if related and windows:
            columns = {r: f"_r{i}" for i, r in enumerate(related)}
            table = table.mutate(**{columns[r]: self._related(r, table) for r in related})
            table = table.filter((table["_day"] >= first) & (table["_day"] <= last))
        return Prepared(table, columns)

    def _related(self, one: Related, table: Any) -> Any:
        keys = [table[one.subject], *(table[name] for name in one.same)]

        def window_of(first: timedelta | None, last: timedelta | None) -> Any:
            bounds = {"preceding": _bound(first), "following": _bound(last)}
            if last is not None and last < timedelta(0):
                bounds = {"preceding": (_bound(first), _bound(-last))}
            elif first is not None and first < timedelta(0):
                bounds = {"following": (_bound(-first), _bound(last))}
            return ibis.range_window(group_by=keys, order_by=table["_time"], **bounds)

        return related_column(one, table, self.ranks, window_of, {})

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
        span = LOOK_BACK if one.within is None else one.within
        if one.side in ("before", "around"):
            back = max(back, span)
        if one.side in ("after", "around"):
            ahead = max(ahead, span)
    day = timedelta(days=1)
    return -(-back // day) * day, -(-ahead // day) * day


def _bound(span: timedelta | None) -> Any:
    """A bound of a frame; beyond what is read there is nothing."""
    far = LOOK_BACK * 4 if span is None else span
    return ibis.interval(microseconds=far // timedelta(microseconds=1))
