"""Who was to report, and who did: received, late, nil, silent.

In:     registers (units, seasons), what is expected of which kind of unit (expected.csv), records
Out:    a state for each unit, type and period; sums; unknown units
Not:    whether what was reported is good (rules)
Words:  nil = reported that there was nothing (零报告); silent = nothing came and the time is over;
        pending = not due yet; late = first came after it was due; period = a day, an ISO week, a month

Which returns are expected of whom is a setting, not a rule of any authority: ``expected.csv`` in a lake's folder
takes the place of the one that comes with the package.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.records.declared import RecordType, record_types
from clearway.records.registers import in_force, season_at

if TYPE_CHECKING:
    from clearway.records.door import Lake

STATES = ("received", "late", "nil", "silent", "pending")
EVERY = ("day", "week", "month")


@dataclass(frozen=True)
class Expectation:
    """What is expected of units of some kinds; ``season`` says only while one of that name holds."""

    type: str
    kinds: tuple[str, ...]
    every: str
    due_hours: float
    season: str


@dataclass(frozen=True)
class Completeness:
    """States by unit, type and period.

    ``states`` has columns unit, name, kind, place, type, period, state, received (first, local time);
    ``unknown`` units that reported and are in no register: unit, type, records.
    """

    first: date
    last: date
    at: datetime
    states: pl.DataFrame
    unknown: pl.DataFrame
    records: dict[str, int]
    registers: Faults

    def by_unit(self) -> pl.DataFrame:
        """Numbers of periods by unit and type: expected, received, late, nil, silent, pending."""
        return _counted(self.states, ["unit", "name", "kind", "place", "type"])

    def by_type(self) -> pl.DataFrame:
        """The same by type."""
        return _counted(self.states, ["type"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "at": self.at.isoformat(timespec="seconds"),
            "records": self.records,
            "types": self.by_type().to_dicts(),
            "units": self.by_unit().to_dicts(),
            "unknown_units": self.unknown.to_dicts(),
            "register_faults": [f.to_dict() for f in self.registers.faults],
            "register_warnings": [f.to_dict() for f in self.registers.warnings],
        }


def _counted(states: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return (
        states.group_by(by)
        .agg(pl.len().alias("expected"), *((pl.col("state") == s).sum().alias(s) for s in STATES))
        .sort([by[-1], *by[:-1]])
    )


def expectations(lake: Lake | None = None) -> list[Expectation]:
    """What is expected in a lake, or where none says otherwise.

    Raises
    ------
    InputError
        With what is wrong in the lake's ``expected.csv``.
    """
    own = lake.folder / "expected.csv" if lake is not None else Path("expected.csv")
    text = own.read_text(encoding="utf-8-sig") if lake is not None and own.exists() else _standard()
    types = lake.types if lake is not None else record_types()
    faults, found = Faults(), []
    reader = csv.DictReader(io.StringIO(text))
    for column in ("type", "kinds", "every", "due_hours"):
        if column not in (reader.fieldnames or ()):
            faults.add("missing_column", own.name, 1, column)
    faults.require()
    for number, row in enumerate(reader, 2):
        if row["type"] not in types:
            faults.add("unknown_type", own.name, number, "type", row["type"], nearest=nearest(row["type"], types))
        if row["every"] not in EVERY:
            faults.add("unknown_kind", own.name, number, "every", row["every"], nearest=nearest(row["every"], EVERY))
        try:
            due = float(row["due_hours"])
        except ValueError:
            faults.add("not_number", own.name, number, "due_hours", row["due_hours"])
            continue
        found.append(Expectation(row["type"], tuple(row["kinds"].split()), row["every"], due, row.get("season") or ""))
    faults.require()
    return found


def _standard() -> str:
    return files("clearway.records").joinpath("expected.csv").read_text(encoding="utf-8")


def periods(every: str, first: date, last: date) -> Iterator[tuple[str, date, date]]:
    """Periods that begin in a stretch of days: name, first day, last day."""
    day = first
    while day <= last:
        if every == "day":
            yield day.isoformat(), day, day
            day += timedelta(days=1)
        elif every == "week":
            monday = day - timedelta(days=day.weekday())
            year, week, _ = day.isocalendar()
            yield f"{year}-W{week:02d}", monday, monday + timedelta(days=6)
            day = monday + timedelta(days=7)
        else:
            start = day.replace(day=1)
            following = (start + timedelta(days=32)).replace(day=1)
            yield f"{day:%Y-%m}", start, following - timedelta(days=1)
            day = following


def _period_of(day: pl.Expr, every: str) -> pl.Expr:
    return day.dt.strftime({"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}[every])


def completeness(lake: Lake, first: date, last: date, at: datetime) -> Completeness:
    """The states of a stretch of days as of a moment."""
    then = lake.as_of(at)
    # who was to report is judged by what the registers say now of that day, whenever they came
    register = lake.read("unit")
    seasons = lake.read("season")
    parts, unknown = [], []
    units_known = register["id"].unique()
    for wanted in expectations(lake):
        rtype = lake.types[wanted.type]
        frame = _expected(register, lake.types["unit"], seasons, wanted, first, last)
        came = _came(then, rtype, wanted, first, last)
        strange = came.filter(~pl.col("unit").is_in(units_known.to_list()))
        if len(strange):
            unknown.append(
                strange.group_by("unit").agg(records=pl.col("records").sum()).with_columns(type=pl.lit(rtype.name))
            )
        nil = _nil(then, rtype, wanted, first, last)
        parts.append(_states(frame, came, nil, wanted, at))
    schema: dict[str, Any] = {
        "unit": pl.String, "name": pl.String, "kind": pl.String, "place": pl.String, "type": pl.String,
        "period": pl.String, "state": pl.String, "received": pl.Datetime("us"),
    }  # fmt: skip
    states = (
        pl.concat([p.select(list(schema)).cast(pl.Schema(schema)) for p in parts])
        if parts
        else pl.DataFrame(schema=schema)
    )
    strangers = (
        pl.concat(unknown).select("unit", "type", "records").sort("type", "unit")
        if unknown
        else pl.DataFrame(schema={"unit": pl.String, "type": pl.String, "records": pl.UInt32})
    )
    from clearway.records.registers import register_faults

    counts = {kind: n for kind in lake.types if (n := _count(then, kind))}
    return Completeness(
        first, last, at, states.sort("type", "unit", "period"), strangers, counts, register_faults(then)
    )


def _count(lake: Lake, kind: str) -> int:
    paths = lake.files(kind)
    if not paths:
        return 0
    return int(pl.scan_parquet(paths, hive_partitioning=False).filter(lake.seen()).select(pl.len()).collect().item())


def _expected(
    register: pl.DataFrame, rtype: RecordType, seasons: pl.DataFrame, wanted: Expectation, first: date, last: date
) -> pl.DataFrame:
    rows = []
    for name, start, end in periods(wanted.every, first, last):
        there = in_force(register, rtype, min(end, max(start, first))).filter(pl.col("kind").is_in(list(wanted.kinds)))
        if wanted.season and len(there):
            held = {p: season_at(seasons, wanted.season, p, start) for p in there["place"].unique().to_list()}
            there = there.filter(pl.col("place").replace_strict(held, default=False, return_dtype=pl.Boolean))
        if len(there):
            due = datetime.combine(end, time()) + timedelta(days=1, hours=wanted.due_hours)
            rows.append(
                there.select(pl.col("id").alias("unit"), "name", "kind", "place").with_columns(
                    period=pl.lit(name), due=pl.lit(due, dtype=pl.Datetime("us"))
                )
            )
    schema: dict[str, Any] = {c: pl.String for c in ("unit", "name", "kind", "place", "period")}
    schema["due"] = pl.Datetime("us")
    return pl.concat(rows) if rows else pl.DataFrame(schema=schema)


def _came(lake: Lake, rtype: RecordType, wanted: Expectation, first: date, last: date) -> pl.DataFrame:
    """First receipt and number of records by unit and period, counted without reading more than three columns."""
    spans = list(periods(wanted.every, first, last))
    paths = lake.files(rtype.name, spans[0][1], spans[-1][2]) if spans else []
    schema: dict[str, Any] = {
        "unit": pl.String,
        "period": pl.String,
        "received": pl.Datetime("us"),
        "records": pl.UInt32,
    }
    if not paths or rtype.unit is None:
        return pl.DataFrame(schema=schema)
    kind = rtype[rtype.time].kind
    day = pl.col(rtype.time)
    day = (day + "-01").str.to_date("%Y-%m-%d") if kind == "month" else day.dt.date() if kind == "timestamp" else day
    # a late correction is no late report: the first version counts
    lazy = pl.scan_parquet(paths, hive_partitioning=False).filter(lake.known())
    return (
        lazy.select(
            pl.col(_reporter(rtype, wanted)).alias("unit"), _period_of(day, wanted.every).alias("period"), "_known"
        )
        .group_by("unit", "period")
        .agg(received=pl.col("_known").min(), records=pl.len())
        .collect()
        .cast(pl.Schema(schema))
    )


def _reporter(rtype: RecordType, wanted: Expectation) -> str:
    """The field that names who reports: a type's unit, or its operator where operators are asked."""
    if "operator" in wanted.kinds and "operator" in rtype.names:
        return "operator"
    return str(rtype.unit)


