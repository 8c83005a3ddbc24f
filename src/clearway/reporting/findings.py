"""The page of findings: a board by topic and unit, what is breached with the words of the rule, age and coverage.

In:     Findings
Out:    one self-contained HTML page in both languages
Not:    judging (rules)
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from clearway import __version__
from clearway.reporting.templates import template_of
from clearway.rules import Findings

MOST_UNITS = 60  # of each topic on the board, those with the most breaches; the workbook has all
MOST_ROWS = 500
STATES = {
    "breached": ("breached", "违反", "b"),
    "at-risk": ("at risk", "临界", "r"),
    "no-data": ("no data", "无数据", "n"),
    "pending": ("pending", "未到期", "p"),
    "met": ("met", "符合", "m"),
    "not-applicable": ("not applicable", "不适用", "a"),
}


def render_findings(findings: Findings, lang: str = "zh") -> str:
    """The page; ``lang`` is the language it opens in, both are inside."""
    frame = findings.versioned
    topics = {r: findings.packs.rules[r].topics[0] for r in findings.judged}
    frame = frame.with_columns(topic=pl.col("rule").replace_strict(topics, return_dtype=pl.String))
    summary = findings.summary()
    return template_of("findings.html.j2").render(
        lang=lang,
        summary=summary,
        states=STATES,
        rules=_rules(findings),
        board=_board(findings, frame),
        breaches=_breaches(findings, frame),
        more=max(0, len(frame.filter(pl.col("state") == "breached")) - MOST_ROWS),
        gaps=[g for p in findings.packs for g in p.gaps],
        version=__version__,
    )


def _rules(findings: Findings) -> list[dict[str, Any]]:
    """Rules with a finding: counts, value, coverage."""
    rows = []
    for row in findings.by_rule().iter_rows(named=True):
        rule = findings.packs.rules[row["rule"]]
        coverage = row["reported"] / row["expected"] if row["expected"] else None
        rows.append({**row, "title": rule.title, "advisory": rule.advisory, "coverage": coverage})
    return rows


def _board(findings: Findings, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """For each topic the units with the most breaches, and the worst state of each in each rule."""
    rank = {s: i for i, s in enumerate(STATES)}
    worst = (
        frame.with_columns(rank=pl.col("state").replace_strict(rank, return_dtype=pl.Int8))
        .group_by("topic", "rule", "unit")
        .agg(rank=pl.col("rank").min(), breached=(pl.col("state") == "breached").sum())
    )
    names = list(STATES)
    found = []
    for topic in sorted(worst["topic"].unique().to_list()):
        mine = worst.filter(pl.col("topic") == topic)
        rules = sorted(mine["rule"].unique().to_list())
        order = mine.group_by("unit").agg(pl.col("breached").sum()).sort(["breached", "unit"], descending=[True, False])
        shown = order.head(MOST_UNITS)["unit"].to_list()
        cells: dict[str, dict[str, str]] = {u: {} for u in shown}
        for rule, unit, state in mine.select("rule", "unit", "rank").iter_rows():
            if unit in cells:
                cells[unit][rule] = names[state]
        found.append(
            {
                "title": findings.packs.topic(topic),
                "rules": [findings.packs.rules[r] for r in rules],
                "rows": [{"unit": u, "cells": [cells[u].get(r, "") for r in rules]} for u in shown],
                "more": len(order) - len(shown),
            }
        )
    return found


def _breaches(findings: Findings, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Breaches, binding ones first, with what the rule says and how long ago the period was."""
    chosen = frame.filter(pl.col("state") == "breached").sort(
        ["advisory", "last", "rule", "unit"], descending=[False, True, False, False]
    )
    now: datetime = findings.window.now
    rows = []
    for row in chosen.head(MOST_ROWS).iter_rows(named=True):
        rule = findings.packs.rules[row["rule"]]
        limit = rule.limit_on(row["first"]) or rule.limits[-1]
        age = (now.date() - row["last"]).days
        rows.append({**row, "title": rule.title, "cite": limit.cite, "quote": limit.quote, "age": age,
                     "severity": rule.severity})  # fmt: skip
    return rows
