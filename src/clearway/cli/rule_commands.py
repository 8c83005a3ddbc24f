"""The commands about rules: pack list, check, explain, overdue, test; check.

In:     packs, the folder of a lake
Out:    findings as text, JSON, workbook, page; exit code 1 where a verified binding rule is breached
Not:    what a measure or a rule is (clearway.rules)
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clearway.cli.app import Json, Lang, Quiet, app, day_option, echo_json, language, say, time_option, write_page
from clearway.cli.progress import Progress

if TYPE_CHECKING:
    from clearway.rules import Findings

pack_app = typer.Typer(no_args_is_help=True, help="Rule packs: what they hold, whether they are sound.")
app.add_typer(pack_app, name="pack")

PackOption = Annotated[
    list[str] | None,
    typer.Option("--pack", metavar="PACK", help="A built-in pack or a folder; repeatable. All built-in by default."),
]
PackArguments = Annotated[
    list[str] | None, typer.Argument(metavar="PACK...", help="Built-in packs or folders; all built-in by default.")
]
STATE_ZH = {
    "met": "符合", "at-risk": "临界", "breached": "违反", "pending": "未到期",
    "not-applicable": "不适用", "no-data": "无数据",
}  # fmt: skip


def _packs(names: list[str] | None, *, full: bool = False) -> Any:
    from clearway.rules import BUILT_IN, load_packs

    own = [n for n in names or () if n not in BUILT_IN]
    # a pack of one's own stands beside the built-in ones, whose rules it may replace for its place
    wanted = names if names and not own else [*BUILT_IN, *own]
    return load_packs(wanted or BUILT_IN, check=full)


@pack_app.command("list")
def list_(packs: PackArguments = None, json_: Json = False, lang: Lang = None) -> None:
    """List packs, their topics and rules."""
    tongue = language(lang)
    read = _packs(packs)
    if json_:
        echo_json([_pack_dict(p) for p in read])
        return
    for pack in read:
        typer.echo(f"{pack.id}  {pack.title.say(tongue)}: {len(pack.rules)} rules, {len(pack.gaps)} gaps")
        topic = ""
        for rule in pack.rules.values():
            if rule.topics[0] != topic:
                topic = rule.topics[0]
                typer.echo(f"  {read.topic(topic).say(tongue)}")
            mark = " " if rule.advisory else "*"
            typer.echo(f"  {mark} {rule.id:<24} {rule.title.say(tongue)}")
    typer.echo("* binding: its text was read" if tongue == "en" else "* 计入结论：依据原文")


def _pack_dict(pack: Any) -> dict[str, Any]:
    return {
        "pack": pack.id,
        "title": {"zh": pack.title.zh, "en": pack.title.en},
        "fingerprint": pack.fingerprint,
        "rules": [
            {
                "id": r.id, "zh": r.title.zh, "en": r.title.en, "topics": r.topics, "force": r.force, "basis": r.basis,
                "advisory": r.advisory, "measure": r.measure, "last_checked": r.last_checked,
                "values": [
                    {"from": x.first, "ended": x.ended, "cite": x.cite,
                     "cases": [{"at_least": c.at_least, "at_most": c.at_most} for c in x.cases]} for x in r.limits
                ],
            }
            for r in pack.rules.values()
        ],
        "gaps": [
            {"id": g.id, "zh": g.title.zh, "en": g.title.en, "why": g.why.en, "why_zh": g.why.zh} for g in pack.gaps
        ],
    }  # fmt: skip


@pack_app.command("check")
def check_(packs: PackArguments = None, json_: Json = False, lang: Lang = None) -> None:
    """Look for every fault of packs: file, line and what would be right. Exit code 2 where there is one."""
    read = _packs(packs, full=True)
    counts = {p.id: {"measures": len(p.measures), "rules": len(p.rules), "gaps": len(p.gaps)} for p in read}
    if json_:
        echo_json(counts)
    else:
        for name, c in counts.items():
            typer.echo(f"{name}: {c['measures']} measures, {c['rules']} rules, {c['gaps']} gaps: sound")


@pack_app.command("explain")
def explain_(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The id of a rule.")],
    unit: Annotated[str | None, typer.Option("--unit", metavar="U", help="A unit, looked up in the lake.")] = None,
    day: Annotated[str | None, typer.Option("--day", metavar="D", help="The day; today by default.")] = None,
    lake: Annotated[Path | None, typer.Option("--lake", metavar="DIR", help="A lake with its records.")] = None,
    pack: PackOption = None,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """Say which edition of a rule is in force, why, and what it would take."""
    from clearway.records import Lake
    from clearway.rules import explain

    opened = Lake.open(lake, create=False) if lake is not None else None
    found = explain(_packs(pack), rule, day_option(day, "--day") or date.today(), unit, opened, language(lang))
    if json_:
        limit = found.limit
        echo_json(
            {
                "rule": found.rule.id,
                "edition": limit.first.isoformat() if limit else None,
                "cite": limit.cite if limit else None,
                "finding": found.finding,
                "lines": found.lines,
            }
        )
    else:
        for line in found.lines:
            typer.echo(line)


@pack_app.command("overdue")
def overdue_(
    packs: PackArguments = None,
    days: Annotated[int, typer.Option("--days", help="Checked longer ago than this.")] = 365,
    today: Annotated[str | None, typer.Option("--today", metavar="DAY", help="Counted from this day.")] = None,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """List rules whose source nobody has looked at lately, and what sources leave unknown."""
    from clearway.rules import overdue

    tongue = language(lang)
    late, gaps = overdue(_packs(packs), day_option(today, "--today") or date.today(), days)
    if json_:
        echo_json(
            {
                "overdue": [{"rule": r.id, "last_checked": r.last_checked} for r in late],
                "gaps": [{"id": g.id, "pack": g.pack, "why": g.why.en, "why_zh": g.why.zh} for g in gaps],
            }
        )
        return
    for rule in late:
        typer.echo(f"{rule.id}: {rule.last_checked}")
    typer.echo(
        f"{len(late)} rules overdue, {len(gaps)} gaps"
        if tongue == "en"
        else f"逾期 {len(late)} 条，缺口 {len(gaps)} 项"
    )
    for gap in gaps:
        typer.echo(f"  {gap.id:<28} {gap.title.say(tongue)}: {gap.why.say(tongue)}")


@pack_app.command("burden")
def burden_(
    packs: PackArguments = None,
    lake: Annotated[Path | None, typer.Option("--lake", metavar="DIR", help="As this lake expects returns.")] = None,
    json_: Json = False,
    lang: Lang = None,
) -> None:
    """Say what is asked of units: returns that no scan can take the place of, in fields a day."""
    from clearway.records import Lake
    from clearway.rules import burden

    zh = language(lang) == "zh"
    asked = burden(_packs(packs), Lake.open(lake, create=False) if lake is not None else None)
    if json_:
        from dataclasses import asdict

        echo_json([{**asdict(a), "fields_a_day": round(a.a_day, 2)} for a in asked])
        return
    for kind in dict.fromkeys(a.kind for a in asked):
        mine = [a for a in asked if a.kind == kind]
        always = sum(a.a_day for a in mine if not a.season)
        more = sum(a.a_day for a in mine if a.season)
        extra = (f"，疫情等时期另加 {more:.1f}" if zh else f", {more:.1f} more in a season") if more else ""
        typer.echo(f"{kind}: " + (f"每日 {always:.1f} 个字段{extra}" if zh else f"{always:.1f} fields a day{extra}"))
        for a in mine:
            season = f" ({a.season})" if a.season else ""
            rules = f"{a.rules} 条规则" if zh else f"{a.rules} rules"
            typer.echo(f"  {a.type:<16} {a.every:<6}{season} {rules}: {', '.join(a.fields)}")


@pack_app.command("test")
def test_(
    packs: PackArguments = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", metavar="ID", help="Only these; repeatable.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Try the cases beside the rules with both engines. Exit code 1 where one gives another finding."""
    from clearway.rules import all_rules, try_cases

    read = _packs(packs, full=True)
    own = {p.id for p in read if not packs or p.id in packs or any(Path(n).name == p.id for n in packs)}
    rules = all_rules(read, rule) if rule else [r for r in read.rules.values() if r.pack in own]
    with Progress(quiet or json_) as bar:
        tried = try_cases(read, rules, bar.at)
    wrong = [t for t in tried if t.wrong]
    if json_:
        from dataclasses import asdict

        echo_json({"cases": len(tried), "wrong": [asdict(t) for t in wrong]})
    else:
        for t in wrong:
            typer.echo(f"{t.file}, line {t.line}: {t.rule}, {t.title!r}: {t.wrong}", err=True)
        without = sorted(r.id for r in rules if not r.cases)
        if without:
            say(f"without a case: {', '.join(without)}", quiet)
        typer.echo(f"{len(tried)} cases of {len(rules)} rules: " + ("as asked" if not wrong else f"{len(wrong)} wrong"))
    if wrong:
        raise typer.Exit(1)


