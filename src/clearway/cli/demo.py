"""The demo: read a notice, plan the peak, carry it out three ways, keep and judge records, serve the page.

In:     samples/season.txt, samples/records
Out:    out/demo: orders, plan, runs, lakes, findings, sheets, report.html; on loopback until Ctrl-C
Not:    a web application: a static folder on loopback
"""

from __future__ import annotations

import functools
import http.server
import shutil
import sys
from datetime import date
from pathlib import Path

import polars as pl

from clearway.cases import Case
from clearway.core.files import staged_file
from clearway.notices import order_rows, read_notice, write_notice, write_xlsx
from clearway.planning import Plan, plan
from clearway.planning.compiled import prepare
from clearway.records import Lake
from clearway.reporting import (
    Sheets,
    render_comparison,
    render_completeness,
    render_findings,
    render_report,
    render_review,
)
from clearway.rules import check
from clearway.simulation import Outcome, simulate
from clearway.world import make_world

NOTICE = Path("samples") / "season.txt"
CASE = "china-2022/peak"
USUAL = "china-2022/calm"
BESIDE = "china-2022/peak-open"
GAP = 0.01
OUT = Path("out") / "demo"
RECORDS = Path("samples") / "records"
FOLLOWED = 1e-5  # part of the parcels whose every scan is written
FORTNIGHT = (date(2022, 11, 14), date(2022, 11, 27))
SHEETS = 3  # facilities with most to do out of the ordinary


def main() -> None:
    """Read what must be done; plan the calm, the open peak and the peak as it was; simulate; keep; compare; show."""
    told = _notice()
    usual, open_ = _planned(USUAL), _planned(BESIDE)
    made = _planned(CASE, usual)
    for other in (usual, open_):
        more = made.facts["objective"] - other.facts["objective"]
        _say(f"{CASE} costs {more:,.0f} yuan more than {other.facts['case']['name']}")
    changes, loss = made.facts["changes"], made.facts["sort_plan"]["loss"]
    _say(
        f"sort plan: {changes['kept']:,} of {changes['entries']:,} entries not as usual; everything by it costs "
        f"{loss:.2%} more"
    )
    made.write(OUT / "plan", report=render_report(made, beside=[usual, open_]))
    prepare(_say, "simulator", "kernel.work*.nbi", 25)
    case = Case.read(CASE)
    runs = {
        "static": simulate(case, policy="static", usual=usual),
        "reroute": simulate(case, made, policy="reroute"),
        "planned": simulate(case, made, events=FOLLOWED),
    }
    for name, outcome in runs.items():
        outcome.write(OUT / name)
        _told(name, outcome)
    kept = [*_records(), *_findings()]
    files = [*told, *kept, "plan/report.html", "plan/instructions.csv", *_sheets(made)]
    page = render_comparison(list(runs.values()), plan=made, files=files)
    with staged_file(OUT / "report.html") as staging:
        staging.write_text(page, encoding="utf-8")
    _say(f"report: {(OUT / 'report.html').resolve()}")
    if sys.stdout.isatty():
        _serve(OUT)


def _notice() -> list[str]:
    """From a noisy page to orders; the names of what was written, beside the page."""
    notice = read_notice(NOTICE)
    _say(f"{NOTICE}: {notice.title}: {len(notice.repairs)} changes, {len(notice.orders)} orders")
    for order in notice.orders:
        due = f" [{order.deadline}]" if order.deadline else ""
        _say(f"  {order.n}. {order.addressee or '…'}{due}: {order.text}")
    folder = OUT / "notice"
    write_notice(notice, folder)
    write_xlsx(order_rows(notice), folder / "orders.xlsx")
    with staged_file(folder / f"{notice.name}.review.html") as staging:
        staging.write_text(render_review(notice), encoding="utf-8")
    _say(f"review: {(folder / f'{notice.name}.review.html').resolve()}")
    return [f"notice/{notice.name}.review.html", "notice/orders.xlsx"]


