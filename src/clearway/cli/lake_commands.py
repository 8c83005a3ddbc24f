"""The commands about records: ingest, records types and template, lake status, compact, verify, expire, export.

In:     files, the folder of a lake
Out:    what was taken in and what is wrong with the rest; tables, workbooks, pages
Not:    how records are read and kept (clearway.records)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.app import Json, Lang, Quiet, app, day_option, echo_json, language, time_option, write_page
from clearway.cli.progress import Progress
from clearway.core.errors import ClearwayError, Faults, InputError

if TYPE_CHECKING:
    from clearway.records import Completeness, Report

records = typer.Typer(no_args_is_help=True, help="What records there are: types, workbooks to fill in.")
lake_app = typer.Typer(no_args_is_help=True, help="A lake of records: status and upkeep.")
app.add_typer(records, name="records")
app.add_typer(lake_app, name="lake")

LakeOption = Annotated[Path, typer.Option("--lake", metavar="DIR", help="The folder of the lake.")]
Start = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day.")]
End = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was known at a time.")]


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV (.gz), Parquet, .xlsx, EPCIS JSON or XML.")
    ],
    lake: LakeOption,
    type_: Annotated[
        str | None, typer.Option("--type", metavar="T", help="The record type, if the file does not tell.")
    ] = None,
    origin: Annotated[str, typer.Option("--origin", help="observed, simulated or generated.")] = "observed",
    json_: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Take records into a lake: what is right is kept, what is wrong is listed and written to a file to mend.

    Exit code 0 when nothing was refused, else 2. Sending the same file again does no harm.
    """
    from clearway.records import Lake

    tongue = language(lang)
    opened = Lake.open(lake)
    with Progress(quiet or json_) as bar:
        report = opened.ingest(files, type=type_, origin=origin, told=bar.advance)
    if json_:
        echo_json(report.to_dict())
    else:
        _print_report(report, quiet, tongue)
    if report.refused or report.total_faults:
        raise typer.Exit(2)


def _print_report(report: Report, quiet: bool, tongue: str) -> None:
    if not quiet:
        for warning in report.warnings[:20]:
            typer.echo(warning.text(tongue), err=True)
    if report.faults:
        typer.echo(InputError(report.faults, report.total_faults).summary(tongue), err=True)
    for path in report.rejected:
        typer.echo(f"to be mended and sent again: {path}" if tongue == "en" else f"请更正后重新报送：{path}", err=True)
    for name, counts in report.types.items():
        typer.echo(_figures(f"{name}: ", counts, tongue))
    if len(report.types) != 1:
        sums = {n: getattr(report, n) for n in ("accepted", "repeated", "refused", "superseded")}
        typer.echo(_figures("", sums, tongue))


def _figures(start: str, counts: Any, tongue: str) -> str:
    zh = {"accepted": "接收", "repeated": "重复", "refused": "退回", "superseded": "被更正取代"}
    if tongue == "zh":
        return start + "，".join(f"{zh[n]} {counts.get(n, 0):,}" for n in zh)
    return start + ", ".join(f"{counts.get(n, 0):,} {n}" for n in zh)


