"""Instructions that follow from the sort plan, its calls and the case: divert, stagger, embargo, passage, sites.

In:     Plan
Out:    rows of instructions, without names
Not:    what follows from capacities (instructions_of_rows.py)
Words:  call = the slot in which parcels offered earlier are accepted
Source: docs/instructions.md
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from clearway.core.timegrid import TimeGrid, format_time, parse_clock
from clearway.disruption import Targets
from clearway.planning.instructions_of_rows import LEAST, least, vehicles
from clearway.planning.plans import Plan
from clearway.planning.sortplan import waves_of

NAMED = 6  # places that a sentence names
_PASSAGE = ("no-entry", "no-exit", "no-transit", "slow", "handling")


Names = dict[str, tuple[str, str]]


def _named(ids: list[str], names: Names, lang: str) -> str:
    """The first few of a list in words."""
    some = [f"{names[i][0]} {i}".strip() if lang == "en" else names[i][1] or i for i in ids[:NAMED]]
    rest = len(ids) - len(some)
    if lang == "en":
        return ", ".join(some) + (f" and {rest} more" if rest else "")
    return "、".join(some) + (f" 等 {len(ids)} 处" if rest else "")


def _names(plan: Plan) -> Names:
    """English and Chinese name of each facility; in English that of its place, where it has one."""
    places = plan.case.places
    english = dict(places.select("code", "name_en").iter_rows()) if "name_en" in places.columns else {}
    rows = plan.case.facilities.select("id", "name", "place").iter_rows()
    return {i: (english.get(place) or name or "", name or "") for i, name, place in rows}


def opened_sites(plan: Plan) -> list[dict[str, Any]]:
    """Open the sites that the plan chose."""
    chosen = plan.facts.get("sites", {}).get("opened", [])
    facilities = {row["id"]: row for row in plan.case.facilities.iter_rows(named=True)}
    sorted_ = dict(plan.rows.filter(pl.col("row") == "sort").group_by("id").agg(pl.col("load").sum()).iter_rows())
    rows = []
    for site in chosen:
        begins = plan.case.grid.start + timedelta(hours=facilities[site]["open_from_hours"] or 0.0)
        n = sorted_.get(site, 0.0)
        rows.append(
            {
                "facility": site,
                "from": format_time(begins),
                "to": format_time(plan.case.grid.end),
                "action": "open-site",
                "parcels": n,
                "vehicles": None,
                "what_en": f"open the site; it sorts {n:,.0f} parcels in all",
                "what_zh": f"启用该场地，共分拣 {n:,.0f} 件",
                "why_en": f"opening costs {facilities[site]['open_cost'] or 0.0:,.0f}; the plan with it costs less in "
                "all than without",
                "why_zh": f"启用费用 {facilities[site]['open_cost'] or 0.0:,.0f}，启用后总成本更低",
                "if_not_en": "its parcels go through centres that are full",
                "if_not_zh": "邮件须经已饱和的中心中转",
            }
        )
    return rows


def embargoes(plan: Plan) -> list[dict[str, Any]]:
    """The list to publish of each embargo that is in force."""
    case = plan.case
    offer = case.offer()
    targets, names = case.targets(offer), _names(plan)
    rows = []
    for one in case.disruptions.filter(pl.col("kind") == "embargo").iter_rows(named=True):
        members = [
            f
            for f, inside in zip(offer.facilities, targets.members(one["target_type"], one["target"]), strict=True)
            if inside
        ]
        bureau = one["target"] if one["target_type"] == "place" else ""
        for f in members[:1]:
            rows.append(
                {
                    "facility": f,
                    "bureau": bureau,
                    "from": format_time(one["start"]),
                    "to": format_time(one["end"] or case.grid.end),
                    "action": "publish-embargo",
                    "parcels": None,
                    "vehicles": None,
                    "what_en": "publish: nothing is accepted anywhere for " + _named(members, names, "en"),
                    "what_zh": "公布：各地暂停收寄寄往" + _named(members, names, "zh") + "的邮件快件",
                    "why_en": f"embargo {one['id']}",
                    "why_zh": f"停收 {one['id']}",
                    "if_not_en": "parcels that cannot be delivered fill the network",
                    "if_not_zh": "无法投递的邮件将占用全网",
                }
            )
    return rows


def _calls(plan: Plan) -> pl.DataFrame | None:
    if plan.sort_plan is None or not len(plan.sort_plan.calls):
        return None
    return plan.sort_plan.calls.with_columns(pl.col(c).cast(pl.String) for c in ("facility", "destination", "class"))


def never_accepted(plan: Plan) -> list[dict[str, Any]]:
    """What is offered and not accepted within the horizon, by origin and day: tell senders not to bring it."""
    calls = _calls(plan)
    if calls is None:
        return []
    grid, names = plan.case.grid, _names(plan)
    part = (
        calls.filter(pl.col("call").is_null() & pl.col("slot").is_not_null())
        .with_columns(_time(grid, "slot").dt.date().alias("day"))
        .group_by("facility", "class", "day")
        .agg(
            pl.col("slot").min().alias("first"),
            pl.col("slot").max().alias("last"),
            pl.col("parcels").sum(),
            pl.col("destination").sort_by(pl.col("parcels"), descending=True).unique(maintain_order=True),
        )
        .filter(pl.col("parcels") >= least(plan))
        .sort("day", "facility", "class")
    )
    return [
        {
            "facility": row["facility"],
            "from": format_time(grid.time(row["first"])),
            "to": format_time(grid.time(row["last"] + 1)),
            "action": "stop-acceptance",
            "parcels": row["parcels"],
            "vehicles": None,
            "what_en": f"do not accept {row['parcels']:,.0f} {row['class']} parcels; publish the list: "
            + _named(row["destination"], names, "en"),
            "what_zh": f"暂停收寄 {row['class']} {row['parcels']:,.0f} 件，公布名单："
            + _named(row["destination"], names, "zh"),
            "why_en": "they cannot be delivered before the end of the plan, or only at the cost of others",
            "why_zh": "计划期内无法投递，或须以延误其他邮件为代价",
            "if_not_en": "they lie in the network and take up room",
            "if_not_zh": "将滞留在网内并占用场地",
        }
        for row in part.iter_rows(named=True)
    ]


def staggering(plan: Plan) -> list[dict[str, Any]]:
    """The staggering schedule of each origin: how many, offered when, are accepted when."""
    calls = _calls(plan)
    if calls is None:
        return []
    grid, names = plan.case.grid, _names(plan)
    part = (
        calls.filter(pl.col("call").is_not_null() & (pl.col("call") > pl.col("slot").fill_null(0)))
        .group_by("facility", "class", "call")
        .agg(
            pl.col("slot").min().alias("first"),
            pl.col("slot").max().alias("last"),
            pl.col("slot").is_null().any().alias("stock"),
            pl.col("parcels").sum(),
            pl.col("destination").sort_by(pl.col("parcels"), descending=True).unique(maintain_order=True),
        )
        .filter(pl.col("parcels") >= least(plan))
        .sort("call", "facility", "class")
    )
    rows = []
    for row in part.iter_rows(named=True):
        since = grid.start if row["stock"] or row["first"] is None else grid.time(row["first"])
        until = since if row["last"] is None else grid.time(row["last"] + 1)
        call = grid.time(row["call"])
        hours = f"{since:%m-%d %H:%M}–{until:%m-%d %H:%M}"
        rows.append(
            {
                "facility": row["facility"],
                "from": format_time(since),
                "to": format_time(call),
                "action": "hold-acceptance",
                "parcels": row["parcels"],
                "vehicles": None,
                "what_en": f"of what is offered {hours}, accept {row['parcels']:,.0f} {row['class']} parcels only from "
                f"{call:%m-%d %H:%M} on: " + _named(row["destination"], names, "en"),
                "what_zh": f"{hours} 交寄的 {row['class']} 中 {row['parcels']:,.0f} 件，{call:%m-%d %H:%M} 起再揽收："
                + _named(row["destination"], names, "zh"),
                "why_en": "waiting at the sender's, told beforehand, costs less than waiting in the network",
                "why_zh": "提前告知后在寄件人处等待，代价低于滞留网内",
                "if_not_en": "they wait in the network and take up room",
                "if_not_zh": "将滞留网内并占用场地",
            }
        )
    return rows


def _time(grid: TimeGrid, column: str) -> pl.Expr:
    return pl.lit(grid.start) + pl.duration(minutes=pl.col(column).cast(pl.Int64) * grid.slot_minutes)


def _waves(plan: Plan) -> dict[tuple[Any, str], tuple[datetime, datetime]]:
    """When each wave begins and ends."""
    grid = plan.case.grid
    waves = waves_of(grid, plan.case.settings.simulated.waves)
    begins = [
        max(grid.start, datetime(d.year, d.month, d.day) + timedelta(minutes=parse_clock(c)))
        for d, c in zip(waves.days, waves.clocks, strict=True)
    ]
    ends = [*begins[1:], grid.end]
    return {key: span for key, span in zip(zip(waves.days, waves.clocks, strict=True), zip(begins, ends, strict=True),
                                           strict=True)}  # fmt: skip


def diversions(plan: Plan) -> list[dict[str, Any]]:
    """Which destinations go another way than usual, by facility and pair of hops, waves in a row together."""
    if plan.changes is None:
        return []
    names, spans = _names(plan), _waves(plan)
    number = {key: i for i, key in enumerate(spans)}
    listed = list(spans.values())
    kept = plan.changes.filter(pl.col("kept")) if "kept" in plan.changes.columns else plan.changes
    keys = list(kept.select("day", "wave").iter_rows())
    part = (
        kept.with_columns(pl.Series("n", [number.get(k, -1) for k in keys], dtype=pl.Int64))
        .filter(pl.col("n") >= 0)
        .group_by("facility", "usual_hop", "next_hop", "n")
        .agg(
            pl.col("parcels").sum(),
            pl.col("worth").sum(),
            pl.col("destination").sort_by(pl.col("parcels"), descending=True),
        )
        .sort("facility", "usual_hop", "next_hop", "n")
        .with_columns((pl.col("n") - pl.int_range(pl.len()).over("facility", "usual_hop", "next_hop")).alias("spell"))
        .group_by("facility", "usual_hop", "next_hop", "spell", maintain_order=True)
        .agg(
            pl.col("n").min().alias("first"),
            pl.col("n").max().alias("last"),
            pl.col("parcels").sum(),
            pl.col("worth").sum(),
            pl.col("destination").explode().unique(maintain_order=True),
        )
        .filter(pl.col("parcels") >= least(plan))
    )
    rows = []
    for row in part.iter_rows(named=True):
        usual, hop, worth = row["usual_hop"], row["next_hop"], row["worth"]
        rows.append(
            {
                "facility": row["facility"],
                "from": format_time(listed[row["first"]][0]),
                "to": format_time(listed[row["last"]][1]),
                "action": "divert",
                "parcels": row["parcels"],
                "vehicles": None,
                "what_en": f"send to {_named([hop], names, 'en')} instead of {_named([usual], names, 'en')}: "
                f"{row['parcels']:,.0f} parcels for {_named(row['destination'], names, 'en')}",
                "what_zh": f"改发{_named([hop], names, 'zh')}（原发{_named([usual], names, 'zh')}）："
                f"{row['parcels']:,.0f} 件，寄往{_named(row['destination'], names, 'zh')}",
                "why_en": f"the usual way is shut or full; this is worth {worth:,.0f} at the plan's prices"
                if worth >= 1.0
                else "costs no more than the usual way, and leaves room on it for others",
                "why_zh": f"原路由关闭或饱和，按影子价格可节省 {worth:,.0f}"
                if worth >= 1.0
                else "成本不高于原路由，并为其他邮件留出运力",
                "if_not_en": "they wait where the usual way is shut, or crowd out others there",
                "if_not_zh": "将在原路由处等待或挤占其他邮件",
            }
        )
    return rows


def passages(plan: Plan) -> list[dict[str, Any]]:
    """Where vehicles pass a control or a slowed way: ask its bureau for passage, as many as are planned."""
    case, rows = plan.case, []
    listed = case.disruptions.filter(pl.col("kind").is_in(_PASSAGE)).iter_rows(named=True)
    offer = case.offer()
    targets: Targets = case.targets(offer)
    names, lanes = _names(plan), {row["id"]: row for row in case.lanes.to_dicts()}
    loads = plan.rows.filter((pl.col("row") == "depart") & (pl.col("load") >= LEAST)).select("id", "start", "load")
    for one in listed:
        if one["target_type"] == "lane":
            continue
        inside = targets.members(one["target_type"], one["target"])
        touched = {
            offer.lanes[i] for i in range(len(offer.lanes)) if inside[offer.origin[i]] != inside[offer.destination[i]]
        }
        end = one["end"] or case.grid.end
        part = loads.filter(
            pl.col("id").is_in(list(touched)) & (pl.col("start") >= one["start"]) & (pl.col("start") < end)
        )
        if part.is_empty():
            continue
        sums = part.group_by("id").agg(pl.col("load").sum()).sort(pl.col("load").neg(), "id")
        cars = [vehicles(n, lanes[lane]) for lane, n in sums.iter_rows()]
        count = None if None in cars else float(sum(c for c in cars if c is not None))
        member = next(f for f, yes in zip(offer.facilities, inside, strict=True) if yes)
        n = float(sums["load"].sum())
        ends = sorted(
            {lanes[lane]["origin"] for lane in sums["id"]} | {lanes[lane]["destination"] for lane in sums["id"]}
        )
        rows.append(
            {
                "facility": member,
                "bureau": one["target"] if one["target_type"] == "place" else "",
                "from": format_time(max(one["start"], case.grid.start)),
                "to": format_time(end),
                "action": "priority-passage",
                "parcels": n,
                "vehicles": count,
                "what_en": "passes for "
                + (f"{count:,.0f} vehicles" if count is not None else f"vehicles with {n:,.0f} parcels")
                + f" on {len(sums)} lane(s) between {_named(ends, names, 'en')}",
                "what_zh": (f"为 {count:,.0f} 车" if count is not None else f"为 {n:,.0f} 件的车辆")
                + f"办理通行证，{len(sums)} 条线路：{_named(ends, names, 'zh')}",
                "why_en": f"{one['kind']} {one['id']}",
                "why_zh": f"{one['kind']} {one['id']}",
                "if_not_en": "vehicles wait at the control and what they carry is late",
                "if_not_zh": "车辆在卡口等待，所载邮件延误",
            }
        )
    return rows