@app.command("check")
def check(
    lake: Annotated[Path, typer.Option("--lake", metavar="DIR", help="The folder of the lake.")],
    start: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day.")] = None,
    pack: PackOption = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", metavar="ID", help="Only these; repeatable.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As it was known at a time.")] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", help="observed, simulated or generated, where a lake holds several.")
    ] = None,
    trace_: Annotated[
        str | None, typer.Option("--trace", metavar="ID", help="The records behind one finding: RULE/UNIT/PERIOD.")
    ] = None,
    keep: Annotated[bool, typer.Option(help="Keep findings that changed, as versions, in the lake.")] = True,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", metavar="FILE", help="Also as a workbook.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Also as a page.")] = None,
    json_: Json = False,
    quiet: Quiet = False,
    lang: Lang = None,
) -> None:
    """Judge records by rules: findings by rule, unit and period.

    Periods that lie within the days are judged, by default the last day with records. Exit code 1 when a rule
    that binds and whose text was read is breached.
    """
    from clearway.records import Lake
    from clearway.rules import check as judge

    tongue = language(lang)
    first, last = day_option(start, "--from"), day_option(end, "--to")
    opened = Lake.open(lake, create=False)
    moment = time_option(at, "--at", opened.zone)
    packs = _packs(pack)
    with Progress(quiet or json_) as bar:
        findings = judge(opened, first, last, packs=packs, at=moment, rules=rule, origin=origin, told=bar.at)
    if trace_ is not None:
        _print_trace(findings, trace_, json_)
        return
    if keep:
        findings.keep()
    if xlsx is not None:
        findings.write_workbook(xlsx)
    if html is not None:
        from clearway.reporting import render_findings

        write_page(html, render_findings(findings, tongue))
    if json_:
        echo_json(findings.to_dict())
    else:
        _print_findings(findings, tongue, quiet)
    if len(findings.breaches):
        raise typer.Exit(1)


