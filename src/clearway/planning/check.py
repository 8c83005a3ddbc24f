"""Check a written plan against its case, from the files alone.

In:     a plan's folder, and the case it was made for
Out:    CheckResult: objective and feasibility recounted, and what does not agree
Not:    solving
Source: docs/planning.md section 8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from clearway.cases import Case
from clearway.core.errors import PlanError
from clearway.planning.frames import read_prices
from clearway.planning.lagrangian import lower_bound
from clearway.planning.plans import Plan
from clearway.planning.problem import ROWS, Problem, build_problem
from clearway.planning.recount import recount

TOLERANCE = 1e-6


@dataclass(frozen=True)
class CheckResult:
    """What the recount found; ``faults`` is empty where everything agrees."""

    objective: float
    lower_bound: float
    conservation_violation: float
    row_violation: float
    load_difference: float
    faults: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "objective": self.objective,
            "lower_bound": self.lower_bound,
            "violations": {"conservation": self.conservation_violation, "rows": self.row_violation},
            "load_difference": self.load_difference,
            "agrees": not self.faults,
            "faults": list(self.faults),
        }


def check_plan(plan: Plan, case: Case | None = None) -> CheckResult:
    """Recount a plan; raises PlanError where its flows were not written or the case is another."""
    if plan.flows is None or plan.commodities is None:
        raise PlanError("The plan was written without flows, so it cannot be recounted; plan again with --flows.")
    problem = build_problem(plan.case if case is None else plan.matched(case))
    counted = recount(problem, plan.flows, plan.commodities)
    bound = lower_bound(problem, read_prices(problem, plan.rows))
    said = plan.facts
    faults = []
    if abs(counted.objective - said["objective"]) > TOLERANCE * max(1.0, abs(counted.objective)):
        faults.append(f"objective is {counted.objective:.6f}, summary.json says {said['objective']:.6f}")
    if (
        bound < said["lower_bound"] - TOLERANCE * max(1.0, abs(bound))
        and said["lower_bound"] > said["bound_at_zero_prices"]
    ):
        faults.append(f"the prices prove {bound:.6f}, summary.json says {said['lower_bound']:.6f}")
    if counted.conservation_violation > TOLERANCE or counted.row_violation > TOLERANCE:
        faults.append(f"not feasible: {counted.worst}")
    difference = _load_difference(problem, plan.rows, counted.loads)
    if difference > TOLERANCE:
        faults.append(f"rows.parquet differs from the flows by {difference:.3g} (relative)")
    return CheckResult(
        counted.objective, bound, counted.conservation_violation, counted.row_violation, difference, tuple(faults)
    )


def _table(problem: Problem, rows: pl.DataFrame, name: str, column: str) -> np.ndarray[Any, Any]:
    table = np.zeros_like(problem.rows[name].base)
    ids = problem.offer.lanes if name == "depart" else problem.offer.facilities
    part = rows.filter(pl.col("row") == name)
    position = {identity: i for i, identity in enumerate(ids)}
    at = [position[identity] for identity in part["id"]]
    table[at, part["slot"].to_numpy()] = part[column].fill_null(0.0).to_numpy()
    return table


def _load_difference(problem: Problem, rows: pl.DataFrame, loads: dict[str, np.ndarray[Any, Any]]) -> float:
    worst = 0.0
    for name in ROWS:
        if name == "accept" and not problem.hold:
            continue
        gap = np.abs(_table(problem, rows, name, "load") - loads[name]) / np.maximum(1.0, loads[name])
        worst = max(worst, float(gap.max(initial=0.0)))
    return worst
