"""Which candidate sites to open: the best total of opening costs and objective, with a bound of the relaxed choice.

In:     Case with candidates
Out:    Plan with the chosen sites open; what was tried, and the bound over all choices
Not:    planning with a given set (solve.py)
Words:  worth of a site = what its rows (and those of its lanes) are priced at, all slots together
Source: docs/planning.md section 10. With every row of site i scaled by its choice y_i, the Lagrangian at prices π
        of the problem with all candidates open is

            L(π) + Σ_i min over y_i of y_i·(open cost_i − worth_i(π)) + worth_i(π)  =  L(π) + Σ_i min(worth_i, cost_i),

        since L(π) already counts −worth_i of every site. No choice and no plan can cost less.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.cases import Case
from clearway.core.errors import PlanError
from clearway.planning.exact import solve_exact
from clearway.planning.lagrangian import lower_bound
from clearway.planning.plans import Plan
from clearway.planning.problem import ROWS, Problem, build_problem
from clearway.planning.program import estimate_columns
from clearway.planning.solve import EXACT_UP_TO, plan, relative_gap

Floats = NDArray[np.float64]
Say = Callable[[str], None]
ALL_UP_TO = 3  # candidates up to which every choice is tried where none can be left out for its bound


@dataclass
class _Tried:
    """Plans by the set of sites that they open."""

    plans: dict[tuple[str, ...], Plan]
    costs: dict[str, float]

    def total(self, chosen: tuple[str, ...]) -> float:
        return float(self.plans[chosen].facts["objective"]) + self.opening(chosen)

    def opening(self, chosen: tuple[str, ...]) -> float:
        return sum(self.costs[site] for site in chosen)

    def best(self) -> tuple[str, ...]:
        return min(self.plans, key=lambda chosen: (self.total(chosen), len(chosen), chosen))


def plan_with_sites(
    case: Case,
    candidates: Sequence[str] | None = None,
    *,
    gap: float = 1e-3,
    time_limit: float | None = None,
    threads: int | None = None,
    method: str = "auto",
    options: dict[str, Any] | None = None,
    command: str = "",
    progress: Say | None = None,
    **more: Any,
) -> Plan:
    """Choose candidates to open and plan with them.

    Small cases are solved to the best choice as one mixed-integer program. Larger ones are searched: sites that
    the relaxed choice uses are opened one after the other while that pays, and closed again where it does.

    Parameters
    ----------
    candidates
        Ids of the candidates that may be opened; default: all of the case.
    time_limit
        Seconds of each plan that is tried.

    Returns
    -------
    The plan with the best total; ``facts["sites"]`` holds the choice, its costs, the bound and what was tried.

    Raises
    ------
    PlanError
        Where the case has no such candidate.
    """
    say = progress or (lambda text: None)
    begun = time.perf_counter()
    known = dict(case.candidates.select("id", "open_cost").iter_rows())
    wanted = sorted(known) if candidates is None else list(candidates)
    if not wanted or set(wanted) - set(known):
        unknown = ", ".join(sorted(set(wanted) - set(known))) or "none"
        raise PlanError(
            f"Candidates asked for and not there: {unknown}; the case has {', '.join(sorted(known)) or 'no candidate'}."
        )
    costs = {site: float(known[site] or 0.0) for site in wanted}
    whole = build_problem(case.with_sites(wanted))
    small = method != "dual" and estimate_columns(whole) <= EXACT_UP_TO
    tried = _Tried({}, costs)

    def attempt(chosen: tuple[str, ...]) -> float:
        chosen = tuple(sorted(chosen))
        if chosen not in tried.plans:
            say(f"with {', '.join(chosen) or 'no site'} open")
            derived = {**(options or {}), **({"sites": list(chosen)} if chosen else {})}
            warm = tried.plans[tried.best()] if tried.plans and not small else None
            tried.plans[chosen] = plan(
                case.with_sites(chosen), method=method, gap=gap, time_limit=time_limit, threads=threads,
                options=derived, command=command, progress=progress, warm=warm, **more,
            )  # fmt: skip
            say(f"  total {tried.total(chosen):,.0f}")
        return tried.total(chosen)

    attempt(())
    if small:
        bound, chosen = _exact_choice(whole, costs, threads)
        attempt(chosen)
    else:
        bound = _search(whole, costs, tried, attempt, threads, gap, time_limit, say)
    best = tried.best()
    made = tried.plans[best]
    total = tried.total(best)
    bound = min(bound, total)
    made.facts["sites"] = {
        "candidates": wanted,
        "opened": list(best),
        "open_cost": tried.opening(best),
        "total": total,
        "bound": bound,
        "gap": relative_gap(total, bound),
        "exact": small,
        "tried": [
            {
                "opened": list(key),
                "open_cost": tried.opening(key),
                "objective": p.facts["objective"],
                "lower_bound": p.facts["lower_bound"],
                "total": tried.total(key),
            }
            for key, p in sorted(tried.plans.items(), key=lambda item: tried.total(item[0]))
        ],
    }
    made.facts["seconds"] = time.perf_counter() - begun
    return made


def _owner(problem: Problem, costs: dict[str, float]) -> dict[str, NDArray[np.int64]]:
    """The site that each row belongs to by kind of row (ids,), -1: none; a lane's is that at either end."""
    place = {site: i for i, site in enumerate(costs)}
    at = np.array([place.get(f, -1) for f in problem.offer.facilities], np.int64)
    lanes = np.maximum(at[problem.offer.origin], at[problem.offer.destination])
    return {name: lanes if name == "depart" else at for name in ROWS}


