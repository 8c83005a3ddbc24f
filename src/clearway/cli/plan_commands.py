"""Commands about a plan: plan (and --check), sheets, explain, diff.

In:     a case or the folder of a plan
Out:    a plan's files, sheets, words, differences
Not:    cases (case_commands.py)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.app import (
    Days,
    Disrupt,
    Json,
    KnownAt,
    Lang,
    Places,
    Quiet,
    SlotHours,
    app,
    echo_json,
    language,
    open_case,
    options_of,
    say,
)

if TYPE_CHECKING:
    from clearway.planning import Plan


@app.command()
def plan(
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="A case folder, an .xlsx, or a built-in case.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="exact: the whole linear program, small cases; dual: any size; auto: by size."),
    ] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for the plan's files; default out/NAME.")] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="DIR", help="Recount a written plan instead.")
    ] = None,
    gap: Annotated[float, typer.Option(min=0, help="The gap at which to stop; it counts as reached.")] = 1e-3,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0, help="Seconds; the best so far is kept with its gap.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the solver.")] = None,
    memory_limit: Annotated[
        float | None, typer.Option("--memory-limit", min=0.1, help="GiB that the plan may take.")
    ] = None,
    flows: Annotated[
        bool | None, typer.Option("--flows/--no-flows", help="Write flows and commodities; default where they are few.")
    ] = None,
    warm: Annotated[
        Path | None, typer.Option("--warm", metavar="DIR", help="Start from the prices of an earlier plan.")
    ] = None,
    usual: Annotated[
        Path | None,
        typer.Option(
            "--usual", metavar="DIR", help="An undisturbed plan: changes of the sort plan from it are listed."
        ),
    ] = None,
    change_weight: Annotated[
        float, typer.Option(min=0, help="With --usual: changes worth less are undone where the usual lane has room.")
    ] = 0.0,
    max_changes: Annotated[
        int | None, typer.Option(min=0, help="With --usual: at most so many changes, those worth most.")
    ] = None,
    sites: Annotated[
        str | None,
        typer.Option(
            "--sites", metavar="IDS", help="Choose which of these candidates to open: all, or ids with commas."
        ),
    ] = None,
    trial: Annotated[
        int,
        typer.Option("--try", metavar="N", min=0, help="Simulate the plan's variants N times, tell the cheapest."),
    ] = 0,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write report.html.")] = True,
    disrupt: Disrupt = None,
    places: Places = None,
    days: Days = None,
    slot_hours: SlotHours = None,
    known_at: KnownAt = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where the gap is not reached or a yard overflows.")
    ] = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Plan a case with a proven bound, or recount a written plan (--check)."""
    options = options_of(places, days, slot_hours, disrupt, known_at)
    if check is not None:
        _check(check, case, options, json_)
        return
    if case is None:
        raise typer.BadParameter("name a case, or a plan with --check", param_hint="CASE")
    from clearway.planning import Plan, plan_with_sites
    from clearway.planning import plan as make_plan

    opened = open_case(case, options)
    for warning in opened.warnings:
        say(f"warning: {warning.text()}", quiet)
    if usual is None and (max_changes is not None or change_weight):
        raise typer.BadParameter("needs --usual: what is not usual is a change", param_hint="--max-changes")
    if sites is not None and warm is not None:
        raise typer.BadParameter("goes without --sites: each choice starts from the best so far", param_hint="--warm")
    known: dict[str, Any] = {
        "method": method,
        "gap": gap,
        "time_limit": time_limit,
        "threads": threads,
        "flows": flows,
        "memory_limit": memory_limit,
        "usual": None if usual is None else Plan.read(usual),
        "change_weight": change_weight,
        "max_changes": max_changes,
        "options": options,
        "command": "clearway " + " ".join(sys.argv[1:]),
        "progress": lambda text: say(text, quiet or json_),
    }
    if sites is not None:
        wanted = None if sites == "all" else sites.replace(",", " ").split()
        made = plan_with_sites(opened, wanted, **known)
    else:
        made = make_plan(opened, warm=None if warm is None else Plan.read(warm), **known)
    if trial:
        made = _tried(made, trial, threads, quiet or json_)
    folder = out or Path("out") / opened.settings.name.replace("/", "-")
    made.write(folder, flows=flows is not False, report=_report(made, quiet) if report else None)
    facts = made.summary()
    if json_:
        echo_json({**facts, "out": str(folder)})
    else:
        _print_summary(facts)
        typer.echo(f"written to {folder}")
    if strict and (not facts["gap_reached"] or facts["overflow"]):
        raise typer.Exit(1)


