"""The command `clearway`: one function a command; heavy rooms are imported when a command needs them.

In:     arguments
Out:    exit codes: 0 done, 1 the answer is no, 2 bad input (every fault listed)
Not:    texts of faults (core.errors), explanations (planning.explain)
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway import __version__
from clearway.core.errors import ClearwayError, InputError

if TYPE_CHECKING:
    from clearway.cases import Case
    from clearway.planning import Plan

app = typer.Typer(
    name="clearway",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Keep postal and parcel delivery channels open. Built-in cases: china-2022/peak, calm, east, tiny …",
    context_settings={"help_option_names": ["-h", "--help"]},
)

CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="A case folder, an .xlsx, or a built-in case.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
Disrupt = Annotated[
    list[str] | None,
    typer.Option(
        "--disrupt",
        metavar="TEXT",
        help="A further disruption, e.g. 'closed facility 440100 2022-11-10T08:00 2022-11-12T20:00'; repeatable.",
    ),
]
Places = Annotated[
    str | None,
    typer.Option("--places", metavar="CODES", help="Only these places and all below them, separated by commas."),
]
Days = Annotated[float | None, typer.Option("--days", help="Only the first days of the horizon.")]
SlotHours = Annotated[float | None, typer.Option("--slot-hours", help="Other slots than the case's.")]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="TIME", help="Only disruptions known by then.")]
Lang = Annotated[str | None, typer.Option("--lang", help="en or zh; the default follows LANG.")]


def language(asked: str | None) -> str:
    """The language of messages: as asked, else by the environment."""
    if asked is not None:
        if asked not in ("en", "zh"):
            raise typer.BadParameter("en or zh", param_hint="--lang")
        return asked
    words = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if words.lower().startswith("zh") else "en"


def echo_json(value: Any) -> None:
    """Print a value as JSON; numpy numbers become plain ones."""
    import json

    typer.echo(
        json.dumps(value, ensure_ascii=False, indent=2, default=lambda x: x.item() if hasattr(x, "item") else str(x))
    )


def say(text: str, quiet: bool = False) -> None:
    """A line about what is going on, on standard error."""
    if not quiet:
        typer.echo(text, err=True)


def options_of(
    places: str | None, days: float | None, slot_hours: float | None, disrupt: list[str] | None, known_at: str | None
) -> dict[str, Any]:
    """How a case is derived, as summary.json keeps it; absent ones left out."""
    given = {
        "places": places.replace(",", " ").split() if places else None,
        "days": days,
        "slot_hours": slot_hours,
        "disrupt": list(disrupt or []) or None,
        "known_at": known_at,
    }
    return {key: value for key, value in given.items() if value is not None}


def open_case(source: str, options: dict[str, Any]) -> Case:
    """Read a case and derive the part asked for."""
    from clearway.cases import Case
    from clearway.core.errors import Faults
    from clearway.core.timegrid import parse_time
    from clearway.planning import derive_case

    case = Case.read(source)
    if "known_at" in options:
        try:
            options["known_at"] = parse_time(options["known_at"], case.settings.zone).isoformat()
        except ValueError:
            faults = Faults()
            faults.add("not_time", "--known-at", None, None, options["known_at"])
            faults.require()
    return derive_case(case, options)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"clearway {__version__}")
        raise typer.Exit


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the case: a folder, or an .xlsx.")],
    source: Annotated[str, typer.Option("--from", metavar="CASE", help="The case to start from.")] = "tiny",
    places: Places = None,
    disrupt: Disrupt = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a case that is there.")] = False,
) -> None:
    """Write a case to start your own from."""
    if not force and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
        raise ClearwayError(f"{folder} is there already; name another, or add --force to replace it.")
    case = open_case(source, options_of(places, None, None, disrupt, None))
    case.write(folder)
    typer.echo(
        f"{folder}: {len(case.facilities)} facilities, {len(case.lanes)} lanes. "
        f"Check it with: clearway validate {folder}"
    )


@app.command()
def validate(
    case: CaseArgument,
    disrupt: Disrupt = None,
    json_: Json = False,
    lang: Lang = None,
    faults_to: Annotated[Path | None, typer.Option("--faults-to", help="Write every fault to this CSV.")] = None,
) -> None:
    """Read and check a case; list every fault."""
    checked = True
    faults: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    try:
        opened = open_case(case, options_of(None, None, None, disrupt, None))
        warnings = [w.to_dict() for w in opened.warnings]
    except InputError as error:
        if not json_:
            if faults_to is not None:
                _write_faults(error, faults_to)
            raise
        checked = False
        faults = [f.to_dict() for f in error.faults]
        if faults_to is not None:
            _write_faults(error, faults_to)
    if json_:
        echo_json({"valid": checked, "faults": faults, "warnings": warnings})
    else:
        for warning in opened.warnings:
            say(f"warning: {warning.text(language(lang))}")
        typer.echo(
            f"{opened.settings.name}: no faults" if language(lang) == "en" else f"{opened.settings.name}：没有问题"
        )
    if not checked:
        raise typer.Exit(2)


def _write_faults(error: InputError, path: Path) -> None:
    import polars as pl

    from clearway.core.files import staged_file

    with staged_file(path) as staging:
        staging.write_text(
            pl.DataFrame([f.to_dict() for f in error.faults], infer_schema_length=None).write_csv(),
            encoding="utf-8-sig",
        )


@app.command()
def info(case: CaseArgument, disrupt: Disrupt = None, places: Places = None, json_: Json = False) -> None:
    """What a case holds: facilities, lanes, pairs, classes, slots, parcels."""
    facts = open_case(case, options_of(places, None, None, disrupt, None)).info()
    if json_:
        echo_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            typer.echo(f"{key}:")
            for name, item in value.items():
                typer.echo(f"  {name}: {item:,.0f}" if isinstance(item, float) else f"  {name}: {item}")
        else:
            typer.echo(f"{key}: {value:,.0f}" if isinstance(value, float) else f"{key}: {value}")


@app.command()
def plan(
    case: Annotated[
        str | None, typer.Argument(metavar="CASE", help="A case folder, an .xlsx, or a built-in case.")
    ] = None,
    method: Annotated[str, typer.Option(help="exact: the whole linear program, for small cases.")] = "exact",
    out: Annotated[Path | None, typer.Option(help="Folder for the plan's files; default out/NAME.")] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="DIR", help="Recount a written plan instead.")
    ] = None,
    gap: Annotated[float, typer.Option(min=0, help="The gap at which the plan counts as reached.")] = 1e-6,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0, help="Seconds; the best so far is kept with its gap.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the solver.")] = None,
    flows: Annotated[bool, typer.Option("--flows/--no-flows", help="Write flows and commodities.")] = True,
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
    from clearway.planning import plan as make_plan

    opened = open_case(case, options)
    for warning in opened.warnings:
        say(f"warning: {warning.text()}", quiet)
    made = make_plan(
        opened,
        method=method,
        gap=gap,
        time_limit=time_limit,
        threads=threads,
        options=options,
        command="clearway " + " ".join(sys.argv[1:]),
        progress=lambda text: say(text, quiet or json_),
    )
    folder = out or Path("out") / opened.settings.name.replace("/", "-")
    made.write(folder, flows=flows, report=_report(made, quiet) if report else None)
    facts = made.summary()
    if json_:
        echo_json({**facts, "out": str(folder)})
    else:
        _print_summary(facts)
        typer.echo(f"written to {folder}")
    if strict and (not facts["gap_reached"] or facts["overflow"]):
        raise typer.Exit(1)


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
    for warning in facts["warnings"]:
        typer.echo(f"  warning: {warning}")
    if not facts["gap_reached"]:
        typer.echo(f"  the gap asked for ({facts['gap_asked']:.2e}) was not reached: {facts['status']}")


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


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        lang = language(None)
        typer.echo(error.summary(lang), err=True)
        if error.total > 50:
            path = Path("clearway-faults.csv")
            _write_faults(error, path)
            typer.echo(f"all {error.total:,} faults: {path}", err=True)
        sys.exit(2)
    except ClearwayError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"{error.strerror}: {error.filename or ''}. What was there before is unchanged.", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
