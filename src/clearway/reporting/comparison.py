"""Runs side by side as one page: what is shown, read off outcomes and the plan that was carried out.

In:     Outcomes of one case, the Plan of the last of them where there is one
Out:    HTML
Not:    measuring (simulation), how pages are put together (page.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from clearway import __version__
from clearway.core.timegrid import format_time
from clearway.planning import Plan
from clearway.planning.instructions import ACTIONS, draft_instructions
from clearway.reporting import figures
from clearway.reporting.page import ROW_NAMES, outlines, render
from clearway.reporting.templates import embedded
from clearway.simulation import Outcome, compare_outcomes

SHOWN = 30  # facilities in a heat strip
SHOWN_INSTRUCTIONS = 300
POLICIES = {
    "static": ("as usual, waiting where shut", "照常，遇封等待"),
    "reroute": ("shortest open ways", "最短可行路由"),
    "plan": ("the plan", "本方案"),
    "rehearsed": ("planned anew on the way", "滚动重排"),
}
# measure, English, Chinese, factor, digits, whether less is better
_MEASURES: tuple[tuple[str, str, str, float, int, bool], ...] = (
    ("cost", "cost", "总成本", 1, 0, True),
    ("overflow_hours", "yard hours beyond storage", "爆仓场时（小时）", 1, 0, True),
    ("overflow_parcel_hours", "parcel-hours beyond storage", "超存件时", 1, 0, True),
    ("backlog_age_h", "mean age of what waits, h", "积压平均时长（小时）", 1, 2, True),
    ("share_72h", "within 72 h, %", "72 小时准时率，%", 100, 2, False),
    ("share_within_promise", "within what was promised, %", "承诺时限内，%", 100, 2, False),
    ("stages_h.whole_trip", "whole trip, h", "全程时限（小时）", 1, 2, True),
    ("parcels.delivered", "delivered", "已投递", 1, 0, False),
    ("parcels.waiting", "waiting at the end", "期末等待", 1, 0, True),
    ("parcels.held_at_senders", "of them at senders", "其中寄件人处", 1, 0, True),
    ("costs.extra", "cost of what is mobilised", "增援费用", 1, 0, True),
    ("costs.undelivered", "cost of what is not delivered", "未投递费用", 1, 0, True),
)


def render_comparison(
    outcomes: Sequence[Outcome],
    names: Sequence[str] | None = None,
    *,
    plan: Plan | None = None,
    files: Sequence[str] = (),
) -> str:
    """One HTML page about several runs of the same parcels.

    Parameters
    ----------
    names
        Of the runs; default: their policies.
    plan
        The plan that was carried out: its bottlenecks and instructions are shown.
    files
        Names of files beside the page that it links to.

    Raises
    ------
    SimulationError
        Where the runs do not tell of the same parcels.
    """
    compare_outcomes(outcomes, [str(i) for i in range(len(outcomes))])
    runs = [_named(o, None if names is None else names[i]) for i, o in enumerate(outcomes)]
    points = _points(outcomes, plan)
    shown = [_run(o, points) | name for o, name in zip(outcomes, runs, strict=True)]
    measures = _measures(outcomes)
    facts = outcomes[-1].facts
    storage = np.array([p["storage"] or np.inf for p in points])
    top = np.max([np.array(r["waiting"]).max(axis=1) / storage for r in shown], axis=0)
    all_waiting = np.array(shown[0]["waiting"]).sum(axis=0)
    times = outcomes[0].slots.select("slot", "start").unique().sort("slot")["start"]
    load = None if plan is None else _load(plan, [p["id"] for p in points], len(times))
    data = {
        "runs": shown,
        "points": [{k: v for k, v in p.items() if k != "at" or v} for p in points],
        "time": [format_time(t) for t in times],
        "most": max(1, max(int(np.array(r["waiting"]).max()) for r in shown)),
        "fullest": np.argsort(-top, kind="stable")[:SHOWN].tolist(),
        "measures": [{"measure": m["measure"], "values": m["values"]} for m in measures],
        "outlines": outlines([p for p in points if p["at"]]),
        **({} if load is None else {"load": load.tolist(), "loaded": _most_loaded(load)}),
    }
    drafted = None if plan is None else draft_instructions(plan)
    title = facts["case"]["title"]
    return render(
        "compare.html.j2",
        "compare.js",
        title={lang: title.get(lang) or facts["case"]["name"] for lang in ("en", "zh")},
        clock=facts["clock_minutes"],
        tiles=_tiles(measures, runs),
        runs=runs,
        measures=measures,
        slots=len(times),
        worst_slot=int(all_waiting.argmax()),
        has_load=load is not None,
        bottlenecks=[] if plan is None else figures.bottlenecks(plan, most=15),
        row_names=ROW_NAMES,
        instructions=[] if drafted is None else _largest(drafted),
        all_instructions=0 if drafted is None else len(drafted),
        actions=ACTIONS,
        files=list(files),
        version=__version__,
        digest=facts["case"]["digest"][:16],
        data=embedded(data),
    )


def _named(outcome: Outcome, name: str | None) -> dict[str, str]:
    en, zh = POLICIES.get(outcome.facts["policy"], (outcome.facts["policy"],) * 2)
    return {"en": en, "zh": zh} if name is None else {"en": name, "zh": name}


def _points(outcomes: Sequence[Outcome], plan: Plan | None) -> list[dict[str, Any]]:
    """Facilities in the order of the outcomes, with names, coordinates and storage."""
    from clearway.planning.plans import reread_case

    case = plan.case if plan is not None else reread_case(outcomes[-1].facts["case"])
    located = {
        row["id"]: row for row in case.network.located().select("id", "name", "lon", "lat").iter_rows(named=True)
    }
    storage = dict(case.facilities.select("id", "storage").iter_rows())
    found = []
    for name in outcomes[0].facilities["facility"]:
        row = located.get(name, {})
        at = [row["lon"], row["lat"]] if row.get("lon") is not None and row.get("lat") is not None else None
        found.append({"id": name, "name": row.get("name") or name, "at": at, "storage": storage.get(name)})
    return found


def _run(outcome: Outcome, points: list[dict[str, Any]]) -> dict[str, Any]:
    """What one run holds by facility and slot, and its stages."""
    order = {p["id"]: i for i, p in enumerate(points)}
    slots = outcome.slots["slot"].n_unique()
    tables = {name: np.zeros((len(points), slots)) for name in ("waiting", "held", "overflow")}
    at = outcome.slots["facility"].replace_strict(order, return_dtype=pl.Int64).to_numpy()
    slot = outcome.slots["slot"].to_numpy()
    for name, table in tables.items():
        table[at, slot] = outcome.slots[name].to_numpy()
    stages = outcome.facts["stages_h"]
    whole = {k: v.round().astype(int) for k, v in tables.items()}
    return {
        "waiting": whole["waiting"].tolist(),
        "held": whole["held"].tolist(),
        "all_waiting": (whole["waiting"] + whole["held"]).sum(axis=0).tolist(),
        "all_over": whole["overflow"].sum(axis=0).tolist(),
        "stages": [
            None if stages[s] is None else round(stages[s], 3)
            for s in ("origin_processing", "transport", "destination_processing", "delivery")
        ],
    }


def _value(facts: dict[str, Any] | None, key: str) -> float | None:
    value: Any = facts
    for part in key.split("."):
        value = None if value is None else value.get(part)
    return None if value is None else float(value)


def _measures(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    found = []
    for key, en, zh, factor, digits, less in _MEASURES:
        values = [_value(o.facts, key) for o in outcomes]
        scaled = [None if v is None else factor * v for v in values]
        spread = [_value(o.facts.get("spread"), key) for o in outcomes]
        known = [(v if less else -v, i) for i, v in enumerate(scaled) if v is not None]
        best = min(known)[1] if known and len({v for v, _ in known}) > 1 else None
        found.append(
            {
                "measure": key,
                "en": en,
                "zh": zh,
                "digits": digits,
                "values": scaled,
                "spread": [None if s is None else factor * s for s in spread],
                "best": best,
            }
        )
    return found


def _tiles(measures: list[dict[str, Any]], runs: list[dict[str, str]]) -> list[dict[str, str]]:
    """The last run's measures that matter most, with the first run's beside them."""
    tiles = []
    for key in ("overflow_hours", "share_72h", "parcels.delivered", "cost"):
        m = next(x for x in measures if x["measure"] == key)
        first, last = m["values"][0], m["values"][-1]
        if last is None:
            continue
        digits = m["digits"]
        other = "" if first is None or len(runs) < 2 else f"{first:,.{digits}f}"
        tiles.append(
            {
                "value": f"{last:,.{digits}f}",
                "en": m["en"],
                "zh": m["zh"],
                "than_en": f"{other} {runs[0]['en']}" if other else "",
                "than_zh": f"{runs[0]['zh']} {other}" if other else "",
            }
        )
    return tiles


def _load(plan: Plan, ids: list[str], slots: int) -> np.ndarray[Any, Any]:
    """Planned sorting ÷ what can be sorted with extra (F, T); 0 where nothing can be sorted."""
    table = np.zeros((len(ids), slots))
    order = {name: i for i, name in enumerate(ids)}
    part = plan.rows.filter((pl.col("row") == "sort") & pl.col("id").is_in(ids))
    at = part["id"].replace_strict(order, return_dtype=pl.Int64).to_numpy()
    capacity = (part["capacity"].fill_null(float("inf")) + part["extra_limit"]).to_numpy()
    later = slots - part["slot"].n_unique()
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(capacity > 0, part["load"].to_numpy() / capacity, 0.0)
    table[at, part["slot"].to_numpy() + max(0, later)] = np.round(value, 3)
    return table


def _most_loaded(load: np.ndarray[Any, Any]) -> list[int]:
    order: list[int] = np.argsort(-load.mean(axis=1), kind="stable")[:SHOWN].tolist()
    return order


def _largest(drafted: pl.DataFrame) -> list[dict[str, Any]]:
    """Some of every action, the largest first, in order of time."""
    return (
        drafted.filter(pl.col("action") != "dispatch")
        .sort(pl.col("parcels").fill_null(float("inf")).neg(), "from", "facility")
        .with_columns(pl.int_range(pl.len()).over("action").alias("rank"))
        .sort("rank", maintain_order=True)
        .head(SHOWN_INSTRUCTIONS)
        .sort("from", "facility", "action", "what_en")
        .to_dicts()
    )