@records.command("types")
def types(
    name: Annotated[str | None, typer.Argument(metavar="TYPE", help="Only this one, with its fields.")] = None,
    lake: Annotated[Path | None, typer.Option("--lake", metavar="DIR", help="Also the types of a lake.")] = None,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """List record types, or the fields of one."""
    tongue = language(lang)
    known = _types(lake)
    chosen = [_type(known, name)] if name else list(known.values())
    if json_:
        echo_json([_declared(t) for t in chosen])
        return
    for t in chosen:
        typer.echo(f"{t.name:<16} {t.family:<9} {t.zh}")
        for f in t.fields if name else ():
            kind = " ".join(("one of", *f.choices)) if f.choices else f.kind
            marks = "".join((" key" if f.key else "", " required" if f.required and not f.key else ""))
            meaning = f.meaning_zh if tongue == "zh" else f.meaning
            typer.echo(f"  {f.name:<22} {f.zh:<10} {kind}{marks}{'  – ' + meaning if meaning else ''}")


def _declared(t: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {"type": t.name, "family": t.family, "zh": t.zh, "key": list(t.key), "fields": [asdict(f) for f in t.fields]}


def _types(lake: Path | None) -> Any:
    from clearway.records import Lake, record_types

    return Lake.open(lake, create=False).types if lake is not None else record_types()


def _type(known: Any, name: str) -> Any:
    from clearway.core.schema import nearest

    if name not in known:
        faults = Faults()
        faults.add("unknown_type", "TYPE", None, None, name, nearest=nearest(name, known))
        faults.require()
    return known[name]


@records.command("template")
def template(
    name: Annotated[str, typer.Argument(metavar="TYPE", help="The record type.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to; TYPE.xlsx by default.")] = None,
    lake: Annotated[Path | None, typer.Option("--lake", metavar="DIR", help="Also the types of a lake.")] = None,
    lang: Lang = None,
) -> None:
    """Write the .xlsx to fill in for a type: lists to choose from, help in both languages, nil returns."""
    from clearway.records import write_template

    path = out or Path(f"{name}.xlsx")
    write_template(_type(_types(lake), name), path, language(lang))
    typer.echo(str(path))


@lake_app.command("status")
def status(
    lake: LakeOption,
    start: Start = None,
    end: End = None,
    at: At = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Also as a workbook.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also as a page with heat maps.")] = None,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """Say who was expected to report and who did: received, late, nil, silent. Default: the last seven days."""
    from clearway.records import Lake

    tongue = language(lang)
    opened = Lake.open(lake, create=False)
    found = opened.status(start, end, at=time_option(at, "--at", opened.zone))
    if xlsx is not None:
        from clearway.records.completeness import write_workbook

        write_workbook(found, xlsx)
    if html is not None:
        from clearway.reporting import render_completeness

        write_page(html, render_completeness(found, tongue))
    if json_:
        echo_json(found.to_dict())
    else:
        _print_status(found, tongue)


def _print_status(found: Completeness, tongue: str) -> None:
    from rich.console import Console
    from rich.table import Table

    kept = ", ".join(f"{n} {c:,}" for n, c in found.records.items())
    typer.echo(("kept: " if tongue == "en" else "已存：") + (kept or "-"))
    head = {
        "type": "报表", "expected": "应报", "received": "已报", "late": "迟报", "nil": "零报告", "silent": "未报",
        "pending": "未到期",
    }  # fmt: skip
    table = Table(box=None, pad_edge=False)
    for name, zh in head.items():
        table.add_column(zh if tongue == "zh" else name, justify="left" if name == "type" else "right")
    for row in found.by_type().iter_rows(named=True):
        table.add_row(*(f"{row[n]:,}" if n != "type" else row[n] for n in head))
    if len(found.states):
        Console(width=100).print(table)
    else:
        typer.echo("no units in the register: nothing is expected" if tongue == "en" else "单位登记为空：无应报单位")
    silent = found.by_unit().filter(found.by_unit()["silent"] > 0).sort("silent", descending=True)
    for row in silent.head(20).iter_rows(named=True):
        told = (
            f"silent {row['silent']} of {row['expected']}"
            if tongue == "en"
            else f"应报 {row['expected']}，未报 {row['silent']}"
        )
        typer.echo(f"{row['unit']} {row['name'] or ''} {row['type']}: {told}")
    if len(silent) > 20:
        typer.echo(f"… {len(silent) - 20:,}")
    if len(found.unknown):
        names = ", ".join(found.unknown["unit"].unique().sort().head(10).to_list())
        typer.echo(f"in no register: {names}" if tongue == "en" else f"未登记单位：{names}")
    for fault in [*found.registers.faults, *found.registers.warnings][:20]:
        typer.echo(fault.text(tongue))


@lake_app.command("compact")
def compact(lake: LakeOption, json_: Json = False) -> None:
    """Put the files of each type and day together."""
    from clearway.records import Lake

    figures = Lake.open(lake, create=False).compact()
    if json_:
        echo_json(figures)
    else:
        typer.echo(f"{figures['before']:,} -> {figures['after']:,} files")


@lake_app.command("verify")
def verify(lake: LakeOption, json_: Json = False) -> None:
    """Look at every file: exit code 1 where something is not as it was written."""
    from clearway.records import Lake

    found = Lake.open(lake, create=False).verify()
    if json_:
        echo_json({"files": found.files, "rows": found.rows, "types": found.types, "problems": found.problems})
    else:
        for problem in found.problems:
            typer.echo(problem, err=True)
        typer.echo(
            f"{found.files:,} files, {found.rows:,} rows: "
            + ("clean" if found.clean else f"{len(found.problems)} problems")
        )
    if not found.clean:
        raise typer.Exit(1)


@lake_app.command("expire")
def expire(
    lake: LakeOption,
    today: Annotated[str | None, typer.Option("--today", metavar="DAY", help="Counted from this day.")] = None,
    json_: Json = False,
) -> None:
    """Remove detail past its retention (lake.json; items 90 days by default). Daily values stay."""
    from clearway.records import Lake

    removed = Lake.open(lake, create=False).expire(day_option(today, "--today"))
    if json_:
        echo_json({"removed": removed})
    else:
        typer.echo(", ".join(f"{n:,} {kind} removed" for kind, n in removed.items()) or "nothing to remove")


@lake_app.command("export")
def export(
    lake: LakeOption,
    type_: Annotated[str, typer.Option("--type", metavar="T", help="The record type.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".csv, .parquet or .xlsx")],
    start: Start = None,
    end: End = None,
    at: At = None,
) -> None:
    """Write current records of a type and some days to a file that can be taken in again."""
    from clearway.core.files import staged_file
    from clearway.records import Lake

    opened = Lake.open(lake, create=False)
    moment = time_option(at, "--at", opened.zone)
    frame = (opened.as_of(moment) if moment else opened).read(type_, start, end)
    if out.suffix not in (".csv", ".parquet", ".xlsx"):
        raise ClearwayError(f"{out.name}: name a file that ends in .csv, .parquet or .xlsx")
    with staged_file(out) as staging:
        if out.suffix == ".parquet":
            frame.write_parquet(staging)
        elif out.suffix == ".xlsx":
            frame.write_excel(staging, worksheet=type_)
        else:
            frame.write_csv(staging, datetime_format="%Y-%m-%d %H:%M:%S%.f")
    typer.echo(f"{len(frame):,} -> {out}")
