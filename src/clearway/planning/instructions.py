"""Instructions of a plan: to whom, from when to when, what, how much, why, and what if not.

In:     Plan
Out:    a frame of instructions in English and Chinese, one row each, in order of time
Not:    which next hop each destination takes (the sort plan; sheets of reporting), sending them (desk)
Words:  bureau = the place whose administration the facility is under; draft = a person confirms it first
Source: docs/instructions.md
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.planning.instructions_of_floor import (
    diversions,
    embargoes,
    never_accepted,
    opened_sites,
    passages,
    staggering,
)
from clearway.planning.instructions_of_rows import dispatches, mobilised, room
from clearway.planning.plans import Plan

COLUMNS = (
    "facility",
    "name",
    "operator",
    "bureau",
    "bureau_name",
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
ACTIONS = {
    "open-site": {"en": "open a transfer site", "zh": "启用临时接驳点"},
    "publish-embargo": {"en": "publish what is not accepted", "zh": "公布停收名单"},
    "stop-acceptance": {"en": "stop acceptance", "zh": "暂停收寄"},
    "priority-passage": {"en": "ask for priority passage", "zh": "申请优先通行"},
    "hold-acceptance": {"en": "stagger acceptance", "zh": "错峰收寄"},
    "mobilise-sort": {"en": "extra sorting shift", "zh": "增开分拣班次"},
    "mobilise-deliver": {"en": "extra couriers", "zh": "增派投递力量"},
    "charter": {"en": "chartered departures", "zh": "加开车次"},
    "divert": {"en": "divert", "zh": "改发"},
    "make-room": {"en": "make room", "zh": "准备场地"},
    "dispatch": {"en": "planned departures", "zh": "计划发车"},
}


def draft_instructions(plan: Plan) -> pl.DataFrame:
    """All instructions of a plan (columns COLUMNS), by time, then by facility and action."""
    case = plan.case
    rows: list[dict[str, Any]] = [
        *opened_sites(plan),
        *embargoes(plan),
        *never_accepted(plan),
        *passages(plan),
        *staggering(plan),
        *mobilised(plan),
        *diversions(plan),
        *room(plan),
        *dispatches(plan),
    ]
    places = dict(case.places.select("code", "name").iter_rows())
    columns = [c for c in ("name", "operator", "place") if c in case.facilities.columns]
    facilities = {row["id"]: row for row in case.facilities.select("id", *columns).iter_rows(named=True)}
    for row in rows:
        known = facilities.get(row["facility"], {})
        row["name"] = known.get("name") or ""
        row["operator"] = known.get("operator") or ""
        row["bureau"] = row.get("bureau") or known.get("place") or ""
        row["bureau_name"] = places.get(row["bureau"]) or ""
    frame = pl.DataFrame(rows, schema={c: pl.Float64 if c in ("parcels", "vehicles") else pl.String for c in COLUMNS})
    return frame.sort("from", "facility", "action", "what_en", maintain_order=True)
