"""Words about a plan: why here, what it would take, which disruption took the capacity, when it clears.

In:     Plan (rows, flows where written) and one target: facility, lane, pair or class
Out:    text in English or Chinese; the facts behind it as a dictionary
Not:    new numbers: everything is read off the plan and its case
Words:  worth = Σ price over the slots of a day: what one more parcel per slot all day would save
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.core.errors import PlanError
from clearway.core.tables import nearest
from clearway.core.timegrid import format_time
from clearway.disruption import describe_hits
from clearway.planning.plans import Plan

ROW_NAMES = {
    "en": {
        "accept": "acceptance",
        "sort": "sorting",
        "storage": "storage",
        "deliver": "delivery",
        "depart": "departures",
    },
    "zh": {"accept": "收寄", "sort": "分拣", "storage": "存放", "deliver": "投递", "depart": "发运"},
}
_BINDING = 1e-6


def explain(plan: Plan, *, lang: str = "en", **target: str | None) -> str:
    """Explain one target; exactly one of ``facility``, ``lane``, ``pair`` (``O-D``), ``cls``.

    Raises PlanError where the target is unknown or several are given.
    """
    return "\n".join(_WORDS[lang](explain_facts(plan, **target)))


def explain_facts(plan: Plan, **target: str | None) -> dict[str, Any]:
    """The facts that :func:`explain` puts into words."""
    given = {kind: name for kind, name in target.items() if name is not None}
    if len(given) != 1:
        raise PlanError("Name exactly one of facility, lane, pair or class.")
    kind, name = next(iter(given.items()))
    match kind:
        case "facility":
            return _facility(plan, name)
        case "lane":
            return _lane(plan, name)
        case "pair":
            return _pair(plan, name)
        case "cls" | "class":
            return _class(plan, name)
    raise PlanError(f"There is nothing to explain about {kind!r}.")


def clearing(rows: pl.DataFrame, facility: str) -> dict[str, Any] | None:
    """When a facility is beyond its storage: from, peak, and when it is clear for good."""
    part = rows.filter((pl.col("row") == "storage") & (pl.col("id") == facility) & (pl.col("overflow") > 0.5)).sort(
        "slot"
    )
    if part.is_empty():
        return None
    after = rows.filter(
        (pl.col("row") == "storage") & (pl.col("id") == facility) & (pl.col("slot") == part["slot"].max() + 1)
    )
    peak = part.sort("overflow")[-1]
    return {
        "from": format_time(part["start"][0]),
        "peak": peak["overflow"][0],
        "peak_at": format_time(peak["start"][0]),
        "clears": format_time(after["start"][0]) if len(after) else None,
    }


def _require(name: str, known: list[str], what: str) -> None:
    if name not in known:
        raise PlanError(f"There is no {what} {name!r} in the plan; did you mean {nearest(name, known)}?")


def row_facts(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """One entry a row kind: use, days where it binds, and what more of it is worth."""
    facts = []
    for (name,), part in rows.group_by("row", maintain_order=True):
        by_day = (
            part.group_by(pl.col("start").dt.date().alias("day"), maintain_order=True)
            .agg(
                pl.col("load").sum(),
                pl.col("capacity").sum(),
                pl.col("extra").sum(),
                pl.col("overflow").max(),
                pl.col("price").max(),
                pl.col("price").sum().alias("worth"),
                pl.col("capacity").null_count().alias("free"),
                (pl.col("capacity") + pl.col("extra_limit") <= 0).sum().alias("shut"),
                pl.len().alias("slots"),
            )
            .sort("day")
        )
        facts.append({"row": name, "days": by_day.to_dicts()})
    return facts


def _hits(plan: Plan, facility: int = -1, ends: tuple[int, int] | None = None, lane: int = -1) -> list[dict[str, Any]]:
    case = plan.case
    offer = case.offer()
    rows = describe_hits(case.disruptions, case.targets(offer), facility, ends, lane)
    return [{k: format_time(v) if k in ("start", "end") and v else v for k, v in row.items()} for row in rows]


def _facility(plan: Plan, name: str) -> dict[str, Any]:
    case = plan.case
    offer = case.offer()
    _require(name, list(offer.facilities), "facility")
    mine = plan.rows.filter((pl.col("id") == name) & (pl.col("row") != "depart"))
    lanes = case.lanes.filter((pl.col("origin") == name) | (pl.col("destination") == name))
    roads = plan.rows.filter((pl.col("row") == "depart") & pl.col("id").is_in(lanes["id"].to_list()))
    busiest = (
        roads.group_by("id")
        .agg(pl.col("load").sum(), pl.col("price").max(), pl.col("capacity").sum())
        .sort("load", descending=True)
        .head(8)
        .join(case.lanes.select("id", "origin", "destination"), on="id")
        .sort("load", descending=True)
    )
    label = case.facilities.filter(pl.col("id") == name)["name"][0]
    return {
        "kind": "facility",
        "id": name,
        "name": label,
        "rows": row_facts(mine),
        "clearing": clearing(plan.rows, name),
        "lanes": busiest.to_dicts(),
        "disruptions": _hits(plan, facility=offer.facilities.index(name)),
    }


def _lane(plan: Plan, name: str) -> dict[str, Any]:
    case = plan.case
    offer = case.offer()
    _require(name, list(offer.lanes), "lane")
    index = offer.lanes.index(name)
    ends = (int(offer.origin[index]), int(offer.destination[index]))
    mine = plan.rows.filter((pl.col("row") == "depart") & (pl.col("id") == name))
    top: list[dict[str, Any]] = []
    if plan.flows is not None:
        top = (
            plan.flows.filter(pl.col("lane") == name)
            .group_by("destination", "class")
            .agg(pl.col("parcels").sum())
            .sort("parcels", descending=True)
            .head(8)
            .to_dicts()
        )
    lane = case.lanes.filter(pl.col("id") == name).to_dicts()[0]
    return {
        "kind": "lane",
        "id": name,
        "name": f"{lane['origin']} → {lane['destination']} ({lane['mode']})",
        "rows": row_facts(mine),
        "carries": top,
        "disruptions": _hits(plan, ends=ends, lane=index),
    }


def _pair(plan: Plan, name: str) -> dict[str, Any]:
    case = plan.case
    ids = list(case.offer().facilities)
    options = [(o, name[len(o) + 1 :]) for o in ids if name.startswith(f"{o}-") or name.startswith(f"{o}:")]
    pair = next(((o, d) for o, d in options if d in ids), None)
    if pair is None:
        raise PlanError(f"There is no pair {name!r}; write ORIGIN-DESTINATION with ids of facilities.")
    if plan.flows is None or plan.commodities is None:
        raise PlanError("The plan was written without flows, so pairs cannot be explained; plan again with --flows.")
    origin, destination = pair
    to = plan.commodities.filter(pl.col("destination") == destination)
    here = to.filter(pl.col("facility") == origin)
    by_class = here.group_by("class", maintain_order=True).agg(
        pl.col("offered").sum(),
        pl.col("accepted").sum(),
        pl.col("held").max().alias("most_held"),
        pl.col("held").filter(pl.col("slot") == pl.col("slot").max()).sum().alias("held_at_last"),
    )
    ends = case.lanes.select(lane="id", start="origin", end="destination")
    used = plan.flows.filter(pl.col("destination") == destination).join(ends, on="lane")
    hops = used.group_by("start", "end", "lane").agg(pl.col("parcels").sum())
    route, seen, at = [], {origin}, origin
    while at != destination:
        options_here = hops.filter((pl.col("start") == at) & ~pl.col("end").is_in(list(seen))).sort(
            "parcels", descending=True
        )
        if options_here.is_empty():
            break
        total = options_here["parcels"].sum()
        step = options_here.row(0, named=True)
        route.append({"lane": step["lane"], "to": step["end"], "share": step["parcels"] / total if total else 0.0})
        at = step["end"]
        seen.add(at)
    return {
        "kind": "pair",
        "id": name,
        "name": f"{origin} → {destination}",
        "classes": by_class.to_dicts(),
        "route": route,
        "arrives": at == destination,
        "rows": [],
        "disruptions": _hits(plan, facility=ids.index(destination)),
    }


def _class(plan: Plan, name: str) -> dict[str, Any]:
    _require(name, list(plan.facts["classes"]), "class")
    held: list[dict[str, Any]] = []
    if plan.commodities is not None:
        held = (
            plan.commodities.filter((pl.col("class") == name) & (pl.col("undelivered") > 0.5))
            .group_by("destination")
            .agg(pl.col("undelivered").sum())
            .sort("undelivered", descending=True)
            .head(8)
            .to_dicts()
        )
    return {
        "kind": "class",
        "id": name,
        "name": name,
        "totals": plan.facts["classes"][name],
        "undelivered": held,
        "rows": [],
        "disruptions": [],
    }


# ------------------------------------------------------------------ words


def _binding(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(row["row"], day) for row in facts["rows"] for day in row["days"] if (day["price"] or 0) > _BINDING]
    return sorted(found, key=lambda item: -item[1]["worth"])


def _english(facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['kind']} {facts['id']}: {facts['name']}"]
    names = ROW_NAMES["en"]
    for row in facts["rows"]:
        for day in row["days"]:
            limit = (
                "no limit" if day["free"] else f"{day['load'] / max(day['capacity'], 1):.0%} of {day['capacity']:,.0f}"
            )
            if row["row"] == "storage":
                limit = (
                    f"{day['overflow']:,.0f} beyond storage at the worst" if day["overflow"] > 0.5 else "within storage"
                )
                lines.append(f"  {day['day']} {names[row['row']]}: {limit}")
                continue
            extra = f", {day['extra']:,.0f} mobilised" if day["extra"] > 0.5 else ""
            shut = f", shut in {day['shut']} of {day['slots']} slots" if day["shut"] else ""
            lines.append(f"  {day['day']} {names[row['row']]}: {day['load']:,.0f} parcels, {limit}{extra}{shut}")
    for name, day in _binding(facts)[:6]:
        lines.append(
            f"  What it would take: 1,000 more parcels per slot of {names[name]} all day on {day['day']} "
            f"would save about {1000 * day['worth']:,.0f} (price up to {day['price']:.3f} a parcel; "
            "true for small changes)."
        )
    if facts["kind"] in ("facility", "lane") and not _binding(facts):
        lines.append("  No capacity here binds: more of it would save nothing.")
    if facts.get("clearing"):
        c = facts["clearing"]
        until = f"clear from {c['clears']}" if c["clears"] else "not clear by the end of the horizon"
        lines.append(f"  Beyond its storage from {c['from']}, at most {c['peak']:,.0f} at {c['peak_at']}; {until}.")
    for lane in facts.get("lanes", []):
        price = f", price up to {lane['price']:.3f}" if (lane["price"] or 0) > _BINDING else ""
        lines.append(
            f"  lane {lane['id']} {lane['origin']} → {lane['destination']}: {lane['load']:,.0f} parcels{price}"
        )
    for row in facts.get("carries", []):
        lines.append(f"  carries {row['parcels']:,.0f} {row['class']} parcels for {row['destination']}")
    for row in facts.get("classes", []):
        lines.append(
            f"  {row['class']}: {row['offered']:,.0f} offered, {row['accepted']:,.0f} accepted, "
            f"at most {row['most_held']:,.0f} waiting at senders"
        )
    for step in facts.get("route", []):
        lines.append(f"  → {step['to']} by lane {step['lane']} ({step['share']:.0%} of what goes on from there)")
    if facts["kind"] == "pair" and not facts["arrives"]:
        lines.append("  The plan's lanes do not lead all the way: what is offered waits.")
    if "totals" in facts:
        t = facts["totals"]
        lines.append(
            f"  {t['offered']:,.0f} offered, {t['delivered']:,.0f} delivered, {t['undelivered']:,.0f} not; "
            f"{t['mean_hours']:.1f} h in the system on average"
        )
        lines += [f"  undelivered for {r['destination']}: {r['undelivered']:,.0f}" for r in facts["undelivered"]]
    lines += [_hit_text(hit, "en") for hit in facts["disruptions"]]
    return lines


def _chinese(facts: dict[str, Any]) -> list[str]:
    kinds = {"facility": "设施", "lane": "线路", "pair": "流向", "class": "类别"}
    names = ROW_NAMES["zh"]
    lines = [f"{kinds[facts['kind']]} {facts['id']}：{facts['name']}"]
    for row in facts["rows"]:
        for day in row["days"]:
            limit = (
                "无上限"
                if day["free"]
                else f"占能力 {day['capacity']:,.0f} 的 {day['load'] / max(day['capacity'], 1):.0%}"
            )
            if row["row"] == "storage":
                limit = f"最多超存 {day['overflow']:,.0f} 件" if day["overflow"] > 0.5 else "未超存"
                lines.append(f"  {day['day']} {names[row['row']]}：{limit}")
                continue
            extra = f"，增援 {day['extra']:,.0f} 件" if day["extra"] > 0.5 else ""
            shut = f"，{day['slots']} 个时段中关闭 {day['shut']} 个" if day["shut"] else ""
            lines.append(f"  {day['day']} {names[row['row']]}：{day['load']:,.0f} 件，{limit}{extra}{shut}")
    for name, day in _binding(facts)[:6]:
        lines.append(
            f"  如何改善：{day['day']} 全天每时段增加 1,000 件{names[name]}能力，约可节省 {1000 * day['worth']:,.0f}"
            f"（影子价格最高每件 {day['price']:.3f}；仅对小幅变化成立）。"
        )
    if facts["kind"] in ("facility", "lane") and not _binding(facts):
        lines.append("  此处能力未成瓶颈，增加能力不会节省。")
    if facts.get("clearing"):
        c = facts["clearing"]
        until = f"{c['clears']} 起消化完毕" if c["clears"] else "计划期末仍未消化"
        lines.append(f"  {c['from']} 起超出存放能力，{c['peak_at']} 最多 {c['peak']:,.0f} 件；{until}。")
    for lane in facts.get("lanes", []):
        price = f"，影子价格最高 {lane['price']:.3f}" if (lane["price"] or 0) > _BINDING else ""
        lines.append(f"  线路 {lane['id']} {lane['origin']} → {lane['destination']}：{lane['load']:,.0f} 件{price}")
    for row in facts.get("carries", []):
        lines.append(f"  运送发往 {row['destination']} 的 {row['class']} {row['parcels']:,.0f} 件")
    for row in facts.get("classes", []):
        lines.append(
            f"  {row['class']}：交寄 {row['offered']:,.0f}，收寄 {row['accepted']:,.0f}，寄件人处最多等待 {row['most_held']:,.0f}"
        )
    for step in facts.get("route", []):
        lines.append(f"  → {step['to']}，经线路 {step['lane']}（占该处发出量的 {step['share']:.0%}）")
    if facts["kind"] == "pair" and not facts["arrives"]:
        lines.append("  计划中的线路未通达，交寄件需等待。")
    if "totals" in facts:
        t = facts["totals"]
        lines.append(
            f"  交寄 {t['offered']:,.0f}，投递 {t['delivered']:,.0f}，未投 {t['undelivered']:,.0f}；平均 {t['mean_hours']:.1f} 小时"
        )
        lines += [f"  未投往 {r['destination']}：{r['undelivered']:,.0f}" for r in facts["undelivered"]]
    lines += [_hit_text(hit, "zh") for hit in facts["disruptions"]]
    return lines


def _hit_text(hit: dict[str, Any], lang: str) -> str:
    amount = "".join(f" {k}={hit[k]:g}" for k in ("factor", "hours") if hit[k] is not None)
    rows = f" [{hit['rows']}]" if hit["rows"] else ""
    until = hit["end"] or ("the end" if lang == "en" else "计划期末")
    source = f" ({hit['source']})" if hit["source"] else ""
    head = "reached by disruption" if lang == "en" else "受中断影响："
    return f"  {head} {hit['id']}: {hit['kind']} {hit['target_type']} {hit['target']}{amount}{rows}, {hit['start']} – {until}{source}"


_WORDS = {"en": _english, "zh": _chinese}
