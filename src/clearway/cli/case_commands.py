"""Commands about a case: init, validate, info.

In:     a case
Out:    files, faults, counts
Not:    plans (plan_commands.py)
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from clearway.cli.app import (
    CaseArgument,
    Disrupt,
    Json,
    Lang,
    Places,
    app,
    echo_json,
    language,
    open_case,
    options_of,
    say,
    write_faults,
)
from clearway.core.errors import ClearwayError, InputError


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
                write_faults(error, faults_to)
            raise
        checked = False
        faults = [f.to_dict() for f in error.faults]
        if faults_to is not None:
            write_faults(error, faults_to)
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
