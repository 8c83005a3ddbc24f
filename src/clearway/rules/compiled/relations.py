"""Record types as relations with a column for every name that is used, built with Ibis.

In:     a source, whose records and registers the bench has given names
Out:    an Ibis table: the fields, register fields as of each record's time, _time and _day
Not:    related records (nearby.py), sums (parts.py), what is read (bench.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from clearway.records import RecordType
from clearway.rules.compiled.bench import Source
from clearway.rules.conditions import Related


def _said(name: str, kind: Any) -> Any:
    """A moment that the bench says when the query is run."""

    def moment() -> Any: ...

    return ibis.udf.scalar.builtin(moment, name=name, signature=((), kind))


first_day = _said("_first", dt.date)
last_day = _said("_last", dt.date)
now = _said("_now", dt.timestamp)


@dataclass(frozen=True)
class Prepared:
    """A type's relation: ``table`` the records of the days judged, ``around`` also those that may be related to them.

    ``key`` tells records apart; ``related`` names the columns of related records that were looked up.
    """

    table: Any
    around: Any
    key: tuple[str, ...]
    related: dict[Related, str] = field(default_factory=dict)


def prepare(tables: Any, source: Source) -> Prepared:
    """The records of the days judged, and those of the days around them; ``tables`` is the Ibis backend."""
    rtype = source.rtype
    table = tables.table(f"_{rtype.name}").select(*source.plain)
    table = table.mutate(_time=time_of(table, rtype))
    table = table.mutate(_day=table["_time"].date())
    table = _named(tables, table, rtype, source.dotted)
    days = (table["_day"] >= first_day()) & (table["_day"] <= last_day())
    return Prepared(table.filter(days), table, rtype.key)


def _named(tables: Any, table: Any, rtype: RecordType, dotted: Iterable[str]) -> Any:
    """With a column for each name that goes through a register."""
    for head, tails in by_head(dotted).items():
        if head in rtype.names:
            table = _through(tables, table, rtype, head, tails)
        elif head == "agreement":
            table = _agreement(tables, table, tails)
        else:
            table = surrounded(tables, table, head, tails, rtype.unit)
    return table


def by_head(dotted: Iterable[str]) -> dict[str, list[str]]:
    """``{"facility": ["kind", "place"]}`` of ``facility.kind`` and ``facility.place``."""
    heads: dict[str, list[str]] = {}
    for name in dotted:
        head, tail = name.split(".", 1)
        heads.setdefault(head, []).append(tail)
    return heads


def _through(tables: Any, table: Any, rtype: RecordType, head: str, tails: Sequence[str]) -> Any:
    if rtype[head].kind == "place":
        side = tables.table("_places")
        side = side.select(_key=side["code"], **{f"{head}.{t}": side[t] for t in tails})
        return _joined(table, side, [table[head] == side["_key"]])
    side = tables.table("_units")
    side = side.select(
        _key=side["id"], _since=side["since"], _until=side["until"], **{f"{head}.{t}": side[t] for t in tails}
    )
    return _joined(table, side, [table[head] == side["_key"], *_during(table, side)])


def _agreement(tables: Any, table: Any, tails: Sequence[str]) -> Any:
    side = tables.table("_agreement")
    side = side.select(
        _key=side["client"], _at=side["facility"], _since=side["since"], _until=side["until"],
        **{f"agreement.{t}": side[t] for t in tails},
    )  # fmt: skip
    on = [table["agreement_client"] == side["_key"], table["facility"] == side["_at"], *_during(table, side)]
    return _joined(table, side, on)


def surrounded(tables: Any, table: Any, head: str, tails: Sequence[str], unit: str | None) -> Any:
    """With what holds around a unit: season, zone, weather, calendar, headcount."""
    if head == "season":
        for tail in tails:
            side = tables.table(f"_season_{tail}")
            name = f"season.{tail}"
            side = side.select(_key=side["key"], _since=side["since"], _until=side["until"], **{name: side["value"]})
            table = _joined(table, side, [table[unit] == side["_key"], *_during(table, side)])
            table = table.mutate(**{name: table[name].fill_null(False)})
        return table
    side = tables.table(f"_{head}")
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
