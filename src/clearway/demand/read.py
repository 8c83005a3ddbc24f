"""Check demand and stock against the horizon and the facilities that exist.

In:     typed frames of demand, stock and history
Out:    faults: days outside the horizon, demand at candidates, stock in transit without arrival
Not:    reading cells (core.tables)
Words:  candidate = a facility that is absent until opened
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import load_schemas
from clearway.core.tables import rows_where
from clearway.core.timegrid import TimeGrid, format_time

SCHEMAS = load_schemas("clearway.demand")


def _candidates(frame: pl.DataFrame, columns: tuple[str, ...], absent: list[str], file: str, faults: Faults) -> None:
    if absent:
        for column in columns:
            for row, values in rows_where(frame, pl.col(column).cast(pl.String).is_in(absent)):
                faults.add("candidate_demand", file, row, column, values[column])


def check_demand(demand: pl.DataFrame, grid: TimeGrid, absent: list[str], file: str, faults: Faults) -> None:
    """Days wholly outside the horizon, and demand at candidate facilities (``absent``)."""
    first, last = grid.start.date(), (grid.end - timedelta(microseconds=1)).date()
    if len(demand) and not demand["day"].drop_nulls().is_between(first, last).all():
        for row, values in rows_where(demand, ~pl.col("day").is_between(first, last)):
            faults.add("demand_day", file, row, "day", values["day"], start=first, end=last)
    _candidates(demand, ("origin", "destination"), absent, file, faults)


def check_stock(stock: pl.DataFrame, grid: TimeGrid, absent: list[str], file: str, faults: Faults) -> None:
    """Stock in transit needs an arrival inside the horizon; no stock at or for candidates."""
    transit = pl.col("stage") == "in-transit"
    for row, _ in rows_where(stock, transit & pl.col("arrives").is_null()):
        faults.add("arrives_required", file, row, "arrives")
    outside = transit & ((pl.col("arrives") < grid.start) | (pl.col("arrives") >= grid.end))
    for row, values in rows_where(stock, outside):
        faults.add(
            "arrives_outside",
            file,
            row,
            "arrives",
            format_time(values["arrives"]),
            start=format_time(grid.start),
            end=format_time(grid.end),
        )
    _candidates(stock, ("facility", "destination"), absent, file, faults)