def _nil(lake: Lake, rtype: RecordType, wanted: Expectation, first: date, last: date) -> pl.DataFrame:
    spans = list(periods(wanted.every, first, last))
    rows = (
        lake.read("nil_return", spans[0][1], spans[-1][2], marks=True) if spans else lake.read("nil_return", marks=True)
    )
    return (
        rows.filter(pl.col("type") == rtype.name)
        .with_columns(period=_period_of(pl.col("day"), wanted.every))
        .group_by("unit", "period")
        .agg(nil=pl.col("_known").min())
    )


def _states(
    expected: pl.DataFrame, came: pl.DataFrame, nil: pl.DataFrame, wanted: Expectation, at: datetime
) -> pl.DataFrame:
    joined = expected.join(came, on=["unit", "period"], how="left").join(nil, on=["unit", "period"], how="left")
    state = (
        pl.when(pl.col("received").is_not_null() & (pl.col("received") > pl.col("due")))
        .then(pl.lit("late"))
        .when(pl.col("received").is_not_null())
        .then(pl.lit("received"))
        .when(pl.col("nil").is_not_null() & (pl.col("nil") > pl.col("due")))
        .then(pl.lit("late"))
        .when(pl.col("nil").is_not_null())
        .then(pl.lit("nil"))
        .when(pl.col("due") > pl.lit(at, dtype=pl.Datetime("us")))
        .then(pl.lit("pending"))
        .otherwise(pl.lit("silent"))
    )
    return joined.with_columns(type=pl.lit(wanted.type), state=state, received=pl.coalesce("received", "nil"))


def write_workbook(status: Completeness, path: Path) -> None:
    """The states as .xlsx: sums, units, every period."""
    from clearway.core.tables import write_sheets

    sheets = {"types 类型": status.by_type(), "units 单位": status.by_unit(), "periods 时段": status.states,
              "unknown 未登记": status.unknown}  # fmt: skip
    write_sheets(path, sheets)
