"""Fit the four handling parameters of the simulation to the published stage means, and test what was not fitted.

    python -m scripts.calibrate [--usual DIR]

Fitted on china-2022/calm, inter-city parcels, usual routes: origin_hours, travel_factor, destination_hours,
round_hours, against the stage means of the second quarter of 2024. Not fitted: the 72-hour share of that
quarter; whole trip and 72-hour share of the third quarter of 2023, and delivered ÷ accepted of two holidays
of 2022, where only the volume changes. Figures and sources: docs/simulation.md.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import polars as pl

from clearway.cases import Case
from clearway.planning import Plan, plan
from clearway.simulation import simulate

# hours; published express time limits of 2024 Q2 and 2023 Q3 (docs/simulation.md)
STAGES = {"origin_processing": 8.10, "transport": 32.42, "destination_processing": 9.66, "delivery": 2.88}
SHARE = 0.8472
OTHER_QUARTER = {"whole_trip": 54.24, "share_72h": 0.8375}
# days, parcels collected and delivered of published holidays, and collected a day before them, 10^8:
# the bulletin of 4 September, the mean of September
HOLIDAYS = {
    "1-7 October 2022": (7, 21.35, 19.67, 97.1 / 30),
    "10-12 September 2022": (3, 8.52, 9.31, 3.16),
}
MEAN_DAY = 2.956  # 10^8 a day, January to October 2022: what calm is made of
# The volumes of the two quarters are not at hand, those of their years are: 2023 on the base that 2024 grew from
YEAR_TO_YEAR = 1 / 1.215
ROUNDS = 6


def with_simulation(case: Case, **values: Any) -> Case:
    """The case with other [simulation] settings."""
    return replace(case, settings=replace(case.settings, simulation={**case.settings.simulation, **values}))


def run(case: Case, usual: Plan, **values: Any) -> dict[str, Any]:
    """Measures of usual routes with the given settings."""
    return simulate(with_simulation(case, **values), policy="static", usual=usual).summary()


def fit(case: Case, usual: Plan) -> tuple[dict[str, float], dict[str, Any]]:
    """Each parameter moves its own stage, so each is corrected by what its stage is off, a few times."""
    settings = asdict(case.settings.simulated)
    found = {k: float(settings[k]) for k in ("origin_hours", "travel_factor", "destination_hours", "round_hours")}
    facts: dict[str, Any] = {}
    for turn in range(ROUNDS):
        facts = run(case, usual, **found)
        stages = facts["stages_h"]
        off = {k: stages[k] / v - 1 for k, v in STAGES.items()}
        print(turn, {k: round(v, 3) for k, v in found.items()}, {k: f"{100 * v:+.1f} %" for k, v in off.items()})
        if max(abs(v) for v in off.values()) < 0.01 or turn == ROUNDS - 1:
            break
        found["origin_hours"] = max(
            0.0, found["origin_hours"] + STAGES["origin_processing"] - stages["origin_processing"]
        )
        found["travel_factor"] *= STAGES["transport"] / stages["transport"]
        gap = STAGES["destination_processing"] - stages["destination_processing"]
        found["destination_hours"] = max(0.0, found["destination_hours"] + gap)
        found["round_hours"] = min(12.0, found["round_hours"] * STAGES["delivery"] / stages["delivery"])
    return found, facts


def scaled(case: Case, factor: float) -> Case:
    """The case with all volumes times a factor."""
    return replace(
        case,
        demand=case.demand.with_columns(parcels=pl.col("parcels") * factor),
        stock=case.stock.with_columns(parcels=pl.col("parcels") * factor),
    )


def every_day(case: Case, before: float, level: float) -> Case:
    """The case with demand on every day: two days of ``before``, then ``level``, as factors of its first day."""
    first = case.demand["day"].min()
    one = case.demand.filter(pl.col("day") == first)
    days = int(case.settings.days)
    parts = [
        one.with_columns(
            day=(pl.col("day") + pl.duration(days=i)).cast(pl.Date),
            parcels=pl.col("parcels") * (before if i < 2 else level),
        )
        for i in range(days)
    ]
    return replace(case, demand=pl.concat(parts), stock=case.stock.with_columns(parcels=pl.col("parcels") * before))


def daily(case: Case, usual: Plan, days: int, **values: Any) -> tuple[float, float]:
    """Parcels collected and delivered on the ``days`` after two days of warm-up."""
    from clearway.simulation.engine import simulate_once
    from clearway.simulation.inputs import build_inputs
    from clearway.simulation.policies import static_policy
    from clearway.simulation.state import FINISHED, OFFERED

    case = with_simulation(case, **values)
    inputs = build_inputs(case)
    assert usual.sort_plan is not None
    chosen = static_policy(inputs, usual.sort_plan)
    inputs = replace(inputs, world=chosen.world)
    a_day = 1440 // inputs.grid.slot_minutes
    seen = []
    for until in (2 * a_day, (2 + days) * a_day):
        have = simulate_once(inputs, chosen.routes, threads=2, until=until).flow.have.sum(axis=(0, 1))
        seen.append(have)
    collected, delivered = (float(seen[1][i] - seen[0][i]) for i in (OFFERED, FINISHED))
    return collected, delivered


def main() -> None:
    """Fit, then report every figure beside what was published."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--usual", type=Path)
    given = parser.parse_args().usual
    case = Case.read("china-2022/calm")
    usual = Plan.read(given) if given else plan(case, gap=0.015, flows=False, progress=print)
    found, facts = fit(case, usual)
    print("fitted:", {k: round(v, 3) for k, v in found.items()})
    print("stages:", {k: round(v, 2) for k, v in facts["stages_h"].items()}, "of", STAGES)
    print(f"72 h share, not fitted: {facts['share_72h']:.4f} (published {SHARE})")
    other = run(scaled(case, YEAR_TO_YEAR), usual, **found)
    print(
        f"2023 Q3 (volume × {YEAR_TO_YEAR:.3f}): whole trip {other['stages_h']['whole_trip']:.2f} "
        f"({OTHER_QUARTER['whole_trip']}), 72 h share {other['share_72h']:.4f} ({OTHER_QUARTER['share_72h']})"
    )
    for name, (days, collected, delivered, before) in HOLIDAYS.items():
        levels = before / MEAN_DAY, collected / days / MEAN_DAY
        got = daily(every_day(case, *levels), usual, days, **found)
        ratio, published = got[1] / got[0], delivered / collected
        print(
            f"{name}: delivered ÷ accepted {ratio:.3f}, published {published:.3f} ({100 * (ratio / published - 1):+.1f} %)"
        )


if __name__ == "__main__":
    main()
