"""Values of periods from counts and sums by unit and day: added up, and divided once.

In:     parts by unit and day of the kinds count, share, sum, ratio and stock (parts.py)
Out:    values of any period
Not:    kinds that need single records (kinds.py)
"""

from __future__ import annotations

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


def by_unit(frame: pl.DataFrame, number: int, edition: Edition) -> pl.DataFrame:
    """The parts of one definition by its unit and day: unit, _day, and those of n, d, l, s, b it has."""
    own = [c for c in (f"{number}.{p}" for p in PARTS) if c in frame.columns]
    unit = pl.lit(NATION) if edition.unit_field == NATION else pl.col(edition.unit_field)
    parts = {c.rsplit(".", 1)[1]: pl.col(c).sum() for c in own}
    return frame.group_by(unit.alias("unit"), "_day").agg(**parts).drop_nulls("unit")


def in_periods(daily: pl.DataFrame, edition: Edition, first: date, last: date, seasons: pl.DataFrame) -> pl.DataFrame:
    """Rows with the period they count for: each in one, or with a rolling window in several."""
    if edition.window:
        days = pl.DataFrame({"shift": list(range(edition.window))})
        rolled = daily.join(days, how="cross").with_columns(end=pl.col("_day") + pl.duration(days=pl.col("shift")))
        rolled = rolled.filter(pl.col("end").is_between(first, last)).with_columns(
            period=pl.col("end").dt.to_string("%Y-%m-%d"), first=pl.col("end"), last=pl.col("end")
        )
        return rolled.drop("shift", "end")
    if edition.period == "season":
        held = seasons.select(unit="key", period=pl.lit(edition.season), first="first", last="last", since="since",
                              until="until")  # fmt: skip
        joined = daily.join(held, on="unit").filter(
            (pl.col("_day").cast(pl.Datetime("us")) >= pl.col("since"))
            & (pl.col("_day").cast(pl.Datetime("us")) < pl.col("until"))
        )
        return joined.drop("since", "until")
    return daily.join(period_table(edition.period, first, last), left_on="_day", right_on="day")


def values_of(daily: pl.DataFrame, edition: Edition, first: date, last: date, seasons: pl.DataFrame) -> pl.DataFrame:
    """Values by unit and period from daily parts."""
    if not len(daily):
        return no_values()
    if edition.kind == "level":
        daily = _stock(daily, first, last)
    parts = [c for c in PARTS if c in daily.columns]
    spread = in_periods(daily, edition, first, last, seasons)
    keys = ["unit", "period", "first", "last"]
    if edition.kind == "level":
        frame = spread.sort("_day").group_by(keys).agg(pl.col("n").last())
    else:
        frame = spread.group_by(keys).agg(pl.col(parts).sum())
    if "b" in frame.columns:
        frame = frame.filter(pl.col("b") > 0)
    return with_values(frame, edition)


def _stock(daily: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """What is there at the end of each day: all that came less all that went, since records were read."""
    days = pl.date_range(first, last, eager=True).alias("_day").to_frame()
    grid = daily.select("unit").unique().join(days, how="cross")
    filled = grid.join(daily, on=["unit", "_day"], how="left").with_columns(pl.col("n").fill_null(0))
    return filled.sort("unit", "_day").with_columns(pl.col("n").cum_sum().over("unit"))


def with_values(frame: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Numerator and denominator as numbers, and the value formed once from them."""
    frame = frame.with_columns(numerator=pl.col("n").cast(pl.Float64))
    if "d" in frame.columns:
        below = pl.col("d").cast(pl.Float64)
        value = pl.when(below != 0).then(pl.col("numerator") / below * edition.scale)
        frame = frame.with_columns(denominator=below, value=value)
    else:
        frame = frame.with_columns(
            denominator=pl.lit(None, dtype=pl.Float64), value=pl.col("numerator") * edition.scale
        )
    if "s" in frame.columns:
        pairs = [
            wilson(n, d, float(s)) if d and s else (None, None)
            for n, d, s in frame.select("numerator", "denominator", "s").iter_rows()
        ]
        frame = frame.with_columns(
            pl.Series("low", [p[0] for p in pairs], dtype=pl.Float64),
            pl.Series("high", [p[1] for p in pairs], dtype=pl.Float64),
        )
    if "l" in frame.columns:
        frame = frame.rename({"l": "left_out"})
    return shaped(frame)


def shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of values in order; absent ones null, nothing left out as 0."""
    absent = [pl.lit(None, dtype=t).alias(c) for c, t in VALUES.items() if c not in frame.columns]
    frame = frame.with_columns(absent).select(list(VALUES)).cast(pl.Schema(VALUES))
    return frame.with_columns(pl.col("left_out").fill_null(0)).sort("unit", "first")
