"""The page of who reported: a heat map of units and periods for each return, silence first.

In:     Completeness
Out:    one self-contained HTML page in both languages
Not:    deciding what was expected (records.completeness)
"""

from __future__ import annotations

from typing import Any

import polars as pl

from clearway import __version__
from clearway.records import Completeness, record_types
from clearway.reporting.templates import template_of

MOST_UNITS = 300  # of each return, those with the most silence; the workbook has all
_STATES = {
    "received": ("received", "已报", "r"),
    "late": ("late", "迟报", "l"),
    "nil": ("nil return", "零报告", "n"),
    "silent": ("silent", "未报", "s"),
    "pending": ("not due yet", "未到期", "p"),
}


def render_completeness(status: Completeness, lang: str = "zh") -> str:
    """The page; ``lang`` is the language it opens in, both are inside."""
    by_type = {row["type"]: row for row in status.by_type().iter_rows(named=True)}
    return template_of("completeness.html.j2").render(
        lang=lang,
        status=status,
        states=_STATES,
        sums=[{**row, "zh": _zh(name)} for name, row in by_type.items()],
        maps=[_map(status.states, name) for name in by_type],
        unknown=status.unknown.head(MOST_UNITS).to_dicts(),
        unlisted=max(0, len(status.unknown) - MOST_UNITS),
        overlaps=status.registers.faults[:MOST_UNITS],
        gaps=status.registers.warnings[:MOST_UNITS],
        version=__version__,
    )


def _zh(name: str) -> str:
    return record_types()[name].zh if name in record_types() else name


def _map(states: pl.DataFrame, name: str) -> dict[str, Any]:
    mine = states.filter(pl.col("type") == name)
    periods = mine["period"].unique().sort().to_list()
    place = {p: i for i, p in enumerate(periods)}
    order = (
        mine.group_by("unit", "name", "place")
        .agg(silent=(pl.col("state") == "silent").sum(), late=(pl.col("state") == "late").sum())
        .sort(["silent", "late", "unit"], descending=[True, True, False])
    )
    shown = order.head(MOST_UNITS)
    cells: dict[str, list[str]] = {u: [""] * len(periods) for u in shown["unit"]}
    for unit, period, state in mine.select("unit", "period", "state").iter_rows():
        if unit in cells:
            cells[unit][place[period]] = state
    rows = [{**row, "cells": cells[row["unit"]]} for row in shown.iter_rows(named=True)]
    return {"type": name, "zh": _zh(name), "periods": periods, "rows": rows, "more": len(order) - len(shown)}
