"""Carry a plan out and plan anew every few hours from the state there is then, as a control room would.

In:     Case with everything that happens, a first plan or none
Out:    Outcome, and the plans made on the way
Not:    planning (planning.replan), steps (engine.py)
Words:  a replan sees only disruptions with known_from before it
Source: docs/simulation.md
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from clearway.cases import Case
from clearway.core.errors import SimulationError
from clearway.core.timegrid import format_time
from clearway.planning import WEIGHT, Plan, replan
from clearway.planning import plan as make_plan
from clearway.simulation.engine import Course
from clearway.simulation.inputs import build_inputs
from clearway.simulation.outcome import Outcome, build_outcome
from clearway.simulation.policies import plan_policy
from clearway.simulation.snapshot import take_state


@dataclass(frozen=True)
class Rehearsal:
    """What came of it; the plans in force one after the other."""

    outcome: Outcome
    plans: Sequence[Plan]


def rehearse(
    case: Case,
    first: Plan | None = None,
    *,
    every: timedelta = timedelta(hours=6),
    seed: int = 0,
    weight: float = WEIGHT,
    method: str = "auto",
    gap: float = 0.01,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Rehearsal:
    """Alternate simulation and replanning over the horizon.

    Parameters
    ----------
    case
        What happens. Plans see of its disruptions what is known when they are made.
    first
        The plan in force at the start; made from what is known then where it is not given.
    every
        A whole number of slots.
    weight, gap, time_limit
        Of each replan.

    Raises
    ------
    SimulationError
        Where ``every`` is no whole number of slots.

    Ctrl-C ends it with what there is so far.
    """
    say = progress or (lambda text: None)
    slots = every / timedelta(minutes=case.grid.slot_minutes)
    if slots < 1 or slots != int(slots):
        raise SimulationError(f"every must be a whole number of slots of {case.grid.slot_hours:g} h.")
    begun = time.perf_counter()
    limits: dict[str, Any] = {"method": method, "gap": gap, "time_limit": time_limit, "threads": threads}
    current = first
    if current is None:
        say("planning with what is known at the start")
        options = {"known_at": case.grid.start.isoformat()}
        current = make_plan(
            case.known_at(case.grid.start), options=options, command="rehearse", progress=say, **limits
        )  # fmt: skip
    inputs = build_inputs(case, seed=seed)
    policy = plan_policy(inputs, case, current, always=True)
    course = Course(replace(inputs, world=policy.world), policy.routes, threads=threads or os.cpu_count() or 1)
    plans, told = [current], [_facts(current, case, format_time(case.grid.start), None)]
    try:
        for slot in range(int(slots), case.grid.slots, int(slots)):
            at = case.grid.time(slot)
            course.go(inputs.grid.slot_of(at))
            say(f"{format_time(at)}: planning anew")
            before = current
            current = replan(
                before, at, take_state(course), case=case, weight=weight, command="rehearse", progress=say, **limits
            )
            plans.append(current)
            told.append(_facts(current, case, format_time(at), plans[-2]))
            policy = plan_policy(inputs, case, current, always=True)
            course.follow(policy.world, policy.routes)
        course.go()
    except KeyboardInterrupt:
        say("interrupted: what there is so far is kept")
    outcome = build_outcome(inputs, case, "rehearsed", [course.run()], [seed], time.perf_counter() - begun)
    outcome.facts["replans"] = told
    return Rehearsal(outcome, plans)


def _facts(made: Plan, case: Case, at: str, before: Plan | None) -> dict[str, Any]:
    """What is said of one replan."""
    known = {row["id"] for row in made.case.disruptions.iter_rows(named=True)}
    old = set() if before is None else {row["id"] for row in before.case.disruptions.iter_rows(named=True)}
    changes = made.facts.get("changes", {})
    return {
        "at": at,
        "seconds": made.facts["seconds"],
        "gap": made.facts["gap"],
        "undelivered": made.facts["parcels"]["undelivered"],
        "newly_known": sorted(known - old),
        "changes": changes.get("kept"),
        "changes_found": changes.get("found"),
    }
