"""The command about notices: read.

In:     pages (.html, .txt, .docx, .pdf), folders, patterns
Out:    clean texts, orders, lists, review pages; what changed between two editions
Not:    how a notice is read (clearway.notices)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.app import Json, Lang, Quiet, app, echo_json, language
from clearway.cli.progress import Progress
from clearway.core.errors import ClearwayError, Faults

if TYPE_CHECKING:
    from clearway.notices import Change, Classifier, Notice, Reader

_ENTRY_POINTS = "clearway.notices.classifier"


@app.command()
def read(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Pages, folders or patterns of pages.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write clean texts and orders here.")] = None,
    review: Annotated[bool, typer.Option("--review", help="Also a page per notice that shows every change.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Also orders.xlsx, one row an order.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Also orders.csv.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Compare two editions: new, changed and gone orders.")] = False,
    lexicon: Annotated[Path | None, typer.Option("--lexicon", metavar="DIR", help="A folder of words to add.")] = None,
    classifier: Annotated[
        str | None, typer.Option("--classifier", metavar="NAME", help=f"A plug-in of the entry point {_ENTRY_POINTS}.")
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Read notices: repair their text, list who must do what by when.

    Pages that cannot be read are listed with the reason (exit code 2); the others are read and written.
    """
    from clearway.notices import input_files, order_rows, reader_with, write_csv, write_xlsx

    tongue = language(lang)
    if (review or xlsx or csv) and out is None:
        raise typer.BadParameter("--review, --xlsx and --csv need --out", param_hint="--out")
    reader = reader_with(lexicon, _plugged(classifier))
    faults = Faults()
    paths = input_files(inputs, faults)
    if diff:
        _diff(reader, paths, faults, json_, tongue)
        return
    rows: list[dict[str, Any]] = []
    documents: list[dict[str, Any]] = []
    stopped = False
    try:
        with Progress(quiet or json_ or len(paths) < 20) as bar:
            for done, path in enumerate(paths):
                bar.at(done, len(paths))
                notice = reader.read_or_fault(path, faults)
                if notice is None:
                    continue
                if out is not None:
                    _write(notice, out, review, tongue)
                rows += order_rows(notice, tongue) if xlsx or csv else []
                documents += [{**notice.to_dict(), "clean": notice.clean}] if json_ else []
                if not json_ and not quiet:
                    typer.echo(_line(path, notice, tongue))
                    if out is None:
                        _print_orders(notice, tongue)
    except KeyboardInterrupt:
        stopped = True  # what was read so far is listed below
    if out is not None and xlsx:
        write_xlsx(rows, out / "orders.xlsx", tongue)
    if out is not None and csv:
        write_csv(rows, out / "orders.csv", tongue)
    if json_:
        echo_json({"notices": documents, "failed": [f.to_dict() for f in faults]})
    elif out is not None and not quiet:
        typer.echo(f"written to {out}" if tongue == "en" else f"已写入 {out}")
    if stopped:
        raise KeyboardInterrupt
    if json_ and faults:
        raise typer.Exit(2)
    faults.require()


def _plugged(name: str | None) -> Classifier | None:
    if name is None:
        return None
    from importlib.metadata import entry_points

    known = {point.name: point for point in entry_points(group=_ENTRY_POINTS)}
    if name not in known:
        there = ", ".join(sorted(known)) or "none is installed"
        raise ClearwayError(
            f"There is no classifier {name!r} ({there}). A package offers one as entry point {_ENTRY_POINTS}."
        )
    plugged: Classifier = known[name].load()
    return plugged


def _write(notice: Notice, out: Path, review: bool, tongue: str) -> None:
    from clearway.notices import write_notice

    write_notice(notice, out)
    if review:
        from clearway.core.files import staged_file
        from clearway.reporting import render_review

        with staged_file(out / f"{notice.name}.review.html") as staging:
            staging.write_bytes(render_review(notice, tongue).encode("utf-8", "replace"))


def _line(path: Path, notice: Notice, tongue: str) -> str:
    from collections import Counter

    kinds = Counter(r.kind for r in notice.repairs)
    unclear = kinds["unclear"]
    told = f"{path}: {notice.title or '-'}: "
    if tongue == "zh":
        orders = f"{len(notice.orders)} 项要求" if notice.orders else "没有要求"
        return told + f"{orders}，{len(notice.repairs)} 处更改" + (f"，{unclear} 处待核对" if unclear else "")
    orders = f"{len(notice.orders)} orders" if notice.orders else "nothing is ordered"
    return told + f"{orders}, {len(notice.repairs)} changes" + (f", {unclear} to look at" if unclear else "")


def _print_orders(notice: Notice, tongue: str) -> None:
    for order in notice.orders:
        who = order.addressee or ("未写明" if tongue == "zh" else "not said")
        due = f" [{order.deadline}]" if order.deadline else ""
        typer.echo(f"  {order.n:>3}. {order.issuer or '?'} → {who}{due}: {order.text}")


def _diff(reader: Reader, paths: list[Path], faults: Faults, json_: bool, tongue: str) -> None:
    from clearway.notices import diff_notices

    faults.require()
    if len(paths) != 2:
        raise typer.BadParameter("name two pages, the earlier edition first", param_hint="--diff")
    read_ = [reader.read_or_fault(path, faults) for path in paths]
    faults.require()
    earlier, later = (n for n in read_ if n is not None)
    changes = diff_notices(earlier, later)
    if json_:
        echo_json({"earlier": earlier.name, "later": later.name, "changes": [c.to_dict() for c in changes]})
        return
    for change in changes:
        if change.kind != "same":
            _tell(change, tongue)
    same = sum(c.kind == "same" for c in changes)
    typer.echo(f"{same} orders as before" if tongue == "en" else f"{same} 项要求未变")


_KINDS = {"new": ("+ new", "+ 新增"), "gone": ("- gone", "- 取消"), "changed": ("~ changed", "~ 变更")}
_FIELDS = {
    "text": "文字",
    "issuer": "发布机关",
    "addressee": "责任主体",
    "deadline": "时限",
    "place": "地点",
    "targets": "指标",
}


def _tell(change: Change, tongue: str) -> None:
    order = change.after or change.before
    assert order is not None
    names = [f if tongue == "en" else _FIELDS[f] for f in change.fields]
    typer.echo(f"{_KINDS[change.kind][tongue == 'zh']} {order.n}" + (f" ({', '.join(names)})" if names else ""))
    for sign, side in (("-", change.before), ("+", change.after)):
        if side is not None:
            typer.echo(f"    {sign} {side.text}")
            for field in change.fields:
                if field != "text":
                    typer.echo(f"      {field if tongue == 'en' else _FIELDS[field]}: {getattr(side, field) or '-'}")
