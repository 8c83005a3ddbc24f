"""What the report shows, read off a plan: map points, lanes, bottlenecks, the course of the days.

In:     Plan
Out:    plain dictionaries and lists
Not:    HTML (page.py), new numbers
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.core.timegrid import format_time
from clearway.planning import Plan

SHOWN_LANES = 600


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(float(value), digits)


def facility_points(plan: Plan) -> list[dict[str, Any]]:
    """Facilities with coordinates: load, highest use of a day, highest price, overflow."""
    rows = plan.rows.filter(pl.col("row") != "depart")
    capacity = pl.col("capacity") + pl.col("extra_limit")
    by_id = rows.group_by("id").agg(
        pl.col("load").filter(pl.col("row") == "sort").sum().alias("sorted"),
        pl.col("load").filter(pl.col("row") == "deliver").sum().alias("delivered"),
        (pl.col("load") / capacity).filter((pl.col("row") == "sort") & (capacity > 0)).mean().alias("use"),
        pl.col("price").max(),
        pl.col("overflow").max(),
    )
    located = plan.case.network.located().select("id", "name", "kind", "lon", "lat").drop_nulls(["lon", "lat"])
    return [
        {
            "id": r["id"],
            "name": r["name"],
            "at": [r["lon"], r["lat"]],
            "kind": r["kind"],
            "sorted": _rounded(r["sorted"], 0),
            "delivered": _rounded(r["delivered"], 0),
            "use": _rounded(r["use"], 3),
            "price": _rounded(r["price"], 3),
            "overflow": _rounded(r["overflow"], 0),
        }
        for r in located.join(by_id, on="id", maintain_order="left").iter_rows(named=True)
    ]


def lane_lines(plan: Plan) -> list[dict[str, Any]]:
    """The lanes that carry most: ends, parcels, highest price."""
    points = {p["id"]: p["at"] for p in facility_points(plan)}
    ends = plan.case.lanes.select("id", "origin", "destination", "mode")
    loads = (
        plan.rows.filter(pl.col("row") == "depart")
        .group_by("id")
        .agg(pl.col("load").sum(), pl.col("price").max())
        .filter(pl.col("load") > 0.5)
        .sort("load", "id", descending=[True, False])
        .head(SHOWN_LANES)
        .join(ends, on="id")
        .sort("load", "id", descending=[True, False])
    )
    return [
        {
            "id": r["id"],
            "from": points[r["origin"]],
            "to": points[r["destination"]],
            "mode": r["mode"],
            "load": _rounded(r["load"], 0),
            "price": _rounded(r["price"], 3),
        }
        for r in loads.iter_rows(named=True)
        if r["origin"] in points and r["destination"] in points
    ]


def bottlenecks(plan: Plan, most: int = 20) -> list[dict[str, Any]]:
    """Rows by what 1,000 more parcels an hour for a day would save."""
    names = dict(plan.case.facilities.select("id", "name").iter_rows())
    found = (
        plan.rows.filter(pl.col("price") > 1e-6)
        .group_by("row", "id", pl.col("start").dt.date().alias("day"))
        .agg(
            (pl.col("price").sum() * plan.case.grid.slot_hours).alias("worth"),
            pl.col("price").max(),
            pl.col("load").sum(),
            pl.col("capacity").sum(),
        )
        .sort("worth", "id", "day", descending=[True, False, False])
        .head(most)
    )
    return [
        {**row, "day": str(row["day"]), "name": names.get(row["id"], ""), "saving": 1000 * row["worth"]}
        for row in found.iter_rows(named=True)
    ]


def totals(plan: Plan) -> dict[str, Any]:
    """What stands side by side of several plans: cost, parcels, hours, overflow, what capacity is worth."""
    facts = plan.summary()
    over = max(facts["overflow"], key=lambda o: o["peak"], default=None)
    clears = [o["clears"] for o in facts["overflow"]]
    capacity = (pl.col("capacity") + pl.col("extra_limit")).filter(pl.col("price") > 0)
    worth = plan.rows.select((pl.col("price").filter(pl.col("price") > 0) * capacity).sum()).item()
    return {
        "title": facts["case"]["title"] | {"name": facts["case"]["name"]},
        "cost": facts["objective"],
        "gap": facts["gap"],
        "undelivered": facts["parcels"]["undelivered"],
        "offered": facts["parcels"]["offered"],
        "classes": facts["classes"],
        "overflowing": len(facts["overflow"]),
        "worst": over,
        "clears": None if None in clears else max(clears, default=""),
        "one_percent": 0.01 * float(worth or 0.0),
    }


def course(plan: Plan) -> dict[str, list[Any]]:
    """By slot: parcels sorted, delivered, waiting in the network, waiting at senders."""
    loads = (
        plan.rows.group_by("slot", "start")
        .agg(
            *(
                pl.col("load").filter(pl.col("row") == name).sum().alias(name)
                for name in ("sort", "deliver", "storage")
            ),
            pl.col("overflow").sum(),
        )
        .sort("slot")
    )
    held = pl.DataFrame({"slot": loads["slot"], "held": [0.0] * len(loads)})
    if plan.commodities is not None:
        sums = plan.commodities.group_by("slot").agg(pl.col("held").sum())
        held = held.drop("held").join(sums, on="slot", how="left", maintain_order="left").fill_null(0.0)
    return {
        "time": [format_time(t) for t in loads["start"]],
        "sorted": [_rounded(x, 0) for x in loads["sort"]],
        "delivered": [_rounded(x, 0) for x in loads["deliver"]],
        "waiting": [_rounded(x, 0) for x in loads["storage"]],
        "held": [_rounded(x, 0) for x in held["held"]],
        "overflow": [_rounded(x, 0) for x in loads["overflow"]],
    }


def disruption_rows(plan: Plan) -> list[dict[str, Any]]:
    """The case's disruptions as text."""
    return [
        {k: (format_time(v) if k in ("start", "end", "known_from") and v is not None else v) for k, v in row.items()}
        for row in plan.case.disruptions.iter_rows(named=True)
    ]
