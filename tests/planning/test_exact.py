"""The exact method against a second program, and the properties any plan must have."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from tests.oracle import Oracle
from tests.random_cases import write_random_case

FEW = 60
MANY = 150 if os.environ.get("CLEARWAY_SOAK_SHARE") == "small" else 1500


def agrees(folder: Path, seed: int) -> None:
    write_random_case(folder, seed)
    case = cw.Case.read(folder)
    plan = cw.plan(case)
    facts = plan.summary()
    expected = Oracle(folder).solve()
    assert math.isclose(facts["objective"], expected, rel_tol=1e-6, abs_tol=1e-6), seed
    assert math.isclose(facts["lower_bound"], expected, rel_tol=1e-6, abs_tol=1e-6), seed
    assert max(facts["violations"]["conservation"], facts["violations"]["rows"]) <= 1e-6
    parcels = facts["parcels"]
    assert math.isclose(parcels["offered"], parcels["delivered"] + parcels["undelivered"], rel_tol=1e-9, abs_tol=1e-6)
    assert facts["cost_out_of_reach"] <= expected + 1e-6


@pytest.mark.parametrize("seed", range(FEW))
def test_agrees_with_a_second_program(tmp_path: Path, seed: int) -> None:
    """On random cases of every kind the objective is that of a program built from the page alone."""
    agrees(tmp_path / "case", seed)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1000, 1000 + MANY, 50))
def test_agrees_on_many(tmp_path: Path, first: int) -> None:
    """The same on many more cases."""
    for seed in range(first, first + 50):
        agrees(tmp_path / str(seed), seed)


def small(tmp_path: Path, seed: int) -> cw.Case:
    write_random_case(tmp_path / "case", seed)
    return cw.Case.read(tmp_path / "case")


def cost(case: cw.Case) -> float:
    return float(cw.plan(case).summary()["objective"])


def changed(case: cw.Case, **frames: pl.DataFrame) -> cw.Case:
    from dataclasses import replace

    return replace(case, **frames)


SEEDS = (3, 8, 21, 34)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_capacity_never_costs_more(tmp_path: Path, seed: int) -> None:
    """Doubling sorting, delivery or lanes can only lower the cost."""
    case = small(tmp_path, seed)
    before = cost(case)
    for column in ("sort_per_hour", "deliver_per_hour", "storage", "accept_per_hour"):
        wider = changed(case, facilities=case.facilities.with_columns(pl.col(column) * 2))
        assert cost(wider) <= before + 1e-6 * max(1, before)
    wider = changed(case, lanes=case.lanes.with_columns(pl.col("per_hour") * 2, pl.col("capacity") * 2))
    assert cost(wider) <= before + 1e-6 * max(1, before)


@pytest.mark.parametrize("seed", SEEDS)
def test_doubling_everything_doubles_the_objective(tmp_path: Path, seed: int) -> None:
    """Twice the parcels on twice the capacities costs twice as much."""
    case = small(tmp_path, seed)
    double = changed(
        case,
        facilities=case.facilities.with_columns(
            pl.col("sort_per_hour", "deliver_per_hour", "storage", "accept_per_hour") * 2
        ),
        lanes=case.lanes.with_columns(pl.col("per_hour", "capacity") * 2),
        demand=case.demand.with_columns(pl.col("parcels") * 2),
        stock=case.stock.with_columns(pl.col("parcels") * 2),
    )
    assert math.isclose(cost(double), 2 * cost(case), rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_names_order_and_split_rows_change_nothing(tmp_path: Path, seed: int) -> None:
    """Reversed tables and demand rows cut in two leave the cost as it is."""
    case = small(tmp_path, seed)
    halves = case.demand.with_columns(pl.col("parcels") / 2)
    other = changed(
        case,
        facilities=case.facilities.reverse(),
        lanes=case.lanes.reverse(),
        demand=pl.concat([halves, halves]).reverse(),
        disruptions=case.disruptions.reverse(),
    )
    assert math.isclose(cost(other), cost(case), rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_renaming_changes_nothing(tmp_path: Path, seed: int) -> None:
    """Other ids for facilities, the same cost."""
    write_random_case(tmp_path / "case", seed)
    before = cost(cw.Case.read(tmp_path / "case"))
    for name in ("facilities", "lanes", "demand", "stock", "disruptions"):
        path = tmp_path / "case" / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        for i in range(5):
            lines[1:] = [
                ",".join(f"节点{i}" if cell == f"f{i}" else cell for cell in line.split(",")) for line in lines[1:]
            ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert math.isclose(cost(cw.Case.read(tmp_path / "case")), before, rel_tol=1e-6, abs_tol=1e-6)


def test_no_disruption_equals_an_empty_file(tmp_path: Path) -> None:
    """A case without disruptions.csv and one with only its header cost the same."""
    case = small(tmp_path, 5).without_disruptions()
    one = cost(case)
    case.write(tmp_path / "again")
    assert not (tmp_path / "again" / "disruptions.csv").exists()
    (tmp_path / "again" / "disruptions.csv").write_text("id,kind,target_type,target,start\n", encoding="utf-8")
    assert math.isclose(cost(cw.Case.read(tmp_path / "again")), one, rel_tol=1e-9)


def test_a_closed_facility_handles_nothing() -> None:
    """In the slots in which Hefei is closed nothing is sorted, delivered, accepted or sent there."""
    plan = cw.plan(cw.Case.read("tiny"))
    start, end = plan.case.disruptions.select("start", "end").row(0)
    inside = pl.col("start").is_between(start, end, closed="left") & (pl.col("id") == "340100")
    rows = plan.rows.filter(inside & pl.col("row").is_in(["accept", "sort", "deliver"]))
    assert len(rows) == 36
    assert rows["load"].sum() == 0
    assert rows["price"].null_count() == 24 + 12  # accept is shut too


def test_prices_are_what_one_more_parcel_saves() -> None:
    """A little more delivery in Wuhan on one slot saves its price, by solving again."""
    case = cw.Case.read("tiny")
    tight = changed(
        case,
        facilities=case.facilities.with_columns(
            pl.when(pl.col("id") == "420100")
            .then(60.0)
            .otherwise(pl.col("deliver_per_hour"))
            .alias("deliver_per_hour"),
            pl.lit(None, pl.Float64).alias("extra_deliver_share"),
        ),
    )
    plan = cw.plan(tight)
    prices = plan.rows.filter((pl.col("row") == "deliver") & (pl.col("id") == "420100"))["price"].to_numpy()
    assert prices.max() > 1
    more = changed(
        tight,
        facilities=tight.facilities.with_columns(
            pl.when(pl.col("id") == "420100")
            .then(60.0 + 0.01 / 2)
            .otherwise(pl.col("deliver_per_hour"))
            .alias("deliver_per_hour")
        ),
    )
    saved = plan.summary()["objective"] - cost(more)
    assert math.isclose(saved, 0.01 * float(np.nansum(prices)), rel_tol=1e-3)


def test_unconnected_parts_are_planned_and_named() -> None:
    """Without the lanes into Wuhan its parcels stay undelivered, and the plan says which."""
    case = cw.Case.read("tiny")
    cut = changed(case, lanes=case.lanes.filter(pl.col("destination") != "420100"))
    facts = cw.plan(cut).summary()
    assert facts["gap_reached"]
    assert {row["destination"] for row in facts["out_of_reach"]} == {"420100"}
    assert facts["parcels_out_of_reach"] > 5000


def test_a_time_limit_leaves_an_honest_plan(tmp_path: Path) -> None:
    """Stopped at once, the plan is feasible, its bound below the optimum and its gap not reached."""
    case = cw.Case.read("tiny")
    best = cost(case)
    stopped = cw.plan(case, time_limit=1e-9)
    facts = stopped.summary()
    assert not facts["gap_reached"]
    assert facts["lower_bound"] <= best <= facts["objective"]
    assert max(facts["violations"]["conservation"], facts["violations"]["rows"]) <= 1e-6


def test_check_finds_what_was_changed(tmp_path: Path) -> None:
    """A written plan agrees with its files; one with a changed flow does not."""
    cw.plan(cw.Case.read("tiny")).write(tmp_path)
    assert cw.check_plan(cw.Plan.read(tmp_path)).faults == ()
    flows = pl.read_parquet(tmp_path / "flows.parquet")
    flows.with_columns(pl.col("parcels") * 1.5).write_parquet(tmp_path / "flows.parquet")
    faults = cw.check_plan(cw.Plan.read(tmp_path)).faults
    assert any("not feasible" in fault for fault in faults)
    assert any("objective" in fault for fault in faults)