def _print_trace(findings: Findings, name: str, json_: bool) -> None:
    from clearway.rules import trace

    found = trace(findings, name)
    if json_:
        echo_json(found.to_dict())
        return
    told = found.to_dict()
    typer.echo(f"{told['id']}: {found.finding['state']}, {found.finding['value']} (version {found.finding['version']})")
    typer.echo(f"{told['cite']}: {told['quote']}")
    for record in told["records"]:
        typer.echo("  " + "  ".join(str(v) for v in record.values() if v is not None))
    if found.more:
        typer.echo(f"… {found.more:,}")


def _print_findings(findings: Findings, tongue: str, quiet: bool) -> None:
    summary = findings.summary()
    if not quiet:
        for odd in summary["said"][:20]:
            typer.echo(f"{odd['what']}; {odd['means']}", err=True)
    for row in findings.by_rule().iter_rows(named=True):
        if not row["breached"]:
            continue
        rule = findings.rule(row["rule"])
        mark = " " if rule.advisory else "*"
        typer.echo(f"{mark} {row['rule']:<24} {row['breached']:>7,} / {row['findings']:,}  {rule.title.say(tongue)}")
    zh = tongue == "zh"
    for label, counts in (
        ("约束" if zh else "binding", summary["states"]),
        ("提示" if zh else "advisory", summary["advisory"]),
    ):
        told = ", ".join(f"{STATE_ZH[s] if zh else s} {n:,}" for s, n in counts.items() if n)
        typer.echo(f"{label}: {told or '-'}")
