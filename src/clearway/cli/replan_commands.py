"""Commands that plan anew: replan, rehearse.

In:     the folder of a plan and a state, or a case
Out:    plans, and what came of them
Not:    the first plan (plan_commands.py), carrying out (simulate_commands.py)
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearway.cli.app import (
    CaseArgument,
    Days,
    Disrupt,
    Json,
    Places,
    Quiet,
    SlotHours,
    app,
    echo_json,
    moment,
    open_case,
    options_of,
    say,
)
from clearway.cli.simulate_commands import page_of, print_outcome


def _hours(text: str) -> Any:
    """6h, 90m or 1d."""
    from datetime import timedelta

    units = {"m": 1 / 60, "h": 1.0, "d": 24.0}
    try:
        number, unit = float(text[:-1]), units[text[-1:]]
    except (ValueError, KeyError):
        raise typer.BadParameter("hours such as 6h, 90m or 1d", param_hint="--every") from None
    return timedelta(hours=number * unit)


Weight = Annotated[
    float, typer.Option("--change-weight", min=0, help="What a change of the sort plan must be worth to be made.")
]


@app.command()
def replan(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of the plan in force.")],
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="The time of planning anew: the start of a slot.")],
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="DIR",
            help="Stock and what is in transit then (stock.csv or stock.parquet); none: the plan is simulated so far.",
        ),
    ] = None,
    disrupt: Disrupt = None,
    weight: Weight = 1.0,
    gap: Annotated[float, typer.Option(min=0, help="The gap at which to stop.")] = 1e-2,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0, help="Seconds; the best so far is kept with its gap.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; default: PLAN-TIME.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Plan the rest of the horizon anew from the state at a time, changing as little as needed."""
    import sys

    from clearway.planning import Plan, State, derive_case
    from clearway.planning import replan as plan_anew

    def told(text: str) -> None:
        say(text, quiet or json_)

    made = Plan.read(plan)
    recipe = {k: v for k, v in made.facts["case"]["options"].items() if k not in ("known_at", "at")}
    case = derive_case(open_case(made.facts["case"]["source"], {}), recipe)
    asked = moment(at, case, "--at")
    if state is not None:
        found = State.read(state)
    else:
        from clearway.planning.compiled import prepare

        told(f"no --state: the plan is simulated until {at}")
        prepare(told, "simulator", "kernel.work*.nbi", 25)
        from clearway.simulation import state_at

        found = state_at(made.case, made, asked, threads=threads)
    anew = plan_anew(
        made,
        asked,
        found,
        case=case,
        disrupt=disrupt or (),
        weight=weight,
        gap=gap,
        time_limit=time_limit,
        threads=threads,
        command="clearway " + " ".join(sys.argv[1:]),
        progress=told,
    )
    folder = out or plan.with_name(f"{plan.name}-{asked:%m%dT%H%M}")
    anew.write(folder)
    if json_:
        echo_json({**anew.summary(), "out": str(folder)})
        return
    facts, changes = anew.summary(), anew.facts.get("changes", {})
    typer.echo(
        f"{facts['case']['name']} from {at}: cost {facts['objective']:,.0f} {facts['case']['currency']}, proven at "
        f"least {facts['lower_bound']:,.0f} (gap {facts['gap']:.3%}), "
        f"{facts['parcels']['undelivered']:,.0f} parcels undelivered, {facts['seconds']:.1f} s"
    )
    if changes:
        typer.echo(
            f"  sort plan: {changes['kept']:,} of {changes['entries']:,} entries change "
            f"({changes['found'] - changes['kept']:,} more were worth less than {weight:g})"
        )
    for warning in facts["warnings"]:
        typer.echo(f"  warning: {warning}")
    typer.echo(f"written to {folder}")


@app.command()
def rehearse(
    case: CaseArgument,
    every: Annotated[str, typer.Option("--every", metavar="HOURS", help="Plan anew so often, e.g. 6h.")] = "6h",
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="DIR", help="The plan in force at the start; else one is made.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of travel times and failed deliveries.")] = 0,
    weight: Weight = 1.0,
    gap: Annotated[float, typer.Option(min=0, help="The gap at which a replan stops.")] = 1e-2,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0, help="Seconds of each replan.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files.")] = None,
    disrupt: Disrupt = None,
    places: Places = None,
    days: Days = None,
    slot_hours: SlotHours = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Alternate simulation and replanning; a replan sees only what is known by then."""
    from clearway.planning.compiled import prepare

    def told(text: str) -> None:
        say(text, quiet or json_)

    prepare(told, "simulator", "kernel.work*.nbi", 25)
    from clearway.planning import Plan
    from clearway.simulation import rehearse as run

    opened = open_case(case, options_of(places, days, slot_hours, disrupt, None))
    found = run(
        opened,
        None if plan is None else Plan.read(plan),
        every=_hours(every),
        seed=seed,
        weight=weight,
        gap=gap,
        time_limit=time_limit,
        threads=threads,
        progress=told,
    )
    facts = found.outcome.summary()
    if out is not None:
        found.outcome.write(out, report=page_of([found.outcome], None, found.plans[0], quiet))
        for made, told_of in zip(found.plans, facts["replans"], strict=True):
            made.write(out / "plans" / told_of["at"].replace(":", ""), flows=False)
    if json_:
        echo_json(facts)
        return
    print_outcome(facts)
    for row in facts["replans"]:
        known = f"; newly known: {', '.join(row['newly_known'])}" if row["newly_known"] else ""
        changes = "" if row["changes"] is None else f", {row['changes']:,} changes"
        typer.echo(f"  {row['at']}: gap {row['gap']:.2%}, {row['seconds']:.1f} s{changes}{known}")
    if out is not None:
        typer.echo(f"written to {out}")
