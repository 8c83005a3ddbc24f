"""Choosing sites: the best of all choices on small cases, and a bound that none beats."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from clearway.core.errors import InputError, PlanError
from clearway.planning import build_problem, plan_with_sites
from clearway.planning.sites import bound_of_choice, relaxed
from tests.random_cases import write_random_case

COSTS = {"site": 40.0, "site2": 15.0, "site3": 120.0}


def case_with_sites(folder: Path, seed: int) -> cw.Case:
    """A random case whose candidate stands there three times, with other capacities, hours and opening costs."""
    write_random_case(folder, seed)
    case = cw.Case.read(folder)
    one, lanes = case.facilities.filter(pl.col("id") == "site"), [case.lanes]
    facilities = [case.facilities.filter(pl.col("id") != "site")]
    others = [f for f in case.facilities["id"] if f != "site"]
    rng = np.random.default_rng(seed)
    for site, cost in COSTS.items():
        facilities.append(
            one.with_columns(
                pl.lit(site).alias("id"),
                pl.lit(float(rng.choice([10, 30, 60]))).alias("sort_per_hour"),
                pl.lit(cost).alias("open_cost"),
                pl.lit(float(rng.choice([0, 6]))).alias("open_from_hours"),
            )
        )
        new = [
            {
                "id": f"{a}-{b}-{site}",
                "origin": a,
                "destination": b,
                "mode": "road",
                "hours": float(rng.choice([1, 3])),
                "cost": 0.1,
                "per_hour": 40.0,
            }
            for other in others
            for a, b in ((other, site), (site, other))
        ]
        lanes.append(pl.DataFrame(new).cast({c: case.lanes.schema[c] for c in new[0]}))
    lanes[0] = case.lanes.filter((pl.col("origin") != "site") & (pl.col("destination") != "site"))
    demand = case.demand.with_columns(pl.col("parcels") * 3)
    case = replace(case, facilities=pl.concat(facilities), lanes=pl.concat(lanes, how="diagonal"))
    case.with_demand(demand.select(pl.all().exclude("place"))).write(folder.with_name(f"sites-{seed}"))
    return cw.Case.read(folder.with_name(f"sites-{seed}"))


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 6, 9, 12, 14])
def test_the_choice_is_the_best_of_all(tmp_path: Path, seed: int) -> None:
    case = case_with_sites(tmp_path / "case", seed)
    totals = {}
    for size in range(len(COSTS) + 1):
        for chosen in combinations(COSTS, size):
            made = cw.plan(case.with_sites(chosen), method="exact")
            totals[chosen] = made.facts["objective"] + sum(COSTS[s] for s in chosen)
    best = min(totals.values())
    made = plan_with_sites(case)
    sites = made.facts["sites"]
    assert sites["exact"]
    assert sites["total"] == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert totals[tuple(s for s in COSTS if s in sites["opened"])] == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert sites["bound"] == pytest.approx(best, rel=1e-6, abs=1e-6)
    # the relaxed choice never promises less than the best costs, at whatever prices
    whole = build_problem(case.with_sites(list(COSTS)))
    for prices in (
        cw.plan(case.with_sites(list(COSTS)), method="exact"),
        cw.plan(case, method="exact"),
    ):
        from clearway.planning.frames import read_prices

        assert bound_of_choice(whole, read_prices(whole, prices.rows), COSTS) <= best + 1e-6 * max(1.0, abs(best))
    from clearway.planning.exact import solve_exact
    from clearway.planning.lagrangian import lower_bound

    cheaper = relaxed(whole, COSTS)
    assert lower_bound(cheaper, solve_exact(cheaper).prices) <= best + 1e-6 * max(1.0, abs(best))


def test_some_choices_open_and_some_do_not(tmp_path: Path) -> None:
    """The cases above are no idle ones."""
    opened = [len(plan_with_sites(case_with_sites(tmp_path / str(s), s)).facts["sites"]["opened"]) for s in (1, 5, 9)]
    assert len(set(opened)) > 1


@pytest.mark.parametrize("seed", [1, 5])
def test_search_agrees_with_the_exact_choice(tmp_path: Path, seed: int) -> None:
    case = case_with_sites(tmp_path / "case", seed)
    exact = plan_with_sites(case).facts["sites"]
    found = plan_with_sites(case, method="dual", gap=1e-4).facts["sites"]
    assert found["bound"] <= exact["total"] + 1e-6 * abs(exact["total"])
    assert found["total"] <= exact["total"] * 1.01 + 1e-6


def test_a_site_is_there_from_its_hour_on(tmp_path: Path) -> None:
    case = case_with_sites(tmp_path / "case", 3)
    first = case.facilities.filter(pl.col("id") == "site")["open_from_hours"].item()
    offer = case.with_sites(["site"]).offer()
    f = offer.facilities.index("site")
    begins = case.grid.slot_hours * np.arange(case.grid.slots)
    assert (offer.sort[f][begins < first] == 0).all()
    assert "site2" not in offer.facilities


def test_unknown_candidates_are_named(tmp_path: Path) -> None:
    case = case_with_sites(tmp_path / "case", 1)
    with pytest.raises(PlanError, match="nowhere"):
        plan_with_sites(case, ["nowhere"])
    with pytest.raises(InputError, match="f0"):
        case.with_sites(["f0"])
