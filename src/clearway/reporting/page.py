"""Render the report: a Jinja template with its style, scripts, outlines and data inside the page.

In:     Plan, and others to put beside it
Out:    HTML
Not:    figures (figures.py)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from clearway.cases import facts_folder
from clearway.planning import Plan
from clearway.reporting import figures
from clearway.reporting.templates import asset, embedded, template_of

_OUTLINES = ("province", "prefecture", "boundary_lines")
_CHINA = (73.0, 136.0, 3.0, 54.0)
COST_NAMES = {
    "transport": "运输",
    "sorting": "分拣",
    "delivery": "投递",
    "time": "时间",
    "extra": "增援",
    "overflow": "超存",
    "undelivered": "未投递",
}
ROW_NAMES = {"accept": "收寄", "sort": "分拣", "storage": "存放", "deliver": "投递", "depart": "发运"}


def outlines(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The outlines of China where the case has a facility there."""
    west, east, south, north = _CHINA
    if not any(west <= p["at"][0] <= east and south <= p["at"][1] <= north for p in points):
        return None
    folder = facts_folder() / "boundaries"
    return {name: json.loads((folder / f"{name}.topojson").read_text(encoding="utf-8")) for name in _OUTLINES}


def render(template: str, script: str, **values: Any) -> str:
    """A page from a template, with its style and scripts inside; raises AssetsMissingError."""
    names = ("vendor/echarts.min.js", "vendor/topojson-client.min.js", "common.js", script)
    return template_of(template).render(
        style=Markup(asset("report.css")), scripts=[Markup(asset(name)) for name in names], **values
    )


def render_report(plan: Plan, *, beside: Plan | Sequence[Plan] = ()) -> str:
    """The report of a plan as one HTML page.

    Parameters
    ----------
    beside
        Other plans (of the same network with nothing closed, say) whose totals stand beside it.

    Raises
    ------
    AssetsMissingError
        If the chart library was not installed into the package.
    """
    others = [beside] if isinstance(beside, Plan) else list(beside)
    points = figures.facility_points(plan)
    data = {
        "points": points,
        "lanes": figures.lane_lines(plan),
        "course": figures.course(plan),
        "outlines": outlines(points),
    }
    return render(
        "report.html.j2",
        "report.js",
        facts=plan.summary(),
        plans=[figures.totals(p) for p in (plan, *others)] if others else [],
        bottlenecks=figures.bottlenecks(plan),
        disruptions=figures.disruption_rows(plan),
        cost_names=COST_NAMES,
        row_names=ROW_NAMES,
        data=embedded(data),
    )
