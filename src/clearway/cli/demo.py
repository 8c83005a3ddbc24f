"""The demo: plan the built-in part of eastern China, write the report, serve it on a terminal.

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
from clearway.planning import plan
from clearway.reporting import render_report

CASE = "china-2022/east-12"


def main() -> None:
    """Plan with the closures in force and without them, and compare."""
    case = Case.read(CASE)
    facts = case.info()
    _say(
        f"{facts['title']['en']}: {facts['facilities']} facilities, {facts['lanes']} lanes, {facts['pairs']} pairs, "
        f"{facts['slots']} slots of {facts['slot_hours']:g} h, {facts['parcels']:,.0f} parcels"
    )
    _say("planning with nothing closed …")
    calm = plan(case.without_disruptions(), progress=_say)
    _say("planning with the closures in force …")
    made = plan(case, progress=_say, command="make demo")
    folder = made.write(Path("out") / "demo", report=render_report(made, beside=calm))
    s = made.summary()
    _say(
        f"cost {s['objective']:,.0f} yuan, proven at least {s['lower_bound']:,.0f} (gap {s['gap']:.2e}); "
        f"the closures cost {s['objective'] - calm.summary()['objective']:,.0f}"
    )
    _say(f"report: {(folder / 'report.html').resolve()}")
    if sys.stdout.isatty():
        _serve(folder)


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
