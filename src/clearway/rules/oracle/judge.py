"""States of figures, said again in plain Python.

In:     rules
Out:    findings as rows
Not:    figures (measurer.py)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from clearway.records import lies_in
from clearway.rules.declared import Edition, Rule
from clearway.rules.oracle.measurer import Measurer
from clearway.rules.oracle.small import (
    DAY,
    Row,
)  # fmt: skip
from clearway.rules.periods import Period, period_of


class Judge(Measurer):
    """Rules against figures."""

    # ------------------------------------------------------------ judging

    def judge(self, rule: Rule) -> Iterator[Row]:
        measure = self.packs.measures[rule.measure]
        first, last = self.window.first, self.window.last
        if rule.judge != "each-period":
            kind = measure.editions[-1].period
            if kind == "season":
                first, last = first - 366 * DAY, last + 366 * DAY
            else:
                first, last = period_of(kind, first).first, period_of(kind, last).last
        for edition in measure.editions:
            if edition.kind == "duration":
                for (unit, name), (period, clocks) in self.clocks(edition, first, last).items():
                    if edition.first <= period.first <= edition.last:
                        yield from self.judge_clocks(rule, edition, unit, name, period, clocks)
        if measure.editions[-1].kind == "duration":
            return
        for (unit, name), value in self.values(rule.measure, first, last).items():
            edition = next(e for e in measure.editions if e.first <= value["period"].first <= e.last)
            case = self.case(rule, edition, unit, value["period"])
            if case is not None:
                yield from self.judge_value(rule, edition, unit, name, value, case)

    def case(self, rule: Rule, edition: Edition, unit: Any, period: Period) -> int | None:
        """Which case decides for a unit; -1 none of them; ``None`` where it is out of scope."""
        at = datetime.combine(period.first, time())
        if unit not in self.units:
            if rule.scope.kinds or rule.scope.where is not None or rule.enterprise or self.replaced(rule, unit):
                return None
            if rule.scope.places and not lies_in(str(unit), rule.scope.places):
                return None
            for limit in rule.limits:
                for n, case in enumerate(limit.cases):
                    if case.when is None:
                        return n
            return -1
        begin = self.unit_row(unit, at)
        if begin is None or begin is not self.unit_row(unit, datetime.combine(period.last, time())):
            return None
        if rule.scope.kinds and begin["kind"] not in rule.scope.kinds:
            return None
        if rule.scope.places and not (begin["place"] and lies_in(begin["place"], rule.scope.places)):
            return None
        if self.replaced(rule, begin["place"]) or (rule.enterprise and rule.authority not in (begin["operator"], unit)):
            return None
        if rule.scope.where is not None and not self.unit_true(rule.scope.where, unit, at):
            return None
        if not any(c.when is not None for x in rule.limits for c in x.cases):
            return 0
        held = next((x for x in rule.limits if x.first <= period.first <= x.last), None)
        for n, case in enumerate(held.cases if held else ()):
            if case.when is None or self.unit_true(case.when, unit, at):
                return n
        return -1

    def replaced(self, rule: Rule, place: Any) -> bool:
        """Whether a lower authority set another value for a place."""
        return place is not None and any(
            r.replaces == rule.id and r.scope.places and lies_in(str(place), r.scope.places)
            for r in self.packs.rules.values()
        )

    def bounds(
        self, rule: Rule, first: date, last: date, case: int
    ) -> tuple[str, float | None, float | None, bool] | None:
        """Edition, at least, at most and whether exempt, over some days."""
        begin, end = rule.limit_on(first), rule.limit_on(last)
        if begin is None or end is None:
            return None

        def of(limit: Any) -> tuple[float | None, float | None, bool]:
            if not 0 <= case < len(limit.cases):
                return None, None, True
            c = limit.cases[case]
            return c.at_least, c.at_most, c.exempt

        if begin is end:
            return (begin.first.isoformat(), *of(begin))
        if rule.anchor == "end":
            return (end.first.isoformat(), *of(end))
        (la, ma, xa), (lb, mb, xb) = of(begin), of(end)
        least = None if la is None or lb is None else min(la, lb)
        most = None if ma is None or mb is None else max(ma, mb)
        return begin.first.isoformat(), least, most, xa or xb

    def judge_clocks(
        self, rule: Rule, edition: Edition, unit: Any, name: str, period: Period, clocks: list[Row]
    ) -> Iterator[Row]:
        case = self.case(rule, edition, unit, period)
        if case is None:
            return
        states, spent, editions, least_any = [], [], [], False
        for one in clocks:
            bound = self.bounds(rule, one["day"], one["day"], case)
            if bound is None:
                continue
            first, least, most, exempt = bound
            editions.append(first)
            least_any |= least is not None
            if exempt or case < 0:
                states.append("not-applicable")
                continue
            spent.append(one["elapsed"])
            late = most is not None and one["elapsed"] > most
            early = least is not None and one["elapsed"] < least
            if late or (early and not one["open"]):
                states.append("breached")
            elif one["open"] and (early or least is None):
                states.append("pending")
            elif rule.warn is not None and (
                one["elapsed"] > rule.warn if most is not None else one["elapsed"] < rule.warn
            ):
                states.append("at-risk")
            else:
                states.append("met")
        if not states:
            return
        state = next((s for s in ("breached", "pending", "at-risk", "met") if s in states), "not-applicable")
        value = (min(spent) if least_any else max(spent)) if spent else None
        yield {
            "rule": rule.id, "unit": unit, "period": name, "state": state, "value": value,
            "numerator": float(sum(s in ("met", "at-risk") for s in states)), "denominator": float(len(spent)),
            "expected": None, "reported": None, "left_out": 0, "edition": min(editions), "advisory": rule.advisory,
        }  # fmt: skip

    def judge_value(self, rule: Rule, edition: Edition, unit: Any, name: str, row: Row, case: int) -> Iterator[Row]:
        period = row["period"]
        bound = self.bounds(rule, period.first, period.last, case)
        if bound is None:
            return
        first, least, most, exempt = bound
        value, expected, reported = row["value"], row["expected"], row["reported"]
        over = datetime.combine(period.last + DAY, time()) <= self.now
        low = high = doubtful = False
        if value is not None:
            doubtful = (least is not None and value < least) or (most is not None and value > most)
            top = row["high"] if row["high"] is not None else value
            bottom = row["low"] if row["low"] is not None else value
            low, high = least is not None and top < least, most is not None and bottom > most
        beyond = low or high
        above, below = row["numerator"], row["denominator"]
        proven = False
        if not edition.change and value is not None:
            if edition.kind in ("count", "sum") or (edition.kind == "level" and edition.take == "highest"):
                proven = high
            elif edition.kind == "share":
                proven = beyond and (
                    (least is not None and least >= 1 and above < below)
                    or (most is not None and most <= 0 and above > 0)
                )
        if exempt or case < 0:
            state = "not-applicable"
        elif expected and not reported:
            state = "no-data" if over else "pending"
        elif value is None:
            state = "pending" if row["left_out"] else "not-applicable"
        elif not over and (proven or (edition.kind == "interval" and beyond)):
            state = "breached"
        elif not over:
            state = "at-risk" if self.behind(rule, edition, period, value, least) else "pending"
        elif expected is not None and reported < rule.min_coverage * expected and not proven:
            state = "no-data"
        elif beyond:
            state = "breached"
        elif doubtful or (
            rule.warn is not None
            and ((least is not None and value < rule.warn) or (most is not None and value > rule.warn))
        ):
            state = "at-risk"
        else:
            state = "met"
        yield {
            "rule": rule.id, "unit": unit, "period": name, "state": state, "value": value, "numerator": above,
            "denominator": below, "expected": expected, "reported": reported, "left_out": row["left_out"],
            "sample": row["sample"], "low": row["low"], "high": row["high"],
            "edition": first, "advisory": rule.advisory,
        }  # fmt: skip

    def behind(self, rule: Rule, edition: Edition, period: Period, value: float, least: float | None) -> bool:
        if rule.judge == "each-period" or least is None:
            return False
        passed = (self.now - datetime.combine(period.first, time())).total_seconds() / 86_400
        length = (period.last - period.first).days + 1
        pace = min(1.0, passed / length) if edition.kind in ("count", "sum") else 1.0
        return value < least * pace
