"""Instructions say what the plan holds: who, when, how much, why, and what if not, in both languages."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

import clearway as cw
from clearway.planning import plan_with_sites
from clearway.planning.instructions import ACTIONS, COLUMNS, draft_instructions


@pytest.fixture(scope="module")
def plan() -> cw.Plan:
    """Tiny with a scarce centre, extra at a price, a control on the way, an embargo and little room."""
    case = cw.Case.read("tiny")
    usual = cw.plan(case.without_disruptions(), method="exact")
    case = replace(
        case,
        facilities=case.facilities.with_columns(
            pl.lit(0.3).alias("extra_sort_share"),
            pl.lit(0.2).alias("extra_premium"),
            pl.lit("Swift").alias("operator"),
        ),
        lanes=case.lanes.with_columns(
            pl.lit(0.3).alias("extra_share"),
            pl.lit(0.1).alias("extra_premium"),
            pl.lit(100.0).alias("parcels_per_vehicle"),
        ),
    )
    case = case.with_disruption(
        "capacity facility 310100 2022-11-10 2022-11-12 factor=0.3 rows=sort,storage",
        "capacity place 330100 2022-11-10 2022-11-12 factor=0.5 rows=depart",
        "handling place 420100 2022-11-10 hours=1",
        "embargo place 320100 2022-11-11T12:00 2022-11-12",
    )
    return cw.plan(case, method="exact", usual=usual)


def test_every_kind_is_told(plan: cw.Plan) -> None:
    drafted = draft_instructions(plan)
    assert drafted.columns == list(COLUMNS)
    told = set(drafted["action"])
    assert told >= {
        "divert", "hold-acceptance", "mobilise-sort", "charter", "priority-passage", "publish-embargo", "dispatch",
    }  # fmt: skip
    assert told <= set(ACTIONS)
    for column in ("facility", "from", "to", "what_en", "what_zh", "why_en", "why_zh", "if_not_en", "if_not_zh"):
        assert not drafted[column].is_null().any() and (drafted[column] != "").all(), column
    assert set(drafted["operator"]) == {"Swift"}
    assert (drafted["bureau"] != "").all()
    assert (drafted["from"] <= drafted["to"]).all()


def test_amounts_are_those_of_the_plan(plan: cw.Plan) -> None:
    drafted = draft_instructions(plan)
    extra = plan.rows.group_by("row").agg(pl.col("extra").filter(pl.col("extra") >= 1.0).sum())
    for row, action in (("sort", "mobilise-sort"), ("depart", "charter")):
        told = drafted.filter(pl.col("action") == action)["parcels"].sum()
        assert told == pytest.approx(extra.filter(pl.col("row") == row)["extra"].item())
    assert plan.changes is not None and plan.sort_plan is not None
    diverted = drafted.filter(pl.col("action") == "divert")["parcels"].sum()
    kept = plan.changes.filter(pl.col("kept"))["parcels"].sum()
    assert diverted <= kept + 1e-3 and diverted >= kept - len(plan.changes)
    calls = plan.sort_plan.calls
    held = calls.filter(pl.col("call").is_not_null() & (pl.col("call") > pl.col("slot").fill_null(0)))["parcels"].sum()
    told = drafted.filter(pl.col("action") == "hold-acceptance")["parcels"].sum()
    assert told == pytest.approx(held, abs=len(calls))
    charters = drafted.filter(pl.col("action") == "charter")
    assert (charters["vehicles"] >= charters["parcels"] / 100.0).all()
    embargo = drafted.filter(pl.col("action") == "publish-embargo").row(0, named=True)
    assert embargo["bureau"] == "320100" and "320100" in embargo["what_en"] and "停收" in embargo["why_zh"]


def test_without_changes_nothing_is_diverted(plan: cw.Plan) -> None:
    calm = cw.plan(cw.Case.read("tiny").without_disruptions(), method="exact")
    assert "divert" not in set(draft_instructions(calm)["action"])


def test_an_opened_site_is_told() -> None:
    case = cw.Case.read("tiny")
    site = case.facilities.filter(pl.col("id") == "340100").with_columns(
        pl.lit("T1").alias("id"), pl.lit(True).alias("candidate"), pl.lit(10.0).alias("open_cost"),
        pl.lit(4.0).alias("open_from_hours"), pl.lit(0.0).alias("deliver_per_hour"),
    )  # fmt: skip
    ways = case.lanes.filter((pl.col("origin") == "340100") | (pl.col("destination") == "340100")).with_columns(
        pl.when(pl.col(c) == "340100").then(pl.lit("T1")).otherwise(pl.col(c)).alias(c)
        for c in ("origin", "destination")
    )
    ways = ways.with_columns(pl.concat_str("origin", pl.lit("-"), "destination").alias("id"))
    case = replace(
        case, facilities=pl.concat([case.facilities, site]), lanes=pl.concat([case.lanes, ways])
    ).with_disruption("closed facility 340100 2022-11-10 2022-11-12")
    ids = case.facilities["id"].to_list()
    enum = pl.Enum(ids)
    case = replace(
        case,
        demand=case.demand.with_columns(pl.col(c).cast(pl.String).cast(enum) for c in ("origin", "destination")),
        stock=case.stock.with_columns(pl.col(c).cast(pl.String).cast(enum) for c in ("facility", "destination")),
    )
    made = plan_with_sites(case)
    assert made.facts["sites"]["opened"] == ["T1"]
    row = draft_instructions(made).filter(pl.col("action") == "open-site").row(0, named=True)
    assert row["facility"] == "T1" and row["from"] == "2022-11-10T04:00" and row["parcels"] > 0