def worths(problem: Problem, prices: dict[str, Floats], costs: dict[str, float]) -> Floats:
    """What the rows of each site are priced at  [currency], in the order of ``costs``."""
    found = np.zeros(len(costs))
    owner = _owner(problem, costs)
    cap = problem.overflow_price * problem.grid.slot_hours
    for name in ROWS:
        row = problem.rows[name]
        price = np.where(row.limited, np.maximum(prices[name], 0.0), 0.0)
        if name == "storage":
            price = np.minimum(price, cap)
        value = price * np.where(row.limited, row.base, 0.0)
        value = value + np.where(row.limited, row.extra * np.maximum(0.0, price - row.premium[:, None]), 0.0)
        mine = owner[name] >= 0
        np.add.at(found, owner[name][mine], value[mine].sum(axis=1))
    return found


def bound_of_choice(problem: Problem, prices: dict[str, Floats], costs: dict[str, float]) -> float:
    """What no choice of sites and no plan can cost less than, at prices of the problem with all of them open."""
    return lower_bound(problem, prices) + float(
        np.minimum(worths(problem, prices, costs), np.array(list(costs.values()))).sum()
    )


def relaxed(problem: Problem, costs: dict[str, float]) -> Problem:
    """The problem in which a site's sorting is bought parcel by parcel, at its opening cost ÷ all it could sort.

    A site that is open sorts at most that much, so this costs no more than the best choice.
    """
    row = problem.rows["sort"]
    base, extra, premium = row.base.copy(), row.extra.copy(), row.premium.copy()
    for site, cost in costs.items():
        f = problem.offer.facilities.index(site)
        total = float((base[f] + extra[f]).sum())
        if not np.isfinite(total) or total <= 0:
            continue
        extra[f], base[f], premium[f] = base[f] + extra[f], 0.0, cost / total
    return replace(problem, rows={**problem.rows, "sort": replace(row, base=base, extra=extra, premium=premium)})


def _search(
    whole: Problem,
    costs: dict[str, float],
    tried: _Tried,
    attempt: Callable[[tuple[str, ...]], float],
    threads: int | None,
    gap: float,
    time_limit: float | None,
    say: Say,
) -> float:
    """Open what the relaxed choice uses while that pays; returns the bound of the relaxed choice."""
    from clearway.planning.compiled import prepare

    prepare(say)
    from clearway.planning.dual import solve_dual

    say("the relaxed choice")
    found = solve_dual(
        relaxed(whole, costs), gap=gap, time_limit=time_limit, threads=threads or os.cpu_count() or 1, progress=say
    )
    bound = max(found.bound, bound_of_choice(whole, found.prices, costs))
    places = {site: whole.offer.facilities.index(site) for site in costs}
    use = {site: float(found.loads["sort"][f].sum()) for site, f in places.items()}
    say("relaxed use: " + ", ".join(f"{site} {n:,.0f}" for site, n in sorted(use.items(), key=lambda x: -x[1])))
    order = [site for site in sorted(costs, key=lambda s: (-use[s], s)) if use[site] >= 1.0]
    if len(order) <= ALL_UP_TO:
        for size in range(1, len(order) + 1):
            for chosen in combinations(order, size):
                attempt(chosen)
        return bound
    best: tuple[str, ...] = ()
    for site in order:
        if attempt((*best, site)) < tried.total(best):
            best = tuple(sorted((*best, site)))
    improved = len(best) > 1
    while improved:
        improved = False
        for site in best:
            less = tuple(s for s in best if s != site)
            if attempt(less) < tried.total(best):
                best, improved = less, True
                break
    return bound


def _exact_choice(problem: Problem, costs: dict[str, float], threads: int | None) -> tuple[float, tuple[str, ...]]:
    """Optimum and choice of the mixed-integer program."""
    solution = solve_exact(problem, threads=threads, sites=(list(costs.values()), _owner(problem, costs)))
    if not solution.optimal:
        raise PlanError(f"The choice of sites was not solved: {solution.status}.")
    chosen = [site for site, y in zip(costs, solution.chosen, strict=True) if y > 0.5]
    return solution.bound, tuple(chosen)
