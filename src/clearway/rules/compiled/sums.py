"""Values of periods from counts and sums by unit and day: added up, and divided once.

In:     parts by unit and day of the kinds count, share, sum, ratio and stock (parts.py)
Out:    values of any period
Not:    kinds that need single records (kinds.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from clearway.rules.conditions import related_in
from clearway.rules.declared import Edition
from clearway.rules.figures import VALUES, no_values, wilson
from clearway.rules.periods import period_table

NATION = "CN"
PARTS = ("n", "d", "l", "s", "b")


def summed(edition: Edition) -> bool:
    """Whether a definition's values are sums over records."""
    if edition.kind in ("count", "share", "sum", "ratio"):
        return not edition.distinct and not edition.value_of
    return edition.kind == "level" and edition.adds is not None


def due_after(edition: Edition) -> timedelta | None:
    """How long after a record it can be judged: until what it waits for is over."""
    waits = [r.within for r in related_in(edition.match) if r.side in ("after", "around")]
    return max(waits) if waits else None


def looks_around(edition: Edition) -> bool:
    """Whether related records are looked for: for the records that count only, in a pass of its own."""
    conditions = (edition.base, edition.match, edition.adds, edition.takes)
    return any(True for c in conditions for _ in related_in(c))


def by_unit(frame: pl.DataFrame, editions: Sequence[Edition]) -> list[pl.DataFrame]:
    """The parts of each definition by its unit and day: unit, _day, and those of n, d, l, s, b it has."""
    found = []
    for number, edition in enumerate(editions):
        own = [c for c in (f"{number}.{p}" for p in PARTS) if c in frame.columns]
        unit = pl.lit(NATION) if edition.unit_field == NATION else pl.col(edition.unit_field)
        parts = {c.rsplit(".", 1)[1]: pl.col(c).fill_null(0).sum() for c in own}
        found.append(frame.lazy().group_by(unit.alias("unit"), "_day").agg(**parts).drop_nulls("unit"))
    return pl.collect_all(found)


def no_parts(edition: Edition) -> pl.DataFrame:
    """The parts of a definition of which no record counts."""
    kind = edition.kind
    there = {
        "n": True, "d": kind == "share" or bool(edition.over), "s": bool(edition.sampled), "b": True,
        "l": kind == "share" and (bool(edition.ripe) or due_after(edition) is not None),
    }  # fmt: skip
    number = pl.Decimal(38, 6) if kind in ("sum", "ratio") else pl.Int64()
    types = {"n": number, "d": number}
    parts = {p: types.get(p, pl.Int64()) for p in PARTS if there[p]}
    return pl.DataFrame(schema={"unit": pl.String(), "_day": pl.Date(), **parts})


def in_periods(daily: pl.LazyFrame, edition: Edition, first: date, last: date, seasons: pl.DataFrame) -> pl.LazyFrame:
    """Rows with the period they count for: each in one, or with a rolling window in several."""
    if edition.window:
        days = pl.LazyFrame({"shift": list(range(edition.window))})
        rolled = daily.join(days, how="cross").with_columns(end=pl.col("_day") + pl.duration(days=pl.col("shift")))
        rolled = rolled.filter(pl.col("end").is_between(first, last)).with_columns(
            period=pl.col("end").dt.to_string("%Y-%m-%d"), first=pl.col("end"), last=pl.col("end")
        )
        return rolled.drop("shift", "end")
    if edition.period == "season":
        held = seasons.lazy().select(
            unit="key", period=pl.lit(edition.season), first="first", last="last", since="since", until="until"
        )
        joined = daily.join(held, on="unit").filter(
            (pl.col("_day").cast(pl.Datetime("us")) >= pl.col("since"))
            & (pl.col("_day").cast(pl.Datetime("us")) < pl.col("until"))
        )
        return joined.drop("since", "until")
    return daily.join(period_table(edition.period, first, last).lazy(), left_on="_day", right_on="day")


def values_of(daily: pl.DataFrame, edition: Edition, first: date, last: date, seasons: pl.DataFrame) -> pl.LazyFrame:
    """Values by unit and period from daily parts."""
    if not len(daily):
        return no_values().lazy()
    keys = ["unit", "period", "first", "last"]
    if edition.kind == "level":
        spread = in_periods(_stock(daily, first, last).lazy(), edition, first, last, seasons)
        return _with_values(spread.sort("_day").group_by(keys).agg(pl.col("n").last()), [*keys, "n"], edition)
    parts = [c for c in PARTS if c in daily.columns]
    frame = in_periods(daily.lazy(), edition, first, last, seasons).group_by(keys).agg(pl.col(parts).sum())
    if "b" in parts:
        frame = frame.filter(pl.col("b") > 0)
    return _with_values(frame, [*keys, *parts], edition)


def _stock(daily: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """What is there at the end of each day: all that came less all that went, since records were read."""
    days = pl.date_range(first, last, eager=True).alias("_day").to_frame()
    grid = daily.select("unit").unique().join(days, how="cross")
    filled = grid.join(daily, on=["unit", "_day"], how="left").with_columns(pl.col("n").fill_null(0))
    return filled.sort("unit", "_day").with_columns(pl.col("n").cum_sum().over("unit"))


def with_values(frame: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Numerator and denominator as numbers, and the value formed once from them."""
    return _with_values(frame.lazy(), frame.columns, edition).collect()


def _with_values(frame: pl.LazyFrame, there: Sequence[str], edition: Edition) -> pl.LazyFrame:
    above = pl.col("n").cast(pl.Float64)
    columns = {"numerator": above, "value": above * edition.scale}
    if "d" in there:
        below = pl.col("d").cast(pl.Float64)
        columns |= {"denominator": below, "value": pl.when(below != 0).then(above / below * edition.scale)}
    if "l" in there:
        columns["left_out"] = pl.col("l")
    if "s" in there:
        whole = frame.collect()
        pairs = [
            wilson(float(n), float(d), float(s)) if d and s else (None, None)
            for n, d, s in whole.select("n", "d", "s").iter_rows()
        ]
        ends = [pl.Series(c, [p[i] for p in pairs], dtype=pl.Float64) for i, c in enumerate(("low", "high"))]
        frame, there = whole.with_columns(ends).lazy(), [*there, "low", "high"]
        columns["sample"] = pl.col("s").cast(pl.Float64)
    return _shaped(frame.with_columns(**columns), [*there, *columns])


def shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of values in order; absent ones null, nothing left out as 0."""
    return _shaped(frame.lazy(), frame.columns).collect()


def _shaped(frame: pl.LazyFrame, there: Sequence[str]) -> pl.LazyFrame:
    absent = [pl.lit(None, dtype=t).alias(c) for c, t in VALUES.items() if c not in there]
    frame = frame.with_columns(absent).select(list(VALUES)).cast(pl.Schema(VALUES))
    return frame.with_columns(pl.col("left_out").fill_null(0)).sort("unit", "first")
