"""Instructions of a plan: to whom, from when to when, what, how much, why, and what if not.

In:     Plan
Out:    a frame of instructions in English and Chinese, one row each, in order of time
Not:    the sort plan (which next hop), pages
Words:  spell = slots in a row; draft = a person confirms it before it is sent
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.core.timegrid import format_time
from clearway.planning.plans import Plan

COLUMNS = (
    "facility",
    "name",
    "from",
    "to",
    "action",
    "parcels",
    "vehicles",
    "what_en",
    "what_zh",
    "why_en",
    "why_zh",
    "if_not_en",
    "if_not_zh",
)
_LEAST = 1.0
_MOBILISE = {
    "sort": ("mobilise sorting capacity", "增援分拣能力"),
    "deliver": ("mobilise delivery capacity", "增援投递能力"),
    "depart": ("charter vehicles on lane", "在线路上加开车辆"),
}


def draft_instructions(plan: Plan) -> pl.DataFrame:
    """Instructions to mobilise, to hold at senders, to make room, and to dispatch vehicles."""
    names = dict(plan.case.facilities.select("id", "name").iter_rows())
    lanes = {row["id"]: row for row in plan.case.lanes.to_dicts()}
    rows = [*_mobilised(plan, lanes), *_room(plan), *_held(plan), *_dispatches(plan, lanes)]
    for row in rows:
        row["name"] = names.get(row["facility"], "")
    frame = pl.DataFrame(rows, schema={c: pl.Float64 if c in ("parcels", "vehicles") else pl.String for c in COLUMNS})
    return frame.sort("from", "facility", "action", "what_en", maintain_order=True)


def _spells(part: pl.DataFrame, slot_hours: float) -> pl.DataFrame:
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


def _vehicles(parcels: float, lane: dict[str, Any]) -> float | None:
    per_vehicle = lane["parcels_per_vehicle"]
    return None if per_vehicle is None else float(-(-parcels // per_vehicle))


def _mobilised(plan: Plan, lanes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    hours = plan.facts["case"]["slot_hours"]
    rows = []
    for spell in _spells(plan.rows.filter(pl.col("extra") >= _LEAST), hours).iter_rows(named=True):
        en, zh = _MOBILISE[spell["row"]]
        lane = lanes.get(spell["id"]) if spell["row"] == "depart" else None
        what = f" {spell['id']} to {lane['destination']}" if lane else ""
        rows.append(
            {
                "facility": lane["origin"] if lane else spell["id"],
                "from": format_time(spell["from"]),
                "to": format_time(spell["to"]),
                "action": f"mobilise-{spell['row']}",
                "parcels": spell["extra"],
                "vehicles": _vehicles(spell["extra"], lane) if lane else None,
                "what_en": f"{en}{what} for {spell['extra']:,.0f} parcels",
                "what_zh": f"{zh}{what.replace(' to ', ' → ')}，共 {spell['extra']:,.0f} 件",
                "why_en": f"capacity is used up; one more parcel is worth up to {spell['price']:.2f}",
                "why_zh": f"能力已用尽；每多一件最多值 {spell['price']:.2f}",
                "if_not_en": "these parcels wait, and what follows them too",
                "if_not_zh": "这些邮件及后续邮件将等待",
            }
        )
    return rows


def _room(plan: Plan) -> list[dict[str, Any]]:
    part = plan.rows.filter((pl.col("row") == "storage") & (pl.col("overflow") >= _LEAST))
    return [
        {
            "facility": spell["id"],
            "from": format_time(spell["from"]),
            "to": format_time(spell["to"]),
            "action": "make-room",
            "parcels": spell["overflow"],
            "vehicles": None,
            "what_en": f"find room for {spell['overflow']:,.0f} parcels beyond the storage",
            "what_zh": f"为超出存放能力的 {spell['overflow']:,.0f} 件准备场地",
            "why_en": "more arrives than can be sorted and sent on",
            "why_zh": "到件多于可分拣发运量",
            "if_not_en": "the yard overflows",
            "if_not_zh": "将发生爆仓",
        }
        for spell in _spells(part, plan.facts["case"]["slot_hours"]).iter_rows(named=True)
    ]


def _held(plan: Plan) -> list[dict[str, Any]]:
    if plan.commodities is None:
        return []
    starts = plan.rows.select("slot", pl.col("start").dt.date().alias("day")).unique()
    held = (
        plan.commodities.filter(pl.col("held") >= 0.01)
        .join(starts, on="slot")
        .group_by("facility", "day", "class", "slot")
        .agg(pl.col("held").sum())
        .group_by("facility", "day", "class")
        .agg(pl.col("held").max())
        .filter(pl.col("held") >= _LEAST)
        .sort("day", "facility", "class")
    )
    return [
        {
            "facility": row["facility"],
            "from": f"{row['day']}T00:00",
            "to": f"{row['day']}T24:00",
            "action": "hold-at-senders",
            "parcels": row["held"],
            "vehicles": None,
            "what_en": f"put off collection of up to {row['held']:,.0f} {row['class']} parcels and tell the senders",
            "what_zh": f"推迟揽收最多 {row['held']:,.0f} 件 {row['class']}，并告知寄件人",
            "why_en": "waiting at the sender's costs less than in the network",
            "why_zh": "在寄件人处等待的代价低于在途等待",
            "if_not_en": "the parcels wait in the network and take up room",
            "if_not_zh": "邮件将滞留在网内并占用场地",
        }
        for row in held.iter_rows(named=True)
    ]


def _dispatches(plan: Plan, lanes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    loads = (
        plan.rows.filter((pl.col("row") == "depart") & (pl.col("load") >= _LEAST))
        .group_by("id", pl.col("start").dt.date().alias("day"))
        .agg(pl.col("load").sum())
        .sort("day", "id")
    )
    rows = []
    for row in loads.iter_rows(named=True):
        lane = lanes[row["id"]]
        vehicles = _vehicles(row["load"], lane)
        if vehicles is None:
            continue
        rows.append(
            {
                "facility": lane["origin"],
                "from": f"{row['day']}T00:00",
                "to": f"{row['day']}T24:00",
                "action": "dispatch",
                "parcels": row["load"],
                "vehicles": vehicles,
                "what_en": f"send {vehicles:,.0f} vehicle(s) on lane {row['id']} to {lane['destination']}",
                "what_zh": f"线路 {row['id']} 发往 {lane['destination']}，{vehicles:,.0f} 车",
                "why_en": "planned flow of the day",
                "why_zh": "当日计划流量",
                "if_not_en": "the parcels wait here",
                "if_not_zh": "邮件将在此等待",
            }
        )
    return rows
