"""Registers: dated rows, joined as of a record's time; places through the places above them.

In:     a lake's registers
Out:    register rows in force on a day; records with the register row of their time; overlaps and gaps
Not:    measures over them (rules)
Words:  in force = from ``from`` to ``to``, both days included; moments: until ``to``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import polars as pl

from clearway.core.errors import Faults
from clearway.core.places import all_places
from clearway.records.declared import RecordType

if TYPE_CHECKING:
    from clearway.records.door import Lake

ROOT = "CN"


@cache
def _parents() -> dict[str, str]:
    return {p.code: p.parent for p in all_places()}


@lru_cache(maxsize=1 << 14)
def places_above(place: str) -> tuple[str, ...]:
    """A place and all that hold it, the country last.

    >>> places_above("330106")
    ('330106', '330100', '330000', 'CN')
    """
    chain, parents = [place], _parents()
    while chain[-1] in parents and parents[chain[-1]] not in ("", chain[-1], "100000"):
        chain.append(parents[chain[-1]])
    if chain[-1] == place and place.isdigit() and len(place) == 6 and place not in parents:
        # a code of an earlier year: by its digits
        chain += [c for c in (place[:4] + "00", place[:2] + "0000") if c != place]
    return (*chain, ROOT) if place != ROOT else (ROOT,)


def lies_in(place: str, wanted: Iterable[str]) -> bool:
    """Whether a place is one of some, or below one of them.

    >>> lies_in("330106", ["330000"]), lies_in("330106", ["330200"])
    (True, False)
    """
    return not set(places_above(place)).isdisjoint(wanted)


def subjects(rtype: RecordType) -> list[str]:
    """The fields that say whose row a register row is."""
    return [name for name in rtype.key if name != rtype.time]


def in_force(rows: pl.DataFrame, rtype: RecordType, day: date) -> pl.DataFrame:
    """Register rows in force on a day; of several of one subject the one that began last."""
    began = rows[rtype.time].dt.date() if rtype[rtype.time].kind == "timestamp" else rows[rtype.time]
    keep = (began <= day).fill_null(False)
    if "to" in rtype.names:
        ends = rows["to"].dt.date() if rtype["to"].kind == "timestamp" else rows["to"]
        keep = keep & (ends.is_null() | (ends >= day))
    return rows.filter(keep).sort(rtype.time).unique(subjects(rtype), keep="last", maintain_order=True)


def as_of_join(
    records: pl.DataFrame, time: str, on: str, register: pl.DataFrame, rtype: RecordType, subject: str
) -> pl.DataFrame:
    """Records with the register row that was in force at each one's time.

    Parameters
    ----------
    records
        With a column ``time`` (date or moment) and a column ``on`` that names the subject.
    register
        Rows of the register of ``rtype``, whose field ``subject`` is matched.

    Returns
    -------
    pl.DataFrame
        The records in their order, with the register's other fields prefixed by the register's name and a dot;
        null where no row was in force.
    """
    fields = [n for n in rtype.names if n != subject]
    side = register.select([subject, *fields]).rename({n: f"{rtype.name}.{n}" for n in fields})
    began = f"{rtype.name}.{rtype.time}"
    side = side.with_columns(pl.col(began).cast(pl.Datetime("us")).alias("_began")).sort("_began")
    left = records.with_row_index("_at").with_columns(pl.col(time).cast(pl.Datetime("us")).alias("_time")).sort("_time")
    joined = left.join_asof(
        side,
        left_on="_time",
        right_on="_began",
        by_left=on,
        by_right=subject,
        strategy="backward",
        check_sortedness=False,
    )
    ends = f"{rtype.name}.to"
    if ends in joined.columns:
        last = pl.col(ends).cast(pl.Datetime("us"))
        if rtype["to"].kind == "date":
            last = last + pl.duration(days=1)
        over = last.is_not_null() & (pl.col("_time") >= last)
        joined = joined.with_columns(
            pl.when(~over).then(pl.col(f"{rtype.name}.{n}")).alias(f"{rtype.name}.{n}") for n in fields
        )
    return joined.sort("_at").drop("_at", "_time", "_began", strict=False)


def register_faults(lake: Lake) -> Faults:
    """Overlaps and gaps of every register that has intervals; overlaps are faults, gaps warnings."""
    faults = Faults()
    for rtype in lake.types.values():
        if rtype.family == "register" and "to" in rtype.names and rtype.name != "season":
            for row, following, overlap in _neighbours(lake.read(rtype.name), rtype):
                subject = ", ".join(str(row[s]) for s in subjects(rtype))
                if overlap:
                    faults.add(
                        "register_overlap", rtype.name, None, rtype.time, subject, other=str(following[rtype.time])
                    )
                else:
                    faults.warn("register_gap", rtype.name, None, "to", subject, until=str(following[rtype.time]))
    return faults


def _neighbours(rows: pl.DataFrame, rtype: RecordType) -> Iterator[tuple[dict[str, object], dict[str, object], bool]]:
    """Pairs of rows of one subject that follow each other and overlap, or leave a gap."""
    step = timedelta(days=1) if rtype["to"].kind == "date" else timedelta(0)
    names = subjects(rtype)
    before: dict[str, object] | None = None
    for row in rows.sort([*names, rtype.time]).iter_rows(named=True):
        if before is not None and all(before[n] == row[n] for n in names):
            end, start = before["to"], row[rtype.time]
            assert isinstance(start, date | datetime)
            if end is None or (isinstance(end, date | datetime) and start < end + step):
                yield before, row, True
            elif isinstance(end, date | datetime) and start > end + step:
                yield before, row, False
        before = row


def season_at(seasons: pl.DataFrame, name: str, place: str, day: date) -> bool:
    """Whether a season of a name holds for a place, or one that holds it, on a day."""
    hit = seasons.filter(
        (pl.col("name") == name)
        & (pl.col("from") <= day)
        & (pl.col("to") >= day)
        & pl.col("place").is_in(list(places_above(place)))
    )
    return len(hit) > 0
