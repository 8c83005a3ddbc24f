"""Words about a plan: why here, what it would take, which disruption took the capacity, when it clears.

In:     Plan (rows, flows where written) and one target: facility, lane, pair or class
Out:    text in English or Chinese; the facts behind it as a dictionary
Not:    new numbers: everything is read off the plan and its case; sentences (explain_words.py)
Words:  worth = what one more parcel an hour, all day, would save (Σ price × hours of a slot)
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway.core.errors import PlanError
from clearway.core.schema import nearest
from clearway.core.timegrid import format_time
from clearway.disruption import describe_hits
from clearway.planning.explain_words import sentences
from clearway.planning.plans import Plan


def explain(plan: Plan, *, lang: str = "en", **target: str | None) -> str:
    """Explain one target; exactly one of ``facility``, ``lane``, ``pair`` (``O-D``), ``cls``.

    Raises PlanError where the target is unknown or several are given.
    """
    return "\n".join(sentences(explain_facts(plan, **target), lang))


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
        (pl.col("row") == "storage") & (pl.col("id") == facility) & (pl.col("slot") == part["slot"][-1] + 1)
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


def row_facts(rows: pl.DataFrame, slot_hours: float) -> list[dict[str, Any]]:
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
                (pl.col("price").sum() * slot_hours).alias("worth"),
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
        "rows": row_facts(mine, plan.case.grid.slot_hours),
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
        "rows": row_facts(mine, plan.case.grid.slot_hours),
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