def _tried(made: Plan, runs: int, threads: int | None, quiet: bool) -> Plan:
    from clearway.planning.compiled import prepare

    def told(text: str) -> None:
        say(text, quiet)

    prepare(told, "simulator", "kernel.work*.nbi", 25)
    from clearway.simulation import try_plan

    return try_plan(made, runs=runs, threads=threads, progress=told)


def _report(made: Plan, quiet: bool) -> str | None:
    from clearway.reporting import AssetsMissingError, render_report

    try:
        return render_report(made)
    except AssetsMissingError as error:
        say(f"report.html is left out: {error}", quiet)
        return None


def _check(folder: Path, case: str | None, options: dict[str, Any], json_: bool) -> None:
    from clearway.planning import Plan, check_plan

    made = Plan.read(folder)
    recipe = options or made.facts["case"]["options"]
    result = check_plan(made, None if case is None else open_case(case, recipe))
    if json_:
        echo_json(result.to_dict())
    else:
        typer.echo(f"objective {result.objective:,.6f}, proven bound {result.lower_bound:,.6f}")
        typer.echo(
            f"largest violation: conservation {result.conservation_violation:.2e}, rows {result.row_violation:.2e}"
        )
        typer.echo("agrees with the files" if not result.faults else "\n".join(result.faults))
    if result.faults:
        raise typer.Exit(1)


def _print_summary(facts: dict[str, Any]) -> None:
    for place in facts["overflow"][:20]:
        until = place["clears"] or "the end of the horizon, not cleared"
        typer.echo(
            f"OVERFLOW {place['facility']}: from {place['from']}, at most {place['peak']:,.0f} parcels "
            f"beyond storage, until {until}"
        )
    typer.echo(
        f"{facts['case']['name']}: cost {facts['objective']:,.2f} {facts['case']['currency']}, proven at least "
        f"{facts['lower_bound']:,.2f} (gap {facts['gap']:.4%}) in {facts['seconds']:.1f} s"
    )
    for name, row in facts["classes"].items():
        typer.echo(
            f"  {name}: {row['offered']:,.0f} offered, {row['delivered']:,.0f} delivered, "
            f"{row['undelivered']:,.0f} not; {row['mean_hours']:.1f} h on average"
        )
    if facts["parcels_out_of_reach"] > 0.5:
        typer.echo(
            f"  {facts['parcels_out_of_reach']:,.0f} parcels no plan could deliver inside the horizon; for example for "
            + ", ".join(f"{d['destination']} ({d['parcels']:,.0f})" for d in facts["out_of_reach"][:5])
        )
    if facts["sort_plan"] is not None:
        typer.echo(f"  everything by the sort plan costs {facts['sort_plan']['loss']:.2%} more")
    changes = facts.get("changes")
    if changes:
        typer.echo(
            f"  {changes['kept']:,} of {changes['entries']:,} entries of the sort plan are not as usual; "
            f"{changes['found'] - changes['kept']:,} more were undone, worth {changes['worth_undone']:,.0f}"
        )
    chosen = facts.get("sites")
    if chosen:
        typer.echo(
            f"  sites opened: {', '.join(chosen['opened']) or 'none'}; with {chosen['open_cost']:,.0f} for opening "
            f"{chosen['total']:,.0f}, proven at least {chosen['bound']:,.0f} whatever is opened"
        )
    trial = facts.get("trial")
    if trial:
        costs = ", ".join(f"{row['variant']} {row['cost']:,.0f}" for row in trial["variants"])
        typer.echo(f"  tried on the clock, {trial['runs']} run(s) each: {costs}; told: {trial['chosen']}")
    for warning in facts["warnings"]:
        typer.echo(f"  warning: {warning}")
    if not facts["gap_reached"]:
        typer.echo(f"  the gap asked for ({facts['gap_asked']:.2e}) was not reached: {facts['status']}")


