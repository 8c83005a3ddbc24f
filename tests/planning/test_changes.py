"""Changes of a sort plan: what each is worth, fewer of them, and what everything by the sort plan costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from clearway.planning import build_problem
from clearway.planning.changes import fewer, price_of_fewer, usual_lanes
from clearway.planning.frames import read_prices
from clearway.planning.lagrangian import _sweep
from clearway.planning.worths import FAR, lane_costs
from tests.random_cases import write_random_case

SEEDS = [1, 2, 4, 5, 7, 9, 12]


@pytest.mark.parametrize("seed", SEEDS)
def test_costs_of_a_lane_agree_with_the_bound(tmp_path: Path, seed: int) -> None:
    """Bound to the best of its lanes in one slot, a parcel costs what the proven bound's sweep says."""
    write_random_case(tmp_path, seed)
    case = cw.Case.read(tmp_path)
    plan, problem = cw.plan(case, method="exact"), build_problem(case)
    prices = read_prices(problem, plan.rows)
    if not problem.commodities:
        return
    sorted_ = _sweep(problem, prices, problem.penalty, np.arange(problem.commodities))[2]
    offer, rng = problem.offer, np.random.default_rng(seed)
    for g in range(problem.commodities):
        for f in range(len(offer.facilities)):
            lanes = np.flatnonzero(offer.origin == f)
            target = problem.offered.destination[g]
            if not len(lanes) or f == target:
                continue
            t = int(rng.integers(problem.grid.slots))
            three = np.full((-(-len(lanes) // 3), 3), -1)
            three.ravel()[: len(lanes)] = lanes
            n = len(three)
            cost = lane_costs(
                problem, prices, np.full(n, g), np.full(n, f), np.full(n, t), np.full(n, t), three, threads=1
            )
            assert (cost[three < 0] == FAR).all()
            assert min(cost.min(), 1e12) == pytest.approx(min(sorted_[t, f, g], 1e12), rel=1e-9, abs=1e-9)


@pytest.fixture(scope="module")
def made() -> tuple[cw.Plan, cw.Plan]:
    case = cw.Case.read("tiny")
    usual = cw.plan(case.without_disruptions(), method="exact")
    return usual, cw.plan(case, method="exact", usual=usual)


def test_changes_are_those_not_on_the_usual_lane(made: tuple[cw.Plan, cw.Plan]) -> None:
    usual, plan = made
    assert plan.changes is not None and plan.sort_plan is not None and usual.sort_plan is not None
    lanes = {tuple(r[:3]): r[3] for r in usual_lanes(usual.sort_plan.hops).iter_rows()}
    other = set()
    for f, day, wave, d, k, lane in plan.sort_plan.hops.select(
        "facility", "day", "wave", "destination", "class", "lane"
    ).iter_rows():
        if (f, d, k) in lanes and lanes[f, d, k] != lane:
            other.add((f, day, wave, d, k))
    listed = set(plan.changes.select("facility", "day", "wave", "destination", "class").iter_rows())
    assert listed == other
    assert plan.facts["changes"]["kept"] == len(other)
    assert plan.changes["worth"].is_sorted(descending=True)


@pytest.mark.parametrize("most", [0, 1, 3, 100])
def test_at_most_so_many(made: tuple[cw.Plan, cw.Plan], most: int) -> None:
    usual, free = made
    assert free.changes is not None
    plan = cw.plan(free.case, method="exact", usual=usual, max_changes=most)
    assert plan.changes is not None and plan.sort_plan is not None and free.sort_plan is not None
    assert plan.facts["changes"]["kept"] == min(most, len(free.changes))
    # those that are undone go by their usual lane alone, everything else stays; no parcel is lost
    keys = ["facility", "day", "wave", "destination", "class"]
    undone = plan.changes.filter(~pl.col("kept"))
    for row in undone.iter_rows(named=True):
        part = plan.sort_plan.hops.filter(pl.all_horizontal(pl.col(k) == row[k] for k in keys))
        assert part["lane"].cast(pl.String).to_list() == [row["usual"]]
        assert part["share"].to_list() == [1.0]
    assert plan.sort_plan.hops["parcels"].sum() == pytest.approx(free.sort_plan.hops["parcels"].sum())
    assert cw.simulate(free.case, plan).facts["parcels"]["offered"] > 0


def test_weight_undoes_only_where_there_is_room(made: tuple[cw.Plan, cw.Plan]) -> None:
    _, free = made
    assert free.changes is not None and free.sort_plan is not None
    waves = tuple(free.case.settings.simulated.waves)
    problem = build_problem(free.case)
    counts = []
    for weight in (0.0, 1.0, 10.0, 1e9):
        _, marked = fewer(free.sort_plan, free.changes, free.rows, waves, problem, weight=weight)
        counts.append(int(marked["kept"].sum()))
        assert (marked.filter(~pl.col("kept"))["worth"] < weight).all()
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(free.changes)
    shut = free.rows.with_columns(pl.lit(0.0).alias("capacity"), pl.lit(0.0).alias("extra_limit"))
    _, marked = fewer(free.sort_plan, free.changes, shut, waves, problem, weight=1e9)
    assert marked["kept"].all()


def test_price_of_fewer_grows(made: tuple[cw.Plan, cw.Plan]) -> None:
    _, free = made
    assert free.changes is not None
    told = price_of_fewer(free.changes)
    assert told[0]["price"] == 0
    assert [row["changes"] for row in told] == sorted({row["changes"] for row in told}, reverse=True)
    assert [row["price"] for row in told] == sorted(row["price"] for row in told)


@pytest.mark.parametrize("seed", [None, *SEEDS])
@pytest.mark.parametrize("method", ["exact", "dual"])
def test_everything_by_the_sort_plan_costs_no_less(tmp_path: Path, seed: int | None, method: str) -> None:
    if seed is not None:
        write_random_case(tmp_path, seed)
    facts = cw.plan(cw.Case.read("tiny" if seed is None else tmp_path), method=method, gap=1e-4).facts
    told = facts["sort_plan"]
    assert told["objective_of_flows"] == pytest.approx(facts["objective"], rel=1e-9, abs=1e-9)
    assert told["objective_by_sort_plan"] >= facts["lower_bound"] - 1e-6 * max(1.0, abs(facts["lower_bound"]))
    if method == "exact":
        assert told["loss"] >= -1e-9
