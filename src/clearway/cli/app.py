"""What the commands share: the application, options that several take, how a case is opened, printing.

In:     words of a command line
Out:    Case, text, JSON
Not:    the commands themselves (case_commands.py, plan_commands.py)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer

from clearway import __version__
from clearway.core.errors import InputError

if TYPE_CHECKING:
    from clearway.cases import Case

T = TypeVar("T")

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


def moment(text: str, case: Any, option: str) -> Any:
    """A time of the case's horizon."""
    from clearway.core.errors import Faults
    from clearway.core.timegrid import format_time, parse_time

    faults, grid = Faults(), case.grid
    try:
        moment = parse_time(text, case.settings.zone)
    except ValueError:
        faults.add("not_time", option, None, None, text)
    else:
        if grid.start <= moment < grid.end and grid.time(grid.slot_of(moment)) == moment:
            return moment
        faults.add(
            "time_outside", option, None, None, text, start=format_time(grid.start), end=format_time(grid.end)
        )  # fmt: skip
    faults.require()
    raise AssertionError


def day_option(text: str | None, option: str) -> date | None:
    """A day of an option; a fault where it is none."""
    return _parsed(text, option, "not_date", date.fromisoformat)


def time_option(text: str | None, option: str, zone: ZoneInfo) -> datetime | None:
    """A time of an option, local in a zone; a fault where it is none."""
    from clearway.core.timegrid import parse_time

    return _parsed(text, option, "not_time", lambda t: parse_time(t, zone))


def _parsed(text: str | None, option: str, code: str, parse: Callable[[str], T]) -> T | None:
    from clearway.core.errors import Faults

    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        faults = Faults()
        faults.add(code, option, None, None, text)
        faults.require()
        raise


def write_page(path: Path, text: str) -> None:
    """Write a page whole or not at all."""
    from clearway.core.files import staged_file

    with staged_file(path) as staging:
        staging.write_text(text, encoding="utf-8")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"clearway {__version__}")
        raise typer.Exit


def write_faults(error: InputError, path: Path) -> None:
    import polars as pl

    from clearway.core.files import staged_file

    with staged_file(path) as staging:
        staging.write_text(
            pl.DataFrame([f.to_dict() for f in error.faults], infer_schema_length=None).write_csv(),
            encoding="utf-8-sig",
        )