@app.command()
def sheets(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of a plan.")],
    facility: Annotated[
        list[str] | None, typer.Option("--facility", metavar="ID", help="Only this facility; repeatable.")
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option("--operator", metavar="NAME", help="All that this operator has to do; repeatable."),
    ] = None,
    bureau: Annotated[
        list[str] | None, typer.Option("--bureau", metavar="CODE", help="All in this place; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the sheets; default PLAN/sheets.")] = None,
    quiet: Quiet = False,
) -> None:
    """What each facility, operator or bureau has to do: pages to print (en, zh) and .xlsx; default: every facility."""
    from clearway.planning import Plan
    from clearway.reporting import Sheets

    made, folder = Sheets.of(Plan.read(plan)), out or plan / "sheets"
    asked = {"facility": facility, "operator": operator, "bureau": bureau}
    if not any(asked.values()):
        asked["facility"] = sorted(made.names)
    count = 0
    for kind, names in asked.items():
        for name in names or ():
            count += len(made.write(folder, kind, [name]))
            say(f"{kind} {name}", quiet)
    typer.echo(f"{count} files written to {folder}")


@app.command()
def explain(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="Folder of a plan.")],
    facility: Annotated[str | None, typer.Option(help="Why here, and what it would take.")] = None,
    lane: Annotated[str | None, typer.Option(help="Id of a lane.")] = None,
    pair: Annotated[str | None, typer.Option(help="ORIGIN-DESTINATION.")] = None,
    cls: Annotated[str | None, typer.Option("--class", help="Name of a class.")] = None,
    case: Annotated[str | None, typer.Option("--case", help="The case, where it moved.")] = None,
    lang: Lang = None,
    json_: Json = False,
) -> None:
    """Explain a plan: load, price, disruptions and overflow of one facility, lane, pair or class."""
    from dataclasses import replace

    from clearway.planning import Plan
    from clearway.planning.explain import explain as words
    from clearway.planning.explain import explain_facts

    made = Plan.read(plan)
    if case is not None:
        made = replace(made, given_case=made.matched(open_case(case, made.facts["case"]["options"])))
    target = {"facility": facility, "lane": lane, "pair": pair, "cls": cls}
    if json_:
        echo_json(explain_facts(made, **target))
    else:
        typer.echo(words(made, lang=language(lang), **target))


@app.command()
def diff(
    first: Annotated[Path, typer.Argument(metavar="PLAN")],
    second: Annotated[Path, typer.Argument(metavar="PLAN")],
    json_: Json = False,
) -> None:
    """What differs between two plans, second minus first."""
    from clearway.planning import Plan, diff_plans

    facts = diff_plans(Plan.read(first), Plan.read(second))
    if json_:
        echo_json(facts)
        return
    typer.echo(f"{facts['first']} → {facts['second']}" + ("" if facts["same_case"] else " (not the same case)"))
    for key in ("objective", "lower_bound"):
        row = facts[key]
        typer.echo(f"{key}: {row['first']:,.2f} → {row['second']:,.2f} ({row['change']:+,.2f})")
    for group in ("costs", "parcels"):
        for key, row in facts[group].items():
            if abs(row["change"]) > 0.005:
                typer.echo(f"  {key}: {row['first']:,.2f} → {row['second']:,.2f} ({row['change']:+,.2f})")
    for row in facts["loads"]:
        typer.echo(
            f"  {row['row']} {row['id']}: {row['first']:,.0f} → {row['second']:,.0f} parcels ({row['change']:+,.0f})"
        )
    for key, text in (("only_first", "no longer beyond storage"), ("only_second", "newly beyond storage")):
        if facts["overflow"][key]:
            typer.echo(f"  {text}: {', '.join(facts['overflow'][key])}")
