"""Deadlines as dates, where the page's date is known.

In:     a deadline as printed, the date of the page, Lexicon
Out:    {"from", "to"} as ISO days, or {"at_once": true}; None where nothing certain can be said
Not:    finding deadlines (fields.py); guessing: a year that no table has stays open
Source: lexicon/periods.toml
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Any

from clearway.notices.lexicon import Lexicon

_DAY = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日")
_MONTH = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(底|末|上旬|中旬|下旬)?")
_WITHIN = re.compile(r"(\d+)个?(小时|分钟|工作日|日|天|周|月)(?:之内|以内|内)")


class Periods:
    """Holidays and their other names."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["periods"]
        self._holidays: dict[str, dict[str, list[str]]] = table["holidays"]
        self._aliases: dict[str, str] = table["aliases"]

    def resolve(self, printed: str, day: str | None) -> dict[str, Any] | None:
        """Days of a deadline; both inclusive."""
        if printed == "第一时间" or printed.startswith("当"):
            return {"at_once": True}
        within = _WITHIN.search(printed)
        if within:
            # counted from an event that the page does not date
            return {"within": int(within[1]), "unit": within[2]}
        try:
            return self._days(printed, day)
        except ValueError:
            return None  # a day or year that no calendar has

    def _days(self, printed: str, day: str | None) -> dict[str, Any] | None:
        if day is None:
            year_told = re.search(r"\d{4}年", printed)
            if not year_told:
                return None
            on = date(int(year_told[0][:4]), 1, 1)
        else:
            on = date.fromisoformat(day)
        return self._holiday(printed, on) or _range(printed, on) or _end(printed, on)

    def _holiday(self, printed: str, on: date) -> dict[str, Any] | None:
        name = re.sub(r"期间$|前$|[“”]", "", printed)
        names = [self._aliases.get(n, n) for n in re.split("[、和及]", name)]
        if not all(n in self._holidays for n in names):
            return None
        spans = []
        for n in names:
            ahead = [d for d in self._holidays[n].values() if date.fromisoformat(d[1]) >= on]
            if not ahead or date.fromisoformat(ahead[0][0]) - on > timedelta(days=200):
                return None
            spans.append(ahead[0])
        first, last = min(s[0] for s in spans), max(s[1] for s in spans)
        if printed.endswith("前"):
            return {"to": (date.fromisoformat(first) - timedelta(days=1)).isoformat()}
        return {"from": first, "to": last}


def _range(printed: str, on: date) -> dict[str, Any] | None:
    parts = re.split(r"至|到|—|-|－|~|～", printed)
    if len(parts) < 2 and not printed.startswith("自") and "即日起" not in printed:
        return None
    out: dict[str, Any] = {}
    first = _day(parts[0], on)
    if "即日" in parts[0] or "今日" in parts[0]:
        first = on
    if first:
        out["from"] = first.isoformat()
    last = _last(parts[-1], first or on) if len(parts) > 1 else None
    if last:
        out["to"] = last.isoformat()
    return out or None


def _end(printed: str, on: date) -> dict[str, Any] | None:
    # “12月31日前” and “before the end of the year” take the day with them
    last = _last(re.sub(r"(?:之前|以前|前|之?内)$", "", printed), on)
    return {"to": last.isoformat()} if last is not None else None


def _last(text: str, on: date) -> date | None:
    if _DAY.search(text):
        return _day(text, on)  # None for a day that the month has not
    month = _MONTH.search(text)
    if month:
        year = _year(month[1], text, on)
        number = int(month[2])
        if not 1 <= number <= 12:
            return None
        if month[1] is None and number < on.month:
            year += 1
        last = {"上旬": 10, "中旬": 20}.get(month[3] or "", calendar.monthrange(year, number)[1])
        return date(year, number, last)
    told = re.search(r"(\d{4})年", text)
    if re.search("年底|年末|年内|^年$|今年|本年", text) or (told and not re.search("季|半年", text)):
        return date(int(told[1]) if told else on.year + ("明年" in text), 12, 31)
    if re.search("月底|月末|本月|月内", text):
        return date(on.year, on.month, calendar.monthrange(on.year, on.month)[1])
    if re.search("季度?(?:末|底)|本季度", text):
        month_ = 3 * ((on.month + 2) // 3)
        return date(on.year, month_, calendar.monthrange(on.year, month_)[1])
    if "上半年" in text:
        return date(on.year, 6, 30)
    return None


def _day(text: str, on: date) -> date | None:
    m = _DAY.search(text)
    if not m:
        return None
    month = int(m[2]) if m[2] else on.month
    year = _year(m[1], text, on)
    try:
        day = date(year, month, int(m[3]))
        # a day of the year's first months, told late in the year, is one of the next
        if m[1] is None and on - day > timedelta(days=200):
            day = date(year + 1, month, int(m[3]))
    except ValueError:
        return None
    return day


def _year(told: str | None, text: str, on: date) -> int:
    return int(told) if told else on.year + ("明年" in text)