def _records() -> list[str]:
    """A day's records with their faults, and what the plan's run wrote: one lake; the names of what was written."""
    folder = OUT / "lake"
    shutil.rmtree(folder, ignore_errors=True)
    lake = Lake.open(folder)
    samples = [RECORDS / name for name in ("unit.csv", "daily_volume.csv", "scans.jsonld")]
    for files, kind, origin in (
        (samples, None, "observed"),
        ([OUT / "planned" / "events.parquet"], "scan", "simulated"),
    ):
        report = lake.ingest(files, type=kind, origin=origin)
        _say(f"records, {origin}: {report.accepted:,} accepted, {report.refused:,} refused (each is told why)")
        for fault in report.faults:
            _say(f"  {fault.text()}")
    page = folder.parent / "records.html"
    with staged_file(page) as staging:
        staging.write_text(render_completeness(lake.status("2022-11-10", "2022-11-11")), encoding="utf-8")
    _say(f"who reported: {page.resolve()}")
    return [page.name]


def _findings() -> list[str]:
    """A fortnight of made-up returns and scans with breaches among them, judged by the rules; the page's name."""
    folder = OUT / "duties"
    shutil.rmtree(folder, ignore_errors=True)
    world = make_world(Case.read("china-2022/tiny"), *FORTNIGHT, 1, items=200, each=2).write(folder / "world")
    lake = Lake.open(folder / "lake")
    for part in ("records", "later"):
        lake.ingest(sorted((world / part).glob("*.parquet")), origin="generated")
    findings = check(lake, *FORTNIGHT)
    states = findings.summary()["states"]
    told = ", ".join(f"{state} {n:,}" for state, n in states.items() if n)
    _say(f"made-up records, {len(findings.judged)} rules, {len(findings):,} findings; of those that bind: {told}")
    page = folder.parent / "findings.html"
    with staged_file(page) as staging:
        staging.write_text(render_findings(findings), encoding="utf-8")
    _say(f"findings: {page.resolve()}")
    return [page.name]


def _planned(name: str, usual: Plan | None = None) -> Plan:
    case = Case.read(name)
    facts = case.info()
    _say(
        f"{facts['title']['en']}: {facts['facilities']} facilities, {facts['lanes']} lanes, {facts['pairs']} pairs, "
        f"{facts['slots']} slots of {facts['slot_hours']:g} h, {facts['parcels']:,.0f} parcels"
    )
    made = plan(case, gap=GAP, usual=usual, progress=_say, command="make demo")
    s = made.summary()
    _say(
        f"cost {s['objective']:,.0f} yuan, proven at least {s['lower_bound']:,.0f} (gap {100 * s['gap']:.2f} %), "
        f"{s['parcels']['undelivered']:,.0f} parcels undelivered, {s['seconds']:.0f} s"
    )
    return made


def _told(name: str, outcome: Outcome) -> None:
    f = outcome.facts
    _say(
        f"{name}: {f['overflow_hours']:,.0f} yard hours beyond storage, {100 * f['share_72h']:.1f} % within 72 h, "
        f"{f['parcels']['delivered']:,.0f} delivered, cost {f['cost']:,.0f} yuan"
    )


def _sheets(made: Plan) -> list[str]:
    """Sheets of the facilities with most to do; their names beside the page."""
    sheets = Sheets.of(made)
    busy = (
        sheets.drafted.filter(pl.col("action") != "dispatch")
        .group_by("facility")
        .agg(pl.col("parcels").sum())
        .sort(pl.col("parcels").neg(), "facility")
        .head(SHEETS)
    )
    written = sheets.write(OUT / "sheets", "facility", busy["facility"])
    return [f"sheets/{path.name}" for path in written]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _serve(folder: Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        _say(f"serving http://127.0.0.1:{server.server_address[1]}/report.html until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _say("")


if __name__ == "__main__":
    main()
