"""The national method beside the exact one: bracket, feasibility from the written files, warm start."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import clearway as cw
from clearway.planning import build_problem, check_plan
from clearway.planning.dual import solve_dual
from clearway.planning.lagrangian import lower_bound, out_of_reach
from clearway.planning.plans import Plan
from tests.oracle import Oracle
from tests.random_cases import write_random_case

GAP = 1e-3
FEW = 40
MANY = 50 if os.environ.get("CLEARWAY_SOAK_SHARE") == "small" else 600


def brackets(folder: Path, seed: int) -> None:
    """Bound ≤ optimum ≤ objective, recounted from the written files, and the gap that was asked for."""
    write_random_case(folder / "case", seed)
    case = cw.Case.read(folder / "case")
    made = cw.plan(case, method="dual", gap=GAP, threads=2)
    made.write(folder / "plan")
    checked = check_plan(Plan.read(folder / "plan"), case)
    optimum = Oracle(folder / "case").solve()
    slack = 1e-6 * max(1.0, abs(optimum))
    assert not checked.faults, (seed, checked.faults)
    assert checked.conservation_violation <= 1e-6 and checked.row_violation <= 1e-6, seed
    assert made.facts["lower_bound"] <= optimum + slack, seed
    assert checked.objective >= optimum - slack, seed
    assert checked.objective <= optimum * (1 + GAP) + slack, seed


@pytest.mark.parametrize("seed", range(FEW))
def test_brackets_the_optimum(tmp_path: Path, seed: int) -> None:
    """On random cases of every kind."""
    brackets(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(5000, 5000 + MANY, 50))
def test_brackets_many(tmp_path: Path, first: int) -> None:
    """The same on many more cases."""
    for seed in range(first, first + 50):
        brackets(tmp_path / str(seed), seed)


def test_two_bounds_agree_and_so_does_what_is_out_of_reach() -> None:
    """The compiled sweep over all lanes and the one in plain arrays prove the same number."""
    problem = build_problem(cw.Case.read("tiny"))
    found = solve_dual(problem, gap=0.0, most_iterations=60, flows=True)
    assert found.bound == pytest.approx(lower_bound(problem, found.prices), rel=1e-12)
    assert found.bound_at_zero <= found.bound
    apart = out_of_reach(problem)
    assert found.out_of_reach[0] == pytest.approx(apart.parcels)
    assert found.out_of_reach[1] == pytest.approx(apart.cost)


def test_equal_runs_give_equal_plans() -> None:
    """For a given number of threads nothing is left to chance."""
    problem = build_problem(cw.Case.read("tiny"))
    one, two = (solve_dual(problem, gap=0.0, most_iterations=50, threads=2) for _ in range(2))
    assert one.bound == two.bound and one.tally.objective == two.tally.objective
    assert np.array_equal(one.tally.loads, two.tally.loads)


def test_an_earlier_plan_is_a_better_start() -> None:
    """After a closure, the old prices prove more than none before anything has moved."""
    case = cw.Case.read("tiny")
    before = cw.plan(case, method="dual", gap=1e-4)
    first = build_problem(case).offer.facilities[0]
    changed = case.with_disruption(f"closed facility {first} 2022-11-10T12:00 2022-11-10T16:00")
    cold = cw.plan(changed, method="dual", gap=0.0, time_limit=0.0)
    warm = cw.plan(changed, method="dual", gap=0.0, time_limit=0.0, warm=before)
    assert warm.facts["lower_bound"] > cold.facts["lower_bound"]


def test_a_time_limit_leaves_a_plan_with_its_gap() -> None:
    """Stopped at once, the plan is feasible and its gap honest."""
    made = cw.plan(cw.Case.read("tiny"), method="dual", gap=0.0, time_limit=0.0)
    assert made.facts["status"] == "time limit" and not made.facts["gap_reached"]
    assert made.facts["lower_bound"] <= 73980.649 <= made.facts["objective"] + 1e-3
    assert not check_plan_in_memory(made)


def check_plan_in_memory(made: Plan) -> tuple[str, ...]:
    return check_plan(made, made.case).faults
