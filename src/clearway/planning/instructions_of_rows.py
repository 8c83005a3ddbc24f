"""Instructions that follow from rows: shifts, chartered departures, room, the day's departures.

In:     Plan
Out:    rows of instructions, without names
Not:    what follows from the sort plan (instructions_of_floor.py)
Words:  spell = slots in a row
Source: docs/instructions.md
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.core.timegrid import format_time
from clearway.planning.plans import Plan

LEAST = 1.0  # parcels
SMALL = 1e-6  # of all parcels: less than that is left to the sort plan


def least(plan: Plan) -> float:
    """Parcels below which a diversion or a wait is no instruction of its own."""
    return max(LEAST, SMALL * float(plan.facts["parcels"]["offered"]))


def spells(part: pl.DataFrame, slot_hours: float) -> pl.DataFrame:
    """Consecutive slots of each (row, id) as one row."""
    step = pl.duration(minutes=round(slot_hours * 60))
    return (
        part.sort("row", "id", "slot")
        .with_columns((pl.col("slot") - pl.int_range(pl.len()).over("row", "id")).alias("spell"))
        .group_by("row", "id", "spell", maintain_order=True)
        .agg(
            pl.col("start").min().alias("from"),
            (pl.col("start").max() + step).alias("to"),
            pl.col("extra").sum(),
            pl.col("overflow").max(),
            pl.col("price").max().fill_null(0.0),
        )
    )


def vehicles(parcels: float, lane: dict[str, Any]) -> float | None:
    """Vehicles that so many parcels fill, where the lane says what one holds."""
    per_vehicle = lane.get("parcels_per_vehicle")
    return None if per_vehicle is None else float(-(-parcels // per_vehicle))


def mobilised(plan: Plan) -> list[dict[str, Any]]:
    """Extra shifts, couriers, and chartered departures."""
    hours = plan.facts["case"]["slot_hours"]
    lanes = {row["id"]: row for row in plan.case.lanes.to_dicts()}
    rows = []
    for spell in spells(plan.rows.filter(pl.col("extra") >= LEAST), hours).iter_rows(named=True):
        lane = lanes.get(spell["id"]) if spell["row"] == "depart" else None
        long = (spell["to"] - spell["from"]).total_seconds() / 3600
        n = spell["extra"]
        cars = vehicles(n, lane) if lane else None
        if lane:
            en = f"{cars:,.0f} vehicles more" if cars is not None else f"room for {n:,.0f} parcels more"
            zh = f"加开 {cars:,.0f} 车" if cars is not None else f"增加运力 {n:,.0f} 件"
            what = f"{en} to {lane['destination']} on lane {spell['id']} ({n:,.0f} parcels)"
            what_zh = f"{zh}，线路 {spell['id']} 发往 {lane['destination']}（{n:,.0f} 件）"
        elif spell["row"] == "sort":
            what = f"extra sorting shift: {n:,.0f} parcels more in {long:g} h ({n / long:,.0f} an hour)"
            what_zh = f"增开分拣班次：{long:g} 小时内多分拣 {n:,.0f} 件（每小时 {n / long:,.0f} 件）"
        else:
            what = f"extra couriers: {n:,.0f} parcels more in {long:g} h"
            what_zh = f"增派投递力量：{long:g} 小时内多投 {n:,.0f} 件"
        rows.append(
            {
                "facility": lane["origin"] if lane else spell["id"],
                "from": format_time(spell["from"]),
                "to": format_time(spell["to"]),
                "action": "charter" if lane else f"mobilise-{spell['row']}",
                "parcels": n,
                "vehicles": cars,
                "what_en": what,
                "what_zh": what_zh,
                "why_en": f"what is there is used up; one more parcel is worth up to {spell['price']:.2f} "
                f"(row {spell['row']} {spell['id']})",
                "why_zh": f"现有能力用尽，每多一件最多值 {spell['price']:.2f}（{spell['row']} {spell['id']}）",
                "if_not_en": f"{n:,.0f} parcels wait, and what comes after them too",
                "if_not_zh": f"{n:,.0f} 件及其后邮件将等待",
            }
        )
    return rows


def room(plan: Plan) -> list[dict[str, Any]]:
    """Where a yard will hold more than its storage."""
    part = plan.rows.filter((pl.col("row") == "storage") & (pl.col("overflow") >= LEAST))
    return [
        {
            "facility": spell["id"],
            "from": format_time(spell["from"]),
            "to": format_time(spell["to"]),
            "action": "make-room",
            "parcels": spell["overflow"],
            "vehicles": None,
            "what_en": f"find room for up to {spell['overflow']:,.0f} parcels beyond the yard's storage",
            "what_zh": f"为超出场地存放能力的最多 {spell['overflow']:,.0f} 件准备场地",
            "why_en": "more arrives than can be sorted and sent on; no plan at this cost avoids it",
            "why_zh": "到件多于可分拣发运量，在此成本下无法避免",
            "if_not_en": "the yard overflows and arrivals are turned away",
            "if_not_zh": "将发生爆仓，到达车辆无法卸车",
        }
        for spell in spells(part, plan.facts["case"]["slot_hours"]).iter_rows(named=True)
    ]


def dispatches(plan: Plan) -> list[dict[str, Any]]:
    """The departures of each day in vehicles."""
    lanes = {row["id"]: row for row in plan.case.lanes.to_dicts()}
    loads = (
        plan.rows.filter((pl.col("row") == "depart") & (pl.col("load") >= LEAST))
        .group_by("id", pl.col("start").dt.date().alias("day"))
        .agg(pl.col("load").sum())
        .sort("day", "id")
    )
    rows = []
    for row in loads.iter_rows(named=True):
        lane = lanes[row["id"]]
        cars = vehicles(row["load"], lane)
        if cars is None:
            continue
        rows.append(
            {
                "facility": lane["origin"],
                "from": f"{row['day']}T00:00",
                "to": f"{row['day']}T24:00",
                "action": "dispatch",
                "parcels": row["load"],
                "vehicles": cars,
                "what_en": f"send {cars:,.0f} vehicle(s) to {lane['destination']} on lane {row['id']}",
                "what_zh": f"线路 {row['id']} 发往 {lane['destination']}，{cars:,.0f} 车",
                "why_en": "planned flow of the day",
                "why_zh": "当日计划流量",
                "if_not_en": "the parcels wait here",
                "if_not_zh": "邮件将在此等待",
            }
        )
    return rows
