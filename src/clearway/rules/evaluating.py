"""Evaluate packs over a lake: findings by rule, unit and period.

In:     a lake, packs, days, what was known by when
Out:    Findings
Not:    values (compiled), states (judging.py), pages (reporting)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from clearway.core.errors import ClearwayError
from clearway.records import Lake, parse_day
from clearway.rules.compiled.scopes import replacing, within_places
from clearway.rules.compiled.values import Compiled
from clearway.rules.declared import Edition, Packs, Rule
from clearway.rules.figures import Figures, Window
from clearway.rules.findings import Findings
from clearway.rules.judging import FINDINGS, judge_clocks, judge_values
from clearway.rules.periods import period_of
from clearway.rules.reading import BUILT_IN, all_rules, load_packs

if TYPE_CHECKING:
    from clearway.rules.compiled.scopes import Stretch

_DAY = timedelta(days=1)


def check(
    lake: Lake | str | Path,
    start: date | str | None = None,
    end: date | str | None = None,
    *,
    packs: Packs | Sequence[str] = BUILT_IN,
    at: datetime | str | None = None,
    rules: Sequence[str] | None = None,
    origin: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Findings:
    """Judge records by rules.

    Parameters
    ----------
    start, end
        Days, both included; periods wholly within them are judged, and of rules that are judged by a date or as
        they add up also those that touch them. Default: the day ``at``, or the last day with records.
    packs
        Names of built-in packs, folders, or packs already read.
    at
        What was known by then, and clocks that run are read then; now by default.
    rules
        Only these ids.
    origin
        ``observed``, ``simulated`` or ``generated``; needed where a lake holds several.
    told
        Called with how many measures are evaluated and of how many.

    Returns
    -------
    Findings

    Raises
    ------
    InputError
        If a pack is faulty or a rule unknown.
    ClearwayError
        If the lake holds several origins and none is named.
    """
    opened = lake if isinstance(lake, Lake) else Lake.open(lake, create=False)
    known, now = _known(opened, at)
    read = packs if isinstance(packs, Packs) else load_packs(packs)
    chosen = [r for r in all_rules(read, rules)]
    window = _window(opened, start, end, now, at is not None)
    origin = one_origin(opened, origin, window)
    stretches: dict[str, Stretch] = {}
    for rule in chosen:
        if rule.judge != "each-period":
            stretches[rule.measure] = _touching(read, rule, window)
    parts = [pl.LazyFrame(schema=FINDINGS)]
    with Compiled(known, read, window, origin, stretches) as compiled:
        figures = compiled.figures(dict.fromkeys(r.measure for r in chosen), told)
        registered = compiled.around.units["id"].unique()
        for rule in chosen:
            for edition in read.measures[rule.measure].editions:
                judged = _judged(compiled, figures, rule, edition, registered, now)
                parts += [] if judged is None else [judged]
    frame = pl.concat(pl.collect_all(parts)).sort("rule", "unit", "first")
    return Findings(frame, read, window, opened, origin, tuple(r.id for r in chosen))


def _known(lake: Lake, at: datetime | str | None) -> tuple[Lake, datetime]:
    """The lake as known at a time, and that time."""
    if at is None:
        return lake, datetime.now(lake.zone).replace(tzinfo=None)
    from clearway.core.timegrid import parse_time

    moment = at if isinstance(at, datetime) else parse_time(at, lake.zone)
    return lake.as_of(moment), moment


def _window(lake: Lake, start: date | str | None, end: date | str | None, now: datetime, asked: bool) -> Window:
    last = parse_day(end)
    if last is None:
        last = parse_day(start) if start is not None and not asked else None
    if last is None:
        last = now.date() if asked else lake.last_day(now.date()) or now.date()
    first = parse_day(start) or last
    if first > last:
        raise ClearwayError(f"the first day {first} is after the last day {last}; name them the other way round.")
    return Window(first, last, now)


def one_origin(lake: Lake, origin: str | None, window: Window) -> str | None:
    """The origin that is read: the one named, or the only one that the days evaluated have."""
    if origin is not None:
        return origin
    there = sorted(lake.origins(window.first, window.last))
    if len(there) <= 1:
        return there[0] if there else None
    raise ClearwayError(
        f"the lake holds records of several origins ({', '.join(there)}), and figures must not mix them; "
        f"name one with --origin {there[0]}."
    )


def _touching(packs: Packs, rule: Rule, window: Window) -> Stretch:
    """The days of whole periods that touch the window."""
    kind = packs.measures[rule.measure].editions[-1].period
    if kind == "season":
        return window.first - 366 * _DAY, window.last + 366 * _DAY
    return period_of(kind, window.first).first, period_of(kind, window.last).last


def _judged(
    compiled: Compiled, figures: Figures, rule: Rule, edition: Edition, registered: pl.Series, now: datetime
) -> pl.LazyFrame | None:
    clocks = edition.kind == "duration"
    rows = (figures.clocks if clocks else figures.values).get(rule.measure)
    if rows is None or not len(rows):
        return None
    scope = compiled.in_scope(rule, edition, compiled.stretch(rule.measure)).select("unit", "period", "case")
    mine = rows.lazy().filter(pl.col("first").is_between(edition.first, edition.last))
    judged = mine.join(scope.lazy(), on=["unit", "period"])
    if not (rule.scope.kinds or rule.scope.where is not None or rule.enterprise):
        # units of no register, such as places
        others = mine.filter(~pl.col("unit").is_in(registered.implode())).collect()
        if rule.scope.places:
            others = others.filter(within_places(others["unit"], rule.scope.places))
        for local in replacing(compiled.packs, rule):
            others = others.filter(~within_places(others["unit"], local.scope.places))
        more = others.lazy().with_columns(case=pl.lit(_unconditional(rule)))
        judged = pl.concat([judged, more], how="vertical_relaxed")
    if clocks:
        return judge_clocks(rule, judged, rows["day"])
    return judge_values(rule, edition, judged, rows.select("first", "last"), now)


def _unconditional(rule: Rule) -> int:
    """The case for units of which no register says anything: the first without a condition."""
    for limit in rule.limits:
        for n, case in enumerate(limit.cases):
            if case.when is None:
                return n
    return -1
