"""A rule in words: which edition is in force, why, how a unit stands, and what it would take.

In:     a rule, a unit, a day, perhaps a lake
Out:    Explanation
Not:    judging
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from clearway.records import Lake
from clearway.rules.declared import Gap, Limit, Packs, Rule
from clearway.rules.evaluating import check
from clearway.rules.periods import period_of
from clearway.rules.reading import all_rules


@dataclass(frozen=True)
class Explanation:
    """``lines`` in the language asked for; ``finding`` where a lake was looked at."""

    rule: Rule
    limit: Limit | None
    finding: dict[str, Any] | None
    lines: tuple[str, ...]


def explain(
    packs: Packs, name: str, day: date, unit: str | None = None, lake: Lake | None = None, lang: str = "en"
) -> Explanation:
    """Say what a rule asks on a day, of a unit where one is named."""
    rule = all_rules(packs, [name])[0]
    measure = packs.measures[rule.measure]
    limit = rule.limit_on(day)
    zh = lang == "zh"
    lines = [f"{rule.id}  {rule.title.say(lang)}"]
    if limit is None:
        begun = [x for x in rule.limits if x.first <= day]
        ended = begun[-1] if begun else None
        lines.append(
            (f"自 {ended.first} 起终止：{ended.cite}" if zh else f"ended on {ended.first}: {ended.cite}")
            if ended
            else (f"自 {rule.limits[0].first} 起才施行" if zh else f"begins on {rule.limits[0].first}")
        )
    else:
        lines.append(f"{'版本' if zh else 'edition'} {limit.first}: {_bounds(limit, measure.unit)}")
        lines.append(f"{'依据' if zh else 'by'} {limit.cite}" + (f": {limit.quote}" if limit.quote else ""))
    standing = [
        rule.force,
        rule.basis,
        ("提示" if zh else "advisory") if rule.advisory else ("约束" if zh else "binding"),
    ]
    lines.append(", ".join(standing) + f"; {'核对于' if zh else 'checked'} {rule.last_checked}")
    found = None
    edition = measure.edition_on(day)
    if unit and lake is not None and edition is not None and limit is not None:
        found = _finding(packs, rule, unit, day, lake)
        lines += _standing(rule, unit, found, zh)
    return Explanation(rule, limit, found, tuple(lines))


def _bounds(limit: Limit, unit: str) -> str:
    parts = []
    for case in limit.cases:
        said = [
            f"{sign} {bound:g} {unit}"
            for sign, bound in (("≥", case.at_least), ("≤", case.at_most))
            if bound is not None
        ]
        parts.append(" ".join(said) or "exempt")
    return "; ".join(parts)


def _finding(packs: Packs, rule: Rule, unit: str, day: date, lake: Lake) -> dict[str, Any] | None:
    edition = packs.measures[rule.measure].edition_on(day)
    assert edition is not None
    period = period_of(edition.period, day) if edition.period != "season" else None
    first, last = (period.first, period.last) if period else (day - timedelta(days=200), day + timedelta(days=200))
    frame = check(lake, first, last, packs=packs, rules=[rule.id]).versioned
    for row in frame.iter_rows(named=True):
        if row["unit"] == unit and row["first"] <= day <= row["last"]:
            return dict(row)
    return None


def _standing(rule: Rule, unit: str, found: dict[str, Any] | None, zh: bool) -> list[str]:
    if found is None:
        return [
            f"{unit}：没有可判断的记录，或不在适用范围内" if zh else f"{unit}: nothing to judge, or out of its scope"
        ]
    value = "-" if found["value"] is None else f"{found['value']:g}"
    lines = [f"{unit} {found['period']}: {found['state']}, {value}" + (f" ({found['why']})" if found["why"] else "")]
    above, below, least = found["numerator"], found["denominator"], found["at_least"]
    if found["state"] == "breached" and least is not None and below and above is not None:
        missing = math.ceil(round(least * below - above, 9))
        if missing > 0:
            lines.append(f"还差 {missing:,}（共 {below:g}）" if zh else f"it would take {missing:,} more of {below:g}")
    elif found["state"] == "breached" and found["value"] is not None:
        bound = least if least is not None else found["at_most"]
        lines.append(f"相差 {abs(found['value'] - bound):g}" if zh else f"it is {abs(found['value'] - bound):g} beyond")
    return lines


def overdue(packs: Packs, today: date, days: int = 365) -> tuple[list[Rule], list[Gap]]:
    """Rules whose source nobody has looked at for so many days, and every declared gap."""
    late = [r for r in packs.rules.values() if (today - r.last_checked).days > days]
    return late, [g for p in packs for g in p.gaps]
