"""What differs between two plans: totals, where loads moved, where overflow came or went.

In:     two Plans
Out:    a dictionary of differences, second minus first
Not:    why (explain.py)
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.planning.plans import Plan


def diff_plans(first: Plan, second: Plan, *, most: int = 10) -> dict[str, Any]:
    """Differences of two plans, second minus first; the ``most`` largest per list."""
    one, two = first.facts, second.facts
    return {
        "first": one["case"]["name"],
        "second": two["case"]["name"],
        "same_case": one["case"]["digest"] == two["case"]["digest"],
        "objective": _change(one["objective"], two["objective"]),
        "lower_bound": _change(one["lower_bound"], two["lower_bound"]),
        "costs": {k: _change(one["costs"][k], two["costs"][k]) for k in one["costs"]},
        "parcels": {k: _change(one["parcels"][k], two["parcels"][k]) for k in one["parcels"]},
        "classes": {
            name: {
                k: _change(one["classes"].get(name, {}).get(k, 0.0), two["classes"].get(name, {}).get(k, 0.0))
                for k in ("offered", "delivered", "undelivered", "mean_hours")
            }
            for name in dict.fromkeys([*one["classes"], *two["classes"]])
        },
        "loads": _moved(first.rows, second.rows, most),
        "overflow": {
            "only_first": sorted({o["facility"] for o in one["overflow"]} - {o["facility"] for o in two["overflow"]}),
            "only_second": sorted({o["facility"] for o in two["overflow"]} - {o["facility"] for o in one["overflow"]}),
        },
    }


def _change(one: float, two: float) -> dict[str, float]:
    return {"first": one, "second": two, "change": two - one}


def _moved(one: pl.DataFrame, two: pl.DataFrame, most: int) -> list[dict[str, Any]]:
    """Rows by how much their total load changed."""

    def totals(rows: pl.DataFrame) -> pl.DataFrame:
        wanted = rows.filter(pl.col("row").is_in(["sort", "deliver", "depart"]))
        return wanted.group_by("row", "id").agg(pl.col("load").sum())

    joined = totals(one).join(totals(two), on=["row", "id"], how="full", coalesce=True, suffix="_second").fill_null(0.0)
    changed = joined.select(
        "row", "id", first="load", second="load_second", change=pl.col("load_second") - pl.col("load")
    )
    return (
        changed.filter(pl.col("change").abs() > 0.5)
        .sort(pl.col("change").abs(), pl.col("id"), descending=[True, False])
        .head(most)
        .to_dicts()
    )
