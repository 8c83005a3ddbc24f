"""Commands about what happens: simulate, compare.

In:     a case, a policy or the folder of a plan; folders of simulations
Out:    measures, tables by class, pair, facility and slot, scan events
Not:    plans (plan_commands.py), planning anew (replan_commands.py)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.app import (
    CaseArgument,
    Days,
    Disrupt,
    Json,
    KnownAt,
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

if TYPE_CHECKING:
    from clearway.planning import Plan
    from clearway.simulation import Outcome


@app.command()
def simulate(
    case: CaseArgument,
    plan: Annotated[Path | None, typer.Option("--plan", metavar="DIR", help="Carry out this plan.")] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="static: usual next hops, wait where shut; reroute: shortest open ways, renewed daily. "
            "With --plan, reroute has the extra capacity that the plan mobilises."
        ),
    ] = None,
    actual: Annotated[
        str | None, typer.Option("--actual", metavar="DIR", help="The case as it really turns out.")
    ] = None,
    usual: Annotated[
        Path | None, typer.Option("--usual", metavar="DIR", help="An undisturbed plan, for static; else one is made.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of travel times and failed deliveries.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="Runs, with seeds SEED, SEED+1, …")] = 1,
    events: Annotated[
        float, typer.Option(min=0, max=1, help="Part of the parcels that are followed into scan events.")
    ] = 0.0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Stop then, with what there is so far.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="DIR", help="Write stock and parcels in transit at the end of the run there."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; none: only the measures are printed.")] = None,
    disrupt: Disrupt = None,
    places: Places = None,
    days: Days = None,
    slot_hours: SlotHours = None,
    known_at: KnownAt = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Carry out a policy or a plan on a clock of its own, against what really happens."""
    from clearway.planning.compiled import prepare

    def told(text: str) -> None:
        say(text, quiet or json_)

    prepare(told, "simulator", "kernel.work*.nbi", 25)
    from clearway.planning import Plan
    from clearway.simulation import simulate as run

    options = options_of(places, days, slot_hours, disrupt, known_at)
    made = None if plan is None else Plan.read(plan)
    opened = _opened(case, options, made)
    outcome = run(
        opened,
        made,
        policy=policy,
        actual=None if actual is None else open_case(actual, {k: v for k, v in options.items() if k != "known_at"}),
        usual=None if usual is None else Plan.read(usual),
        seed=seed,
        runs=runs,
        threads=threads,
        events=events,
        until=None if until is None else moment(until, opened, "--until"),
        state=state,
        progress=told,
    )
    if out is not None:
        outcome.write(out, report=page_of([outcome], None, made, quiet))
    if json_:
        echo_json(outcome.summary())
        return
    print_outcome(outcome.summary())
    if out is not None:
        typer.echo(f"written to {out}")


def page_of(outcomes: list[Outcome], names: list[str] | None, plan: Plan | None, quiet: bool) -> str | None:
    """The page about runs; none where the chart library is missing, which is said."""
    from clearway.reporting import AssetsMissingError, render_comparison

    try:
        return render_comparison(outcomes, names, plan=plan)
    except AssetsMissingError as error:
        say(f"report.html is left out: {error}", quiet)
        return None


def _opened(case: str, options: dict[str, Any], plan: Plan | None) -> Any:
    """The case; with a plan and no options of its own, as the plan had it."""
    if plan is not None and not options:
        recipe = plan.facts["case"]["options"]
        if plan.begun is not None:
            return plan.case
        return plan.matched(open_case(case, dict(recipe))) if recipe else open_case(case, {})
    return open_case(case, options)


_LINES = (
    ("share_72h", "delivered within 72 h (inter-city, of those judged)", 100.0, " %"),
    ("share_within_promise", "within what was promised", 100.0, " %"),
    ("overflow_hours", "yard hours beyond storage", 1.0, " h"),
    ("backlog_age_h", "mean age of what waits", 1.0, " h"),
)


def print_outcome(facts: dict[str, Any]) -> None:
    typer.echo(f"{facts['case']['name']}, {facts['policy']}, {facts['runs']} run(s), {facts['seconds']:.1f} s")
    stages = ", ".join(
        f"{name.replace('_', ' ')} {hours:.2f}" for name, hours in facts["stages_h"].items() if hours is not None
    )
    typer.echo(f"  hours by stage: {stages or 'no inter-city parcel was offered early enough to be judged'}")
    for key, words, factor, unit in _LINES:
        if facts[key] is not None:
            spread = facts.get("spread", {}).get(key)
            more = "" if spread is None else f" ± {factor * spread:,.2f}"
            typer.echo(f"  {words}: {factor * facts[key]:,.2f}{more}{unit}")
    p = facts["parcels"]
    typer.echo(
        f"  parcels: {p['offered']:,.0f} offered, {p['delivered']:,.0f} delivered, {p['waiting']:,.0f} waiting "
        f"({p['held_at_senders']:,.0f} at senders), {p['in_transit']:,.0f} in transit"
    )
    costs = ", ".join(f"{name} {value:,.0f}" for name, value in facts["costs"].items())
    typer.echo(f"  cost {facts['cost']:,.0f} {facts['case']['currency']} ({costs})")
    for warning in facts["warnings"]:
        typer.echo(f"  warning: {warning}")
    for row in facts["cannot_leave"]:
        typer.echo(f"  {row['parcels']:,.0f} parcels cannot leave {row['facility']}: {row['why']}")


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of simulations.")],
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="DIR", help="The plan of the last: bottlenecks and instructions.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write them as one page: map, strips, stages.")
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulations side by side, the first as the measure of the others."""
    from clearway.simulation import Outcome, compare_outcomes

    outcomes, folders = [Outcome.read(folder) for folder in runs], [str(folder) for folder in runs]
    table = compare_outcomes(outcomes, folders)
    if report is not None:
        from clearway.core.files import staged_file
        from clearway.planning import Plan

        policies = {o.facts["policy"] for o in outcomes}
        names = None if len(policies) == len(outcomes) else [folder.name for folder in runs]
        page = page_of(outcomes, names, None if plan is None else Plan.read(plan), quiet)
        if page is not None:
            report.parent.mkdir(parents=True, exist_ok=True)
            with staged_file(report) as staging:
                staging.write_text(page, encoding="utf-8")
            say(f"page: {report}", quiet)
    if json_:
        echo_json(table)
        return
    names = table["runs"]
    width = max(len(str(n)) for n in names) + 2
    typer.echo(" " * 34 + "".join(f"{n:>{max(width, 20)}}" for n in names))
    for row in table["measures"]:
        cells = "".join(
            f"{'–' if v is None else f'{v:,.4g}' if abs(v) < 1000 else f'{v:,.0f}':>{max(width, 20)}}"
            for v in row["values"]
        )
        typer.echo(f"{row['measure']:<34}{cells}")
