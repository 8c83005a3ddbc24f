"""Plan a case: the time-expanded problem, its exact solution, the proven bound, and what it means.

In:     Case
Out:    Plan (flows, prices, bound), its recount, explanations, differences, instructions
Not:    simulation, pages (reporting)
Words:  gap, bound, price, source; docs/planning.md is the model, docs/solver.md the methods
"""

from clearway.planning.changes import usual_lanes
from clearway.planning.check import CheckResult, check_plan
from clearway.planning.diff import diff_plans
from clearway.planning.explain import clearing, explain
from clearway.planning.plans import Plan, derive_case
from clearway.planning.problem import Problem, build_problem
from clearway.planning.replanning import WEIGHT, replan
from clearway.planning.sites import plan_with_sites
from clearway.planning.solve import METHODS, plan
from clearway.planning.sortplan import SortPlan, waves_of
from clearway.planning.states import State

__all__ = [
    "METHODS",
    "WEIGHT",
    "CheckResult",
    "Plan",
    "Problem",
    "SortPlan",
    "State",
    "build_problem",
    "check_plan",
    "clearing",
    "derive_case",
    "diff_plans",
    "explain",
    "plan",
    "plan_with_sites",
    "replan",
    "usual_lanes",
    "waves_of",
]
