"""Values against rules: states, by the value in force, the coverage, and what is not over yet.

In:     a rule, the values or clocks of its measure, the units in its scope
Out:    findings of the rule as a frame
Not:    values (compiled), keeping findings (findings.py)
Words:  proven = what arrived shows a breach whatever else may come
Source: docs/rules.md, states
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from clearway.rules.declared import Case, Edition, Limit, Rule
from clearway.rules.figures import VALUES

FINDINGS: dict[str, Any] = {
    "rule": pl.String, **VALUES,
    "state": pl.String, "why": pl.String, "edition": pl.String, "advisory": pl.Boolean,
    "at_least": pl.Float64, "at_most": pl.Float64,
}  # fmt: skip
_DAY = timedelta(days=1)
_ONLY_GROWS = ("count", "sum")


def limit_over(rule: Rule, first: date, last: date, case: int) -> tuple[Limit, Case] | None:
    """The value that holds over some days: where it changes among them the more lenient one.

    ``None`` where there is none in force on the first or on the last of them.
    """
    begin, end = rule.limit_on(first), rule.limit_on(last)
    if begin is None or end is None:
        return None
    if begin is end or rule.anchor == "end":
        chosen = end if rule.anchor == "end" else begin
        return chosen, _case(chosen, case)
    cases = [_case(x, case) for x in (begin, end)]
    least = [c.at_least for c in cases]
    most = [c.at_most for c in cases]
    lenient = Case(
        None,
        None if None in least else min(x for x in least if x is not None),
        None if None in most else max(x for x in most if x is not None),
        any(c.exempt for c in cases),
    )
    return begin, lenient


def _case(limit: Limit, number: int) -> Case:
    return limit.cases[number] if 0 <= number < len(limit.cases) else Case(None, exempt=True)


def _with_limits(rule: Rule, rows: pl.LazyFrame, spans: pl.DataFrame) -> pl.LazyFrame:
    """Rows with the bounds of their days (``spans``: first, last) and case; those of days without a value fall out."""
    most = max(len(x.cases) for x in rule.limits)
    bounds: list[tuple[Any, ...]] = []
    for first, last in spans.unique().iter_rows():
        for case in range(-1, most):
            found = limit_over(rule, first, last, case)
            if found is not None:
                limit, chosen = found
                exempt = chosen.exempt or case < 0
                bounds.append((first, last, case, limit.first.isoformat(), chosen.at_least, chosen.at_most, exempt))
    schema = {
        "first": pl.Date, "last": pl.Date, "case": pl.Int32, "edition": pl.String, "at_least": pl.Float64,
        "at_most": pl.Float64, "exempt": pl.Boolean,
    }  # fmt: skip
    limits = pl.DataFrame(bounds, schema=schema, orient="row").lazy()
    return rows.with_columns(pl.col("case").cast(pl.Int32)).join(limits, on=["first", "last", "case"])


def judge_values(
    rule: Rule, edition: Edition, values: pl.LazyFrame, spans: pl.DataFrame, now: datetime
) -> pl.LazyFrame:
    """States of values; ``values`` has the columns of VALUES and ``case``, ``spans`` their first and last days."""
    rows = _with_limits(rule, values, spans)
    value, least, most = pl.col("value"), pl.col("at_least"), pl.col("at_most")
    low = least.is_not_null() & (value < least)
    high = most.is_not_null() & (value > most)
    if edition.sampled:
        low = least.is_not_null() & (pl.coalesce("high", "value") < least)
        high = most.is_not_null() & (pl.coalesce("low", "value") > most)
    beyond = (low | high).fill_null(False)
    doubtful = ((least.is_not_null() & (value < least)) | (most.is_not_null() & (value > most))).fill_null(False)
    over = (pl.col("last") + pl.duration(days=1)).cast(pl.Datetime("us")) <= pl.lit(now)
    silent = (pl.col("expected").fill_null(0) > 0) & (pl.col("reported").fill_null(0) == 0)
    thin = pl.col("expected").is_not_null() & (
        pl.col("reported").fill_null(0) < pl.lit(rule.min_coverage) * pl.col("expected")
    )
    proven = _proven(edition, beyond, high, pl.col("numerator"), pl.col("denominator"), least, most)
    grown = proven | beyond if edition.kind == "interval" else proven
    state = (
        pl.when(pl.col("exempt"))
        .then(pl.lit("not-applicable"))
        .when(silent)
        .then(pl.when(over).then(pl.lit("no-data")).otherwise(pl.lit("pending")))
        .when(value.is_null())
        .then(pl.when(pl.col("left_out") > 0).then(pl.lit("pending")).otherwise(pl.lit("not-applicable")))
        .when(~over & grown)
        .then(pl.lit("breached"))
        .when(~over)
        .then(pl.when(_behind(rule, edition, now)).then(pl.lit("at-risk")).otherwise(pl.lit("pending")))
        .when(thin & ~proven)
        .then(pl.lit("no-data"))
        .when(beyond)
        .then(pl.lit("breached"))
        .when(doubtful | _warned(rule))
        .then(pl.lit("at-risk"))
        .otherwise(pl.lit("met"))
    )
    why = (
        pl.when(pl.col("exempt"))
        .then(pl.lit("exempt"))
        .when(silent)
        .then(pl.lit("silent"))
        .when(value.is_null() & (pl.col("left_out") > 0))
        .then(pl.lit("not due yet"))
        .when(value.is_null())
        .then(pl.lit("nothing to judge"))
        .when(~over)
        .then(pl.lit("not over yet"))
        .when(thin & ~proven)
        .then(pl.lit("too few reports"))
        .when(doubtful & ~beyond)
        .then(pl.lit("within the error of the sample"))
    )
    return _shaped(rule, rows.with_columns(state=state, why=why))


def _proven(
    edition: Edition, beyond: pl.Expr, high: pl.Expr, above: pl.Expr, below: pl.Expr, least: pl.Expr, most: pl.Expr
) -> pl.Expr:
    """Whether a breach stands whatever else arrives."""
    if edition.change:
        return pl.lit(False)
    if edition.kind in _ONLY_GROWS or (edition.kind == "level" and edition.take == "highest"):
        return high.fill_null(False)
    if edition.kind == "share":
        return (beyond & (((least >= 1) & (above < below)) | ((most <= 0) & (above > 0)))).fill_null(False)
    return pl.lit(False)


def _behind(rule: Rule, edition: Edition, now: datetime) -> pl.Expr:
    """Whether a figure that may still grow is behind an even pace."""
    if rule.judge == "each-period":
        return pl.lit(False)
    start = pl.col("first").cast(pl.Datetime("us"))
    length = (pl.col("last") - pl.col("first")).dt.total_days() + 1
    passed = (pl.lit(now) - start).dt.total_seconds() / 86_400
    pace = pl.min_horizontal(pl.lit(1.0), passed / length) if edition.kind in _ONLY_GROWS else pl.lit(1.0)
    return (pl.col("value") < pl.col("at_least") * pace).fill_null(False)


def _warned(rule: Rule) -> pl.Expr:
    if rule.warn is None:
        return pl.lit(False)
    low = pl.col("at_least").is_not_null() & (pl.col("value") < rule.warn)
    high = pl.col("at_most").is_not_null() & (pl.col("value") > rule.warn)
    return (low | high).fill_null(False)


def judge_clocks(rule: Rule, clocks: pl.LazyFrame, days: pl.Series) -> pl.LazyFrame:
    """States of clocks, together by unit and period; each keeps the value of the day it started on (``days``)."""
    periods = clocks.select("unit", "period", pl.col("first").alias("_first"), pl.col("last").alias("_last"), "case",
                            "day", "elapsed", "open")  # fmt: skip
    spans = pl.DataFrame({"first": days, "last": days})
    rows = _with_limits(rule, periods.with_columns(first=pl.col("day"), last=pl.col("day")), spans)
    rows = rows.drop("first", "last").rename({"_first": "first", "_last": "last"})
    spent, least, most = pl.col("elapsed"), pl.col("at_least"), pl.col("at_most")
    late = (most.is_not_null() & (spent > most)).fill_null(False)
    early = (least.is_not_null() & (spent < least)).fill_null(False)
    rows = rows.with_columns(
        one=pl.when(pl.col("exempt"))
        .then(pl.lit("not-applicable"))
        .when(late | (early & ~pl.col("open")))
        .then(pl.lit("breached"))
        .when(pl.col("open") & (early | least.is_null()))
        .then(pl.lit("pending"))
        .otherwise(pl.when(_slow(rule)).then(pl.lit("at-risk")).otherwise(pl.lit("met")))
    )
    one, judged = pl.col("one"), pl.col("one") != "not-applicable"
    worst = pl.when(pl.col("at_least").is_not_null().any()).then(spent.filter(judged).min())
    together = rows.group_by("unit", "period", "first", "last").agg(
        state=pl.when((one == "breached").any())
        .then(pl.lit("breached"))
        .when((one == "pending").any())
        .then(pl.lit("pending"))
        .when((one == "at-risk").any())
        .then(pl.lit("at-risk"))
        .when((one == "met").any())
        .then(pl.lit("met"))
        .otherwise(pl.lit("not-applicable")),
        value=worst.otherwise(spent.filter(judged).max()),
        numerator=one.is_in(["met", "at-risk"]).sum(),
        denominator=judged.sum(),
        edition=pl.col("edition").min(),
        at_least=least.max(),
        at_most=most.min(),
    )
    why = pl.when(pl.col("state") == "pending").then(pl.lit("still running")).when(
        pl.col("state") == "not-applicable").then(pl.lit("exempt"))  # fmt: skip
    return _shaped(rule, together.with_columns(why=why))


def _slow(rule: Rule) -> pl.Expr:
    if rule.warn is None:
        return pl.lit(False)
    return pl.when(pl.col("at_most").is_not_null()).then(pl.col("elapsed") > rule.warn).otherwise(
        pl.col("elapsed") < rule.warn
    )  # fmt: skip


def _shaped(rule: Rule, rows: pl.LazyFrame) -> pl.LazyFrame:
    rows = rows.with_columns(rule=pl.lit(rule.id), advisory=pl.lit(rule.advisory))
    there = rows.collect_schema().names()
    absent = [pl.lit(None, dtype=t).alias(c) for c, t in FINDINGS.items() if c not in there]
    rows = rows.with_columns(absent).select(list(FINDINGS)).cast(pl.Schema(FINDINGS))
    return rows.with_columns(pl.col("left_out").fill_null(0))
