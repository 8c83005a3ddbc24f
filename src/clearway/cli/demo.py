"""The demo: plan the country's peak three ways, write the report, serve it on a terminal.

In:     nothing
Out:    out/demo with the plan's files; the page on http://127.0.0.1 until Ctrl-C
Not:    a web application: a static folder on loopback
"""

from __future__ import annotations

import functools
import http.server
import sys
from pathlib import Path

from clearway.cases import Case
from clearway.planning import Plan, plan
from clearway.reporting import render_report

CASE = "china-2022/peak"
BESIDE = ("china-2022/calm", "china-2022/peak-open")
GAP = 0.01


def main() -> None:
    """Plan the calm, the open peak and the peak as it was, and put them side by side."""
    others = [_planned(name) for name in BESIDE]
    made = _planned(CASE)
    folder = made.write(Path("out") / "demo", report=render_report(made, beside=others))
    cost = made.facts["objective"]
    for other in others:
        _say(f"{CASE} costs {cost - other.facts['objective']:,.0f} yuan more than {other.facts['case']['name']}")
    worst = sorted(made.facts["overflow"], key=lambda o: -o["peak"])[:3]
    for o in worst:
        _say(
            f"{o['facility']} overflows from {o['from']}, at most by {o['peak']:,.0f}, clears {o['clears'] or 'later'}"
        )
    _say(f"report: {(folder / 'report.html').resolve()}")
    if sys.stdout.isatty():
        _serve(folder)


def _planned(name: str) -> Plan:
    case = Case.read(name)
    facts = case.info()
    _say(
        f"{facts['title']['en']}: {facts['facilities']} facilities, {facts['lanes']} lanes, {facts['pairs']} pairs, "
        f"{facts['slots']} slots of {facts['slot_hours']:g} h, {facts['parcels']:,.0f} parcels"
    )
    made = plan(case, gap=GAP, progress=_say, command="make demo")
    s = made.summary()
    _say(
        f"cost {s['objective']:,.0f} yuan, proven at least {s['lower_bound']:,.0f} (gap {100 * s['gap']:.2f} %), "
        f"{s['parcels']['undelivered']:,.0f} parcels undelivered, {s['seconds']:.0f} s"
    )
    return made


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
