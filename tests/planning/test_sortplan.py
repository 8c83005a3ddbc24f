"""Sort plans and calls against the flows they are made of, with both methods."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from clearway.core.timegrid import TimeGrid
from clearway.planning import waves_of
from tests.random_cases import write_random_case


def test_waves_cut_days_at_their_clocks() -> None:
    grid = TimeGrid(datetime(2022, 11, 10, 2), 18, 120)
    waves = waves_of(grid, ["18:00", "06:00"])
    assert waves.of_slot.tolist() == [0] * 2 + [1] * 6 + [2] * 6 + [3] * 4
    # the small hours belong to the night that began the day before
    assert [str(d) for d in waves.days] == ["2022-11-09", "2022-11-10", "2022-11-10", "2022-11-11"]
    assert waves.clocks == ("18:00", "06:00", "18:00", "06:00")


def planned(case: cw.Case, method: str) -> cw.Plan:
    if method == "exact":
        return cw.plan(case, method="exact")
    return cw.plan(case, method="dual", gap=0.02, flows=True, threads=1)


@pytest.mark.parametrize("method", ["exact", "dual"])
@pytest.mark.parametrize("seed", [None, 3, 9, 16])
def test_hops_are_the_largest_flows(tmp_path: Path, seed: int | None, method: str) -> None:
    if seed is not None:
        write_random_case(tmp_path, seed)
    case = cw.Case.read("tiny" if seed is None else tmp_path)
    plan = planned(case, method)
    assert plan.sort_plan is not None and plan.flows is not None
    hops = plan.sort_plan.hops
    lanes = {row["id"]: row for row in case.lanes.iter_rows(named=True)}
    waves = waves_of(case.grid, case.settings.simulated.waves)
    sums: dict[tuple[str, str, str, str, str], dict[str, float]] = {}
    for row in plan.flows.iter_rows(named=True):
        w = waves.of_slot[row["slot"]]
        key = (
            lanes[row["lane"]]["origin"],
            str(waves.days[w]),
            waves.clocks[w],
            row["destination"],
            row["class"],
        )
        cell = sums.setdefault(key, {})
        cell[row["lane"]] = cell.get(row["lane"], 0.0) + row["parcels"]
    seen = set()
    for key, part in hops.partition_by(
        "facility", "day", "wave", "destination", "class", as_dict=True, maintain_order=True
    ).items():
        name = tuple(str(x) for x in key)
        cell = sums[name]  # type: ignore[index]
        seen.add(name)
        assert 1 <= len(part) <= 2
        assert part["share"].sum() == pytest.approx(1.0)
        assert np.allclose(part["share"].to_numpy() * 20, np.rint(part["share"].to_numpy() * 20), atol=1e-5)
        best = sorted(cell.values(), reverse=True)[:2]
        mine = sorted((cell[lane] for lane in part["lane"]), reverse=True)
        assert mine == pytest.approx(best[: len(mine)])
        for lane, hop, share in part.select("lane", "next_hop", "share").iter_rows():
            assert lanes[lane]["destination"] == hop
            assert abs(share - cell[lane] / sum(best)) <= 0.0251
    left_out = {key for key, cell in sums.items() if max(cell.values()) > 0.051} - seen
    assert not left_out


@pytest.mark.parametrize("seed", [None, 1, 4, 9, 12])
def test_calls_follow_what_is_held(tmp_path: Path, seed: int | None) -> None:
    """Calling parcels in as told accepts, slot by slot, what the plan accepts but for half a slot's parcels."""
    if seed is not None:
        write_random_case(tmp_path, seed)
    case = cw.Case.read("tiny" if seed is None else tmp_path)
    plan = planned(case, "exact")
    assert plan.sort_plan is not None and plan.commodities is not None
    if not case.settings.hold_at_sender:
        assert plan.sort_plan.calls.is_empty()
        return
    slots = case.grid.slots
    called = {
        (r["facility"], r["destination"], r["class"], r["slot"]): slots if r["call"] is None else r["call"]
        for r in plan.sort_plan.calls.drop_nulls("slot").iter_rows(named=True)
    }
    portions = plan.sort_plan.calls.filter(pl.col("slot").is_null())
    assert all(call > key[3] for key, call in called.items())
    stock = {
        (r["facility"], r["destination"], r["class"]): r["parcels"]
        for r in case.stock.filter(pl.col("stage") == "held")
        .group_by("facility", "destination", "class")
        .agg(pl.col("parcels").sum())
        .iter_rows(named=True)
    }
    for key, part in plan.commodities.partition_by("facility", "destination", "class", as_dict=True).items():
        cell = tuple(str(x) for x in key)
        offered, accepted = np.zeros(slots), np.zeros(slots)
        offered[part["slot"].to_numpy()] = part["offered"].to_numpy()
        accepted[part["slot"].to_numpy()] = part["accepted"].to_numpy()
        told = np.zeros(slots + 1)
        for t in range(slots):
            told[called.get((*cell, t), t)] += offered[t]
        mine = portions.filter(
            (pl.col("facility") == cell[0]) & (pl.col("destination") == cell[1]) & (pl.col("class") == cell[2])
        )
        assert mine["parcels"].sum() == pytest.approx(stock.get(cell, 0.0), abs=0.1 * slots)
        np.add.at(told, mine["call"].fill_null(slots).to_numpy(), mine["parcels"].to_numpy())
        ahead = np.cumsum(told[:slots]) - np.cumsum(accepted)
        tolerance = 0.5 * offered.max() + 0.6 + 0.05 * slots
        assert ahead.min() >= -tolerance
        assert ahead.max() <= tolerance


def test_sort_plan_is_written_and_read(tmp_path: Path) -> None:
    plan = cw.plan(cw.Case.read("tiny"), method="exact")
    read = cw.Plan.read(plan.write(tmp_path / "plan"))
    assert read.sort_plan is not None and plan.sort_plan is not None
    assert read.sort_plan.hops.equals(plan.sort_plan.hops)
    assert read.sort_plan.calls.equals(plan.sort_plan.calls)


def test_dual_writes_a_sort_plan_without_flows() -> None:
    case = cw.Case.read("tiny")
    plan = cw.plan(case, method="dual", gap=0.002, flows=False)
    assert plan.flows is None and plan.sort_plan is not None
    sent = plan.rows.filter(pl.col("row") == "depart")["load"].sum()
    # two hops at most: nearly all that departs goes by them
    assert plan.sort_plan.hops["parcels"].sum() == pytest.approx(sent, rel=0.02)
