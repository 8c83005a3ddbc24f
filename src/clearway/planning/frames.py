"""A plan as tables: flows, decisions by commodity, rows, and what lies beyond storage.

In:     Problem, Cells of a solution, its Recount and prices
Out:    the frames of docs/case-format.md; prices read back from one of them
Not:    solving (solve.py), files (plans.py)
Words:  cell = one decision of one commodity at one place in one slot
Source: docs/planning.md sections 5 and 8
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.timegrid import format_time
from clearway.planning.lagrangian import zero_prices
from clearway.planning.problem import ROWS, Problem
from clearway.planning.program import Cells
from clearway.planning.recount import Recount

Floats = NDArray[np.float64]


def _names(index: np.ndarray[Any, Any], names: tuple[str, ...]) -> pl.Series:
    return pl.Series(np.asarray(index)).cast(pl.UInt32).replace_strict(dict(enumerate(names)), return_dtype=pl.String)


def _cell_frame(problem: Problem, cells: Cells, at: str, value: str) -> pl.DataFrame:
    names = problem.offer.lanes if at == "lane" else problem.offer.facilities
    return pl.DataFrame(
        {
            at: _names(cells.at, names),
            "slot": pl.Series(cells.slot, dtype=pl.Int32),
            "destination": _names(problem.offered.destination[cells.commodity], problem.offer.facilities),
            "class": _names(problem.offered.cls[cells.commodity], problem.class_names),
            value: pl.Series(cells.parcels, dtype=pl.Float64),
        }
    )


def flow_frame(problem: Problem, cells: dict[str, Cells]) -> pl.DataFrame:
    """Parcels that depart on each lane in each slot, by destination and class."""
    frame = _cell_frame(problem, cells["depart"], "lane", "parcels")
    return frame.sort("slot", "lane", "destination", "class")


def commodity_frame(problem: Problem, cells: dict[str, Cells]) -> pl.DataFrame:
    """What happens at each facility in each slot, by destination and class."""
    keys = ["facility", "slot", "destination", "class"]
    s = problem.offered.offered
    parts = {"offered": _cell_frame(problem, Cells(s.commodity, s.facility, s.slot, s.parcels), "facility", "offered")}
    if not problem.hold:
        parts["accepted"] = parts["offered"].rename({"offered": "accepted"})
    for name in ("accepted", "held", "unsorted", "sorted", "sorted_held", "delivered"):
        if name not in parts:
            parts[name] = _cell_frame(problem, cells[name], "facility", name)
    columns = ["offered", "accepted", "held", "unsorted", "sorted", "sorted_held", "delivered"]
    merged = (
        pl.concat(
            [
                part.with_columns(pl.lit(0.0).alias(c) for c in columns if c != name).select(*keys, *columns)
                for name, part in parts.items()
            ]
        )
        .group_by(keys)
        .agg(pl.col(c).sum() for c in columns)
        .sort("slot", "facility", "destination", "class")
    )
    last = pl.col("slot") == problem.grid.slots - 1
    return merged.with_columns(
        pl.when(last)
        .then(pl.col("held") + pl.col("unsorted") + pl.col("sorted_held"))
        .otherwise(0.0)
        .alias("undelivered")
    )


def row_frame(problem: Problem, counted: Recount, prices: dict[str, Floats]) -> pl.DataFrame:
    """Load, capacity and price of every row; no price where there is no capacity."""
    starts = pl.Series([problem.grid.time(t) for t in range(problem.grid.slots)], dtype=pl.Datetime("us"))
    parts = []
    for name in ROWS:
        if name == "accept" and not problem.hold:
            continue
        row = problem.rows[name]
        ids = problem.offer.lanes if name == "depart" else problem.offer.facilities
        count, slots = row.base.shape
        capacity = np.where(np.isinf(row.base), np.nan, row.base).ravel()
        price = np.where(row.shut, np.nan, prices[name]).ravel()
        overflow = counted.overflow if name == "storage" else np.zeros_like(row.base)
        slot = np.tile(np.arange(slots), count)
        parts.append(
            pl.DataFrame(
                {
                    "row": pl.Series([name] * (count * slots), dtype=pl.String),
                    "id": pl.Series(np.repeat(np.array(ids, dtype=object), slots).tolist(), dtype=pl.String),
                    "slot": pl.Series(slot, dtype=pl.Int32),
                    "start": starts.gather(slot),
                    "load": counted.loads[name].ravel(),
                    "capacity": pl.Series(capacity, nan_to_null=True),
                    "extra_limit": row.extra.ravel(),
                    "extra": counted.extra[name].ravel(),
                    "overflow": overflow.ravel(),
                    "price": pl.Series(price, nan_to_null=True),
                }
            )
        )
    return pl.concat(parts)


def overflow_list(problem: Problem, counted: Recount) -> list[dict[str, Any]]:
    """Facilities beyond their storage: since when, how much at most, parcel-hours, when it clears."""
    grid, found = problem.grid, []
    for f in np.flatnonzero((counted.overflow > 0.5).any(axis=1)):
        over = np.flatnonzero(counted.overflow[f] > 0.5)
        peak = int(counted.overflow[f].argmax())
        found.append(
            {
                "facility": problem.offer.facilities[f],
                "from": format_time(grid.time(int(over[0]))),
                "peak_at": format_time(grid.time(peak)),
                "peak": float(counted.overflow[f, peak]),
                "parcel_hours": float(counted.overflow[f].sum() * grid.slot_hours),
                "clears": format_time(grid.time(int(over[-1]) + 1)) if over[-1] + 1 < grid.slots else None,
            }
        )
    return sorted(found, key=lambda row: -row["parcel_hours"])


def read_prices(problem: Problem, rows: pl.DataFrame) -> dict[str, Floats]:
    """Prices (ids, T) out of a plan's rows, by id and time; 0 where it has none, or was made for another case."""
    prices = zero_prices(problem)
    position = {problem.grid.time(t): t for t in range(problem.grid.slots)}
    for name in ROWS:
        ids = problem.offer.lanes if name == "depart" else problem.offer.facilities
        part = rows.filter((pl.col("row") == name) & (pl.col("price") > 0))
        at = part["id"].replace_strict({x: i for i, x in enumerate(ids)}, default=-1, return_dtype=pl.Int64).to_numpy()
        slot = np.array([position.get(moment, -1) for moment in part["start"]], np.int64)
        known = (at >= 0) & (slot >= 0)
        prices[name][at[known], slot[known]] = part["price"].to_numpy()[known]
    return prices
