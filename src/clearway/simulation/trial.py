"""Try a plan before it is told: its variants on the clock, and the one that costs least.

In:     Plan, the case as far as it is known
Out:    the Plan that is to be told, with what was tried
Not:    judging it afterwards (runs.py), planning
Words:  variant = the plan with or without its calls, with its own or all extra capacity, on its own hops, the
        shortest open ways, or the usual ones
Source: docs/simulation.md
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from clearway.planning import Plan, SortPlan
from clearway.simulation.runs import simulate

FIRST_SEED = 1_000_000  # far from the seeds that anyone judges by


def _variants(plan: Plan) -> list[tuple[str, Plan]]:
    """Variants by name; the plan as it is comes first."""
    floor = plan.sort_plan
    assert floor is not None

    def carried(sort_plan: SortPlan, **how: str) -> Plan:
        return replace(plan, sort_plan=sort_plan, facts={**plan.facts, "carry_out": how})

    called_at_once = SortPlan(floor.hops, floor.calls.clear())
    found = [("as planned", carried(floor)), ("with all extra capacity", carried(floor, extra="all"))]
    if len(floor.calls):
        found += [
            ("nothing held", carried(called_at_once)),
            ("nothing held, with all extra capacity", carried(called_at_once, extra="all")),
        ]
    found += [
        ("shortest open ways", carried(called_at_once, hops="shortest")),
        ("shortest open ways, with all extra capacity", carried(called_at_once, hops="shortest", extra="all")),
    ]
    if plan.usual is not None:
        found += [
            ("usual ways", carried(called_at_once, hops="usual")),
            ("usual ways, nothing mobilised", carried(called_at_once, hops="usual", extra="none")),
        ]
    return found


def try_plan(
    plan: Plan,
    *,
    runs: int = 1,
    seed: int = FIRST_SEED,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Simulate the variants of a plan and return the one with the lowest mean cost.

    Parameters
    ----------
    runs, seed
        Each variant is run with seeds ``seed`` … ``seed + runs - 1``.

    Returns
    -------
    The plan to be told; ``facts["trial"]`` holds what each variant came to, ``facts["carry_out"]`` how it is
    carried out where that is not as planned.
    """
    begun, rows = time.perf_counter(), []
    variants = _variants(plan)
    for name, variant in variants:
        outcome = simulate(plan.case, variant, seed=seed, runs=runs, threads=threads)
        facts = outcome.facts
        rows.append(
            {
                "variant": name,
                "cost": facts["cost"],
                "overflow_hours": facts["overflow_hours"],
                "share_72h": facts["share_72h"],
                "undelivered": facts["parcels"]["offered"] - facts["parcels"]["delivered"],
            }
        )
        if progress is not None:
            progress(f"tried {name}: cost {facts['cost']:,.0f}")
    best = min(range(len(rows)), key=lambda i: rows[i]["cost"])
    chosen = variants[best][1]
    trial: dict[str, Any] = {
        "runs": runs,
        "seed": seed,
        "chosen": rows[best]["variant"],
        "variants": rows,
        "seconds": time.perf_counter() - begun,
    }
    changes = plan.changes
    if changes is not None and rows[best]["variant"].startswith(("usual", "shortest")):
        changes = changes.with_columns(pl.lit(False).alias("kept"))
    return replace(chosen, changes=changes, facts={**chosen.facts, "trial": trial})
